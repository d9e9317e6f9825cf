"""The files of a run: rows that survive a kill, folders that are whole or absent.

lock.json            what the run was made from
eval_problems.jsonl  the held-out problems, for export and benchmarks to ask again
metrics.jsonl        a row per optimiser step, evaluation and guard event
trajectories.jsonl   some rollouts of every step, for the report
cold_start/          the student after the cold start
checkpoints/         to resume from; the newest complete one counts
best/                the best validated weights, to roll back to
student/             the result
report.html
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from train.data import Problem

_COMPLETE = "complete"  # written last into a checkpoint


class RunFolder:
    """One run's folder. Only the main process writes; the others pass `writes` False."""

    def __init__(self, path: Path, writes: bool = True, checkpoints: Path | None = None) -> None:
        self.path, self.writes = path, writes
        self.checkpoints = checkpoints or path / "checkpoints"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    def append(self, kind: str, row: dict[str, Any]) -> None:
        """Add a row to metrics.jsonl."""
        self._append(self.metrics, [{"kind": kind, **row}])

    def append_trajectories(self, step: int, rows: Iterable[dict[str, Any]]) -> None:
        """Add rollouts to trajectories.jsonl."""
        self._append(self.path / "trajectories.jsonl", [{"step": step, **row} for row in rows])

    def write_eval_problems(self, problems: Sequence[Problem]) -> None:
        """Keep the held-out problems as a problem file (issue 4 measures what export costs)."""
        if self.writes:
            filled = [
                {name: value for name, value in asdict(problem).items() if value}
                for problem in problems
            ]
            part = self.path / "eval_problems.part"
            part.write_text("".join(f"{json.dumps(row)}\n" for row in filled), "utf-8")
            part.replace(self.path / "eval_problems.jsonl")

    def rows(self) -> list[dict[str, Any]]:
        """All rows of metrics.jsonl, without a half-written last one."""
        return list(_read(self.metrics))

    def forget_after(self, step: int, kind: str | None = None) -> None:
        """Drop what was written after `step`: a resumed run writes it again.

        `kind` "cold_start" drops rows of that stage; None drops those of the training after it.
        """
        if not self.writes:
            return
        for file in (self.metrics, self.path / "trajectories.jsonl"):
            if file.exists():
                kept = [row for row in _read(file) if _belongs(row, step, kind)]
                part = file.with_suffix(".part")
                part.write_text("".join(f"{json.dumps(row)}\n" for row in kept), "utf-8")
                part.replace(file)

    def mark_complete(self, step: int) -> None:
        """Say that the checkpoint of `step` can be resumed from."""
        folder = self.checkpoints / f"checkpoint-{step}"
        if self.writes and folder.is_dir():
            (folder / _COMPLETE).touch()

    def last_checkpoint(self) -> tuple[int, Path] | None:
        """The newest checkpoint that was written whole, and its step."""
        found = []
        for folder in self.checkpoints.glob("checkpoint-*"):
            number = folder.name.rpartition("-")[2]
            if number.isdigit() and (folder / _COMPLETE).exists():
                found.append((int(number), folder))
        return max(found, default=None)

    def clear_incomplete(self) -> None:
        """Remove checkpoints that a kill cut off, so that nothing mistakes them for whole."""
        if self.writes:
            for folder in self.checkpoints.glob("checkpoint-*"):
                if not (folder / _COMPLETE).exists():
                    shutil.rmtree(folder, ignore_errors=True)

    def _append(self, file: Path, rows: list[dict[str, Any]]) -> None:
        if not self.writes or not rows:
            return
        with file.open("a", encoding="utf-8") as stream:
            stream.write("".join(f"{json.dumps(row)}\n" for row in rows))


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` when the block ends well."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    part.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _belongs(row: dict[str, Any], step: int, kind: str | None) -> bool:
    early = row.get("kind") == "cold_start" or row.get("split") == "before"
    if kind is not None:
        return bool(row.get("kind") != kind or row["step"] <= step)
    return early or (int(row.get("step", 0)) <= step and row.get("split") != "after")


def _read(file: Path) -> Iterator[dict[str, Any]]:
    if not file.exists():
        return
    for line in file.read_text("utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # cut off by a kill
