"""Files that are whole or absent: written under another name, then moved into place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from export.errors import ExportError

FULL = "no space left on the disk"
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
        with suppress(NotADirectoryError):  # the block has told that there is no such folder
            part.unlink(missing_ok=True)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Tell an OSError of the block as one line about `out`; raises ExportError."""
    try:
        yield
    except OSError as error:
        # numpy raises an OSError without a number when it could write a part only.
        full = error.errno is None and is_full(out.parent)
        raise ExportError(f"cannot write {out}: {FULL if full else reason(error)}") from error


def reason(error: OSError) -> str:
    """Why the operating system refused, for people."""
    return FULL if error.errno in _FULL else error.strerror or str(error)


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder` has no room for a file that matters."""
    return shutil.disk_usage(folder).free < 1 << 20
