"""GGUF files from Hugging Face repositories, through the `huggingface_hub` library.

Files stay in the hub's own cache (HF_HOME, HF_HUB_CACHE), shared with other programs; what is
there is used without any network access. The library resumes cut downloads, draws its own bars
on stderr and honours HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE; the SHA-256 is checked here,
since the library compares sizes only. It is an optional extra: 15 packages, 33 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import ModelError
from runtime.models.cache import megabytes
from runtime.models.progress import OnProgress, Progress
from runtime.models.registry import HubSource

# What decodes fastest on CPUs comes first; llama.cpp repacks Q4_0 and IQ4_NL for SIMD.
PREFERENCE = ("Q4_0", "IQ4_NL", "Q4_K_M", "Q4_K_S", "Q4_1", "Q5_K_M", "Q6_K", "Q8_0")

_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?P<rest>[:/].+)?")


def parse_hub_id(text: str) -> HubSource | None:
    """Read `org/repo`, `org/repo:Q4_K_M` or `org/repo/file.gguf`; None if it is none of them."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    repo, rest = match["repo"], match["rest"] or ""
    if rest.startswith(":"):
        return HubSource(repo, quant=rest[1:])
    if rest:
        clean = rest.endswith(".gguf") and ".." not in rest.split("/")
        return HubSource(repo, rest[1:]) if clean else None
    return None if repo.endswith(".gguf") else HubSource(repo)


def find_hub_file(source: HubSource) -> tuple[Path, list[str]] | None:
    """The wanted file in the hub's cache and notes for the user; None if it is not there.

    Where no file is named this looks at the files that are there, not at those of the repository.
    """
    try:
        from huggingface_hub import constants
    except ModuleNotFoundError:
        return None
    # Layout: huggingface.co/docs/huggingface_hub/guides/manage-cache. Read directly, because the
    # library's own function needs its HTTP stack (0.2 s) and cannot list the files.
    folder = Path(constants.HF_HUB_CACHE) / f"models--{source.repo.replace('/', '--')}"
    reference = folder / "refs" / source.revision
    commit = reference.read_text().strip() if reference.is_file() else source.revision
    snapshot = folder / "snapshots" / commit
    files = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*.gguf")]
    try:
        file, _ = choose(source, files)
    except ModelError:
        return None
    path = snapshot / file
    notes = [] if source.file else [f"{source.repo}: using {file}, which is in the cache"]
    if source.sha256 and path.resolve().name != source.sha256:  # blobs are named by their hash
        return None
    return path, notes


def fetch_hub_file(source: HubSource, on_progress: OnProgress) -> tuple[Path, list[str]]:
    """Download the wanted file and check its hash; returns it and notes. Raises ModelError."""
    try:
        from huggingface_hub import HfApi, constants, hf_hub_download
    except ModuleNotFoundError as error:
        raise ModelError(
            f"to fetch '{source}' from Hugging Face install the extra: pip install 'sod-agent[hub]'"
        ) from error

    with _hub_errors(source):
        listing = HfApi().model_info(source.repo, revision=source.revision, files_metadata=True)
    remotes = {entry.rfilename: entry for entry in listing.siblings or []}
    file, notes = choose(source, list(remotes))
    what = (
        f"fetching {file} ({megabytes(remotes[file].size or 0)}) from "
        f"{constants.ENDPOINT}/{source.repo} into {constants.HF_HUB_CACHE}"
    )
    on_progress(Progress(what, 0, 0))  # the library has a bar of its own
    with _hub_errors(source):
        path = Path(hf_hub_download(source.repo, file, revision=source.revision))
    lfs = remotes[file].lfs
    _check_hash(path, source.sha256 or (lfs.sha256 if lfs else ""), f"{source.repo}/{file}")
    return path, notes


def choose(source: HubSource, files: list[str]) -> tuple[str, list[str]]:
    """The file of a repository to use, and notes on the choice. Raises ModelError."""
    if source.file:
        if source.file not in files:
            raise ModelError(f"{source.repo} has no file '{source.file}'; {_list(files)}")
        return source.file, []
    usable = sorted(
        file
        for file in files
        if file.endswith(".gguf") and not re.search(r"(?i)mmproj|imatrix|-of-\d{5}\.gguf$", file)
    )
    if not usable:
        raise ModelError(f"{source.repo} has no single-file GGUF model; {_list(files)}")
    if len(usable) == 1 and not source.quant:
        return usable[0], []
    for quant in [source.quant] if source.quant else PREFERENCE:
        ends = re.compile(rf"(?i)(^|[-._/]){re.escape(quant)}\.gguf")
        matching = [file for file in usable if ends.search(file)]
        if len(matching) == 1:
            others = "" if source.quant else f" (of {len(usable)} files; name another after ':')"
            return matching[0], [f"{source.repo}: using {matching[0]}{others}"]
        if matching:
            break
    raise ModelError(
        f"{source}: which file? Name one as {source.repo}/FILE.gguf; {_list(matching or usable)}"
    )


def _list(files: list[str]) -> str:
    ggufs = sorted(file for file in files if file.endswith(".gguf"))
    if not ggufs:
        return "it has no GGUF files (look for a repository that ends in -GGUF)"
    more = f" and {len(ggufs) - 20} more" if len(ggufs) > 20 else ""
    return "its GGUF files: " + ", ".join(ggufs[:20]) + more


def _check_hash(path: Path, sha256: str, label: str) -> None:
    if not sha256:
        return
    import hashlib

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        path.resolve().unlink()  # the blob
        path.unlink(missing_ok=True)  # the link to it
        raise ModelError(f"{label} was damaged on the way (its SHA-256 differs); it was deleted")


@contextmanager
def _hub_errors(source: HubSource) -> Iterator[None]:
    """One line for whatever the hub, the network or the disk did."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{source.repo} is gated: accept its terms on its page, then set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"no repository '{source.repo}' on Hugging Face, or it is private"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{source.repo} has no revision '{source.revision}'") from error
    # Beyond these the library lets the errors of its HTTP client through, and that client changed
    # twice (requests, httpx, httpx2).
    except Exception as error:
        reason = str(error).strip().splitlines()[0:1] or [type(error).__name__]
        raise ModelError(f"cannot fetch '{source}' from Hugging Face: {reason[0]}") from error
