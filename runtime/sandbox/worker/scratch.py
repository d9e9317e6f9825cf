"""The scratch folder: measured while a program runs, emptied after it.

Both are bounded whatever the program built in there; a path deeper than the system allows, a
million files or folders without permissions must not stop or slow the worker.
"""

from __future__ import annotations

import itertools
import os

MAX_BYTES = 64 << 20
MAX_ENTRIES = 1000
MAX_DEPTH = 32


def is_over(folder: str) -> bool:
    """Whether `folder` holds more than a program may keep there; the look itself is bounded."""
    folders, entries, size = [(folder, 0)], 0, 0
    while folders:
        path, depth = folders.pop()
        try:
            for entry in _list(path, MAX_ENTRIES + 1):
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append((entry.path, depth + 1))
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
        except FileNotFoundError:
            continue  # the program is still at work
        except OSError:
            return True  # a folder without permissions
        if entries > MAX_ENTRIES or size > MAX_BYTES or depth > MAX_DEPTH:
            return True
    return False


def empty(folder: str) -> None:
    """Remove everything in `folder`, lifting nested folders up instead of descending to them."""
    names = (os.path.join(folder, f".{number}") for number in itertools.count())
    while entries := _list(folder):
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, 0o700)
            for nested in _list(entry.path):
                if nested.is_dir(follow_symlinks=False):
                    os.chmod(nested.path, 0o700)
                    os.rename(
                        nested.path, next(name for name in names if not os.path.lexists(name))
                    )
                else:
                    os.unlink(nested.path)
            os.rmdir(entry.path)


def _list(folder: str, limit: int | None = None) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(itertools.islice(entries, limit))
