"""Results that survive a kill: a file of JSON lines for each thing measured, named by its cause.

A file's name is a hash of everything its rows depend on (model, problems, settings, library), so
a result is found again or not at all. Rows are written as they come: what was measured before an
interrupt is not measured twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.errors import ExportError
from export.files import reason


class Store:
    """Rows of measured results in `folder`; `folder` None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def rows(self, *facts: object) -> list[dict[str, Any]]:
        """What is known of `facts`, without a last row that a kill cut off."""
        if self._folder is None:
            return []
        found: list[dict[str, Any]] = []
        with contextlib.suppress(FileNotFoundError), self._errors():
            for line in self._path(facts).read_bytes().splitlines():
                with contextlib.suppress(ValueError):
                    row = json.loads(line)
                    if isinstance(row, dict):
                        found.append(row)
        return found

    def add(self, row: dict[str, Any], *facts: object) -> None:
        """Keep one row more of `facts`. Raises ExportError if it cannot be written."""
        if self._folder is None:
            return
        with self._errors():
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._path(facts).open("ab") as file:
                cut_off = file.tell() > 0 and not _ends_in_newline(Path(file.name))
                file.write(b"\n" * cut_off + json.dumps(row).encode() + b"\n")

    def _path(self, facts: tuple[object, ...]) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}.jsonl"

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ExportError(
                f"cannot keep results in {self._folder}: {reason(error)}; give another --work"
            ) from error


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
