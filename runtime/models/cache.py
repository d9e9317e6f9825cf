"""The cache folder, and file-system failures told as one line.

The folder is $SOD_AGENT_CACHE, or `sod-agent` under $XDG_CACHE_HOME (by default ~/.cache).
Models from the Hugging Face hub are not kept here but in the hub's own cache, which other
programs share.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import ModelError

FULL = (errno.ENOSPC, errno.EDQUOT)  # what the operating system says of a full disk


def cache_dir() -> Path:
    """The folder for downloaded models; it may not exist yet."""
    if own := os.environ.get("SOD_AGENT_CACHE"):
        return Path(own).expanduser().absolute()
    return _xdg("XDG_CACHE_HOME", ".cache") / "sod-agent"


def config_dir() -> Path:
    """The folder of the user's own settings (models.toml); it may not exist."""
    return _xdg("XDG_CONFIG_HOME", ".config") / "sod-agent"


def _xdg(variable: str, default: str) -> Path:
    # The XDG specification says that a relative path must be ignored.
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else Path("~", default).expanduser()


def offline() -> bool:
    """Whether the user forbids network access (SOD_AGENT_OFFLINE or HF_HUB_OFFLINE)."""
    return any(
        os.environ.get(name, "").lower() not in ("", "0", "false", "no", "off")
        for name in ("SOD_AGENT_OFFLINE", "HF_HUB_OFFLINE")
    )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError raised while writing under `folder` into a ModelError."""
    try:
        yield
    except OSError as error:
        raise ModelError(disk_problem(error, folder)) from error


def disk_problem(error: OSError, folder: Path) -> str:
    """Why nothing can be written under `folder`, and what to do."""
    if error.errno in FULL:
        return f"no space left on the disk of {folder}"
    return (
        f"cannot write the cache folder {folder} ({error.strerror or error}): "
        "set SOD_AGENT_CACHE to a folder that you can write"
    )


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder` has no room for a file that matters."""
    return shutil.disk_usage(folder).free < 1 << 20


def megabytes(size: int) -> str:
    """`size` in bytes, for people: "98 MB"."""
    return f"{max(1, round(size / 1e6))} MB"
