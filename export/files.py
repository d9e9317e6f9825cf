"""Files that are whole or absent: written under another name, then moved into place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from export.errors import ExportError
from runtime.models import cache
from runtime.models.cache import is_full

FULL = "no space left on the disk"


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
    return FULL if error.errno in cache.FULL else error.strerror or str(error)
