"""The samples file: one JSON line for each answered question, kept as they come.

The file's name holds a hash of all that its rows depend on (model and adapter, problems, settings,
protocol, engine's version), so a run finds its own rows again and never those of another model.
How many samples and problems were asked for is not part of it: asking for more goes on from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runtime.errors import SodError

Key = tuple[str, int]  # a problem's id, and the number of the sample


class AccuracyError(SodError):
    """The measurement cannot go on; the message says why and what to do."""


class Samples:
    """The rows of one measurement in `folder`. Use in a `with` block: it locks the file.

    `setup` is all that the rows depend on, as JSON types; it is the file's first line. Each row
    has `problem`, `sample` and `infra`. Raises AccuracyError if the file cannot be read or
    written, or if another process is at it.
    """

    def __init__(self, folder: Path, setup: dict[str, Any]) -> None:
        text = json.dumps(setup, sort_keys=True)
        self.setup, self.folder = setup, folder
        self.path = folder / f"samples-{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
        self._lock = FileLock(self.path.with_suffix(".lock"))

    def __enter__(self) -> Samples:
        with self._errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise AccuracyError(
                    f"another run writes {self.path}: wait for it, or give another --output"
                ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()  # its file stays: removing it could part two waiting processes

    def rows(self) -> dict[Key, dict[str, Any]]:
        """What is known, without lines that a kill cut off; a later row replaces an earlier."""
        found: dict[Key, dict[str, Any]] = {}
        with self._errors():
            lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                found[row["problem"], row["sample"]] = row
        return found

    def add(self, row: dict[str, Any]) -> None:
        """Keep one row more, on the disk before this returns."""
        with self._errors(), self.path.open("ab") as file:
            text = json.dumps(row) + "\n"
            if file.tell() == 0:
                text = json.dumps({"setup": self.setup}) + "\n" + text
            elif not _ends_in_newline(self.path):
                text = "\n" + text
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise AccuracyError(
                f"cannot keep samples in {self.folder} ({error.strerror or error}): give another "
                "--output"
            ) from error


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
