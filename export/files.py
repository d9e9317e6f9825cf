"""Files that are whole or absent: written under another name, then moved into place."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.errors import ExportError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A file beside `out` that takes its place when the block ends well, and is removed otherwise.

    Raises ExportError for whatever the file system refuses; Ctrl-C removes the file too.
    """
    with scratch(out, "part") as part, writing(out):
        yield part
        part.replace(out)


@contextmanager
def scratch(out: Path, suffix: str) -> Iterator[Path]:
    """The name of a hidden file beside `out` that is gone when the block is left."""
    # The process id, so that two exports to one file do not write into each other's.
    part = out.with_name(f".{out.name}.{os.getpid()}.{suffix}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Tell an OSError of the block as one line about `out`; raises ExportError."""
    try:
        yield
    except OSError as error:
        raise ExportError(f"cannot write {out}: {reason(error)}") from error


def reason(error: OSError) -> str:
    """Why the operating system refused, for people."""
    if error.errno in _FULL:
        return "no space left on the disk"
    return error.strerror or str(error)
