"""Reads the folder of a run and writes its report.

What a run wrote may be incomplete (killed, still running) and what its models wrote is hostile
until escaped. So rows are checked against the structs below and left out with a note if they do
not fit, and every text of the page goes through `visible` and then through Jinja's autoescape.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import jinja2
import msgspec
from markupsafe import escape

from train.config import RunConfig
from train.errors import DataError, TrainingError
from train.report import charts
from train.report.charts import Chart, Event, Series, curve, drawable, scores

MAX_EVENTS = 20  # of the guard
MAX_STEP_INDEXES = 8  # curves of d_k and w_k
MAX_TRAJECTORIES = 120
MAX_TRAJECTORY_BYTES = 1_200_000  # of all of them, escaped
MAX_TEXT = 4_000  # characters of one segment
STAGES = ("rollout", "grading", "teacher", "weights", "update")
# Keys of `tokens_by_weight`, and the weight whose colour each takes.
WEIGHT_SHARES = {"0": 0.0, "0-0.25": 0.15, "0.25-0.5": 0.4, "0.5-1": 0.8, "1+": math.inf}


class ColdStartRow(msgspec.Struct, tag_field="kind", tag="cold_start"):
    step: int
    loss: float | None = None
    accuracy: float | None = None


class StepRow(msgspec.Struct, tag_field="kind", tag="step"):
    step: int
    loss: float | None = None
    grad_norm: float | None = None
    lr: float | None = None
    reward: float | None = None
    accuracy: float | None = None
    tool_calls: float | None = None
    tool_error_rate: float | None = None
    infra_rate: float | None = None
    kl: float | None = None
    entropy: float | None = None
    length: float | None = None
    truncated: float | None = None
    d_by_step: list[float | None] | None = None
    w_by_step: list[float | None] | None = None
    tokens_by_weight: dict[str, float | None] | None = None
    seconds: dict[str, float | None] | None = None


class Family(msgspec.Struct):
    problems: int
    correct: int


class Paired(msgspec.Struct):
    gained: int
    lost: int
    p: float


class EvalRow(msgspec.Struct, tag_field="kind", tag="eval"):
    step: int
    split: str
    accuracy: float
    low: float | None = None
    high: float | None = None
    problems: int | None = None
    correct: int | None = None
    tool_calls: float | None = None
    valid_calls: float | None = None
    by_family: dict[str, Family] | None = None
    seconds: float | None = None
    paired: Paired | None = None


class GuardRow(msgspec.Struct, tag_field="kind", tag="guard"):
    step: int
    action: str = ""
    message: str = ""


class Segment(msgspec.Struct):
    kind: str
    text: str
    k: int | None = None
    d: float | None = None
    w: float | None = None

    def __post_init__(self) -> None:
        self.d, self.w = (None if math.isnan(drawable(x)) else x for x in (self.d, self.w))


class Trajectory(msgspec.Struct):
    step: int
    question: str = ""
    expected: str | None = None
    answer: str | None = None
    correct: bool | None = None
    reward: float | None = None
    infra: bool | None = None
    segments: list[Segment] = []


Row = TypeVar("Row")


@dataclass(frozen=True)
class Run:
    """What the files of a run say, in order of steps. A step that was run again is there once."""

    lock: dict[str, Any]
    cold_start: list[ColdStartRow]
    steps: list[StepRow]
    evals: list[EvalRow]
    guard: list[GuardRow]
    trajectories: list[Trajectory]
    trajectories_in_all: int
    notes: list[str]

    def locked(self, *path: str) -> Any:
        """The value in lock.json at a path of keys, or None."""
        value: Any = self.lock
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    @property
    def delta(self) -> float:
        delta = self.locked("config", "delta")
        return delta if isinstance(delta, int | float) and 0 <= delta < 1e9 else RunConfig().delta

    @property
    def seconds(self) -> float:
        """Time in steps and evaluations, which is what the rows account for."""
        spent = [each for row in self.steps for each in (row.seconds or {}).values()]
        spent += [row.seconds for row in self.evals]
        return sum(each for each in map(drawable, spent) if not math.isnan(each))


def build_report(folder: Path) -> Path:
    """Writes `folder/report.html` from lock.json, metrics.jsonl and trajectories.jsonl.

    The page is written beside and renamed, so a reader never sees half of one. Raises DataError
    if the folder has no metrics or cannot be read, TrainingError if the page cannot be written.
    """
    try:
        run = _read_run(folder)
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
    page = _render(run, folder)
    target = folder / "report.html"
    unfinished = folder / f".report.html.{os.getpid()}"
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(target)
    except OSError as error:
        raise TrainingError(f"cannot write {target}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target


# Reading -----------------------------------------------------------------------------------------


def _read_run(folder: Path) -> Run:
    if not folder.is_dir():
        raise DataError(f"{folder} is not the folder of a run")
    notes: list[str] = []
    file = folder / "metrics.jsonl"
    rows, _ = _read_rows(file, ColdStartRow | StepRow | EvalRow | GuardRow, notes)
    if not rows:
        raise DataError(f"{file} is missing or has no metrics, so there is nothing to report")
    steps = [row for row in rows if isinstance(row, StepRow)]
    latest = _latest(steps, lambda row: row.step)
    if len(latest) < len(steps):
        notes.append(
            f"{len(steps) - len(latest)} steps were run again, after a rollback or a restart; "
            "the charts show the last run of each."
        )
    file = folder / "trajectories.jsonl"
    trajectories, in_all = _read_rows(file, Trajectory, notes, MAX_TRAJECTORIES)
    return Run(
        lock=_read_lock(folder / "lock.json", notes),
        cold_start=_latest([r for r in rows if isinstance(r, ColdStartRow)], lambda r: r.step),
        steps=latest,
        evals=_latest([r for r in rows if isinstance(r, EvalRow)], lambda r: (r.step, r.split)),
        guard=[row for row in rows if isinstance(row, GuardRow)],
        trajectories=_within_budget(sorted(trajectories, key=lambda row: row.step)),
        trajectories_in_all=in_all,
        notes=notes,
    )


def _read_rows(
    file: Path, row_type: Any, notes: list[str], most: int = sys.maxsize
) -> tuple[list[Any], int]:
    """At most so many rows, evenly spaced, and how many lines the file has; 0 if it is missing.

    Only the lines that are wanted are held: the trajectories of a long run fill gigabytes.
    """
    if not file.is_file():
        return [], 0
    rows, unread = [], 0
    with file.open("rb") as lines:
        *starts, _end = accumulate(map(len, lines), initial=0)
        chosen = _spread(starts, most)
        for start in chosen:
            lines.seek(start)
            try:
                # Not msgspec's own decoder: it refuses the NaN that Python's json writes.
                rows.append(msgspec.convert(json.loads(lines.readline()), row_type))
            except (ValueError, RecursionError, msgspec.MsgspecError):
                unread += 1
    if unread:
        notes.append(
            f"{unread} of {len(chosen)} lines of {file.name} could not be read and are left out "
            "(a killed run leaves its last line cut off)."
        )
    return rows, len(starts)


def _read_lock(file: Path, notes: list[str]) -> dict[str, Any]:
    try:
        lock = json.loads(file.read_bytes())
        if isinstance(lock, dict):
            return lock
    except (OSError, ValueError, RecursionError):
        pass
    notes.append("lock.json is missing or not readable, so the settings of the run are unknown.")
    return {}


def _latest(rows: Sequence[Row], key: Callable[[Row], Any]) -> list[Row]:
    """The last row for each key, in order of keys."""
    by_key = {key(row): row for row in rows}
    return [by_key[each] for each in sorted(by_key)]


def _spread(items: Sequence[Row], count: int) -> list[Row]:
    """At most `count` of the items, evenly spaced, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(count - 1, 1))] for i in range(count)]


def _within_budget(trajectories: list[Trajectory]) -> list[Trajectory]:
    sizes = {
        id(each): sum(len(escape(_visible(_clip(s.text))).encode()) for s in each.segments)
        for each in trajectories
    }
    kept = trajectories
    while len(kept) > 1 and sum(sizes[id(each)] for each in kept) > MAX_TRAJECTORY_BYTES:
        kept = _spread(kept, len(kept) * 3 // 4)
    return kept


# Charts ------------------------------------------------------------------------------------------


def _sections(run: Run) -> list[tuple[str, list[Chart]]]:
    """Headings and the charts below each; charts without a single value are left out."""
    events = [Event(row.step, _visible(f"{row.action}. {row.message}")) for row in run.guard]
    events = events[:MAX_EVENTS]

    def chart(title: str, unit: str, *series: Series, **options: Any) -> Chart:
        return Chart(title, unit, series, events=events, **options)

    def line(key: str, name: str) -> Series:
        return curve(run.steps, attrgetter(key), name)

    def field(title: str, unit: str, key: str, **options: Any) -> Chart:
        return chart(title, unit, line(key, title[0].lower() + title[1:]), **options)

    def parts(key: str, names: Iterable[int | str]) -> list[Series]:
        """A curve for each of the named parts of a field that is a list or a dict."""
        return [curve(run.steps, partial(_part, key, name), str(name)) for name in names]

    def by_index(key: str) -> list[Series]:
        longest = max((len(getattr(row, key) or ()) for row in run.steps), default=0)
        count = min(longest, MAX_STEP_INDEXES)
        return [
            replace(each, name=f"k = {i + 1}", colour=charts.order_colour(i, count))
            for i, each in enumerate(parts(key, range(count)))
        ]

    top = 1 + run.delta
    by_weight = [
        replace(each, name=label, colour=charts.weight_colour(WEIGHT_SHARES[each.name], top))
        for each in parts("tokens_by_weight", WEIGHT_SHARES)
        for label in [each.name.replace("-", " to ").replace("1+", "1 and more")]
    ]
    accuracy = [
        line("accuracy", "training rollouts"),
        scores([row for row in run.evals if row.split == "validation"], "validation"),
        scores([row for row in run.evals if row.split in ("before", "after")], "held out"),
    ]
    failures = [
        line("tool_error_rate", "calls that failed"),
        line("infra_rate", "rollouts lost to the sandbox"),
    ]
    cold_loss = curve(run.cold_start, attrgetter("loss"), "loss")
    cold_accuracy = curve(run.cold_start, attrgetter("accuracy"), "token accuracy")
    count: dict[str, Any] = {"floor": 0.0}
    share: dict[str, Any] = {"floor": 0.0, "percent": True}
    whole: dict[str, Any] = {**share, "ceiling": 1.0}
    sections = {
        "Is it getting better?": [
            chart("Accuracy", "share of problems", *accuracy, **whole),
            field("Reward", "mean over rollouts", "reward"),
            field("Tool calls", "calls per trajectory", "tool_calls", **count),
        ],
        "What SOD does": [
            chart("Divergence d by step", "nats per token", *by_index("d_by_step"), **count),
            chart("Weight w by step", "median weight", *by_index("w_by_step"), **count),
            chart("Tokens by weight", "share of tokens", *by_weight, stacked=True, **whole),
        ],
        "Is it healthy?": [
            chart("Tool failures", "share of calls, of rollouts", *failures, **share),
            field("Student-teacher KL", "nats per token", "kl", **count),
            field("Entropy", "nats per token", "entropy", **count),
            field("Length", "tokens per trajectory", "length", **count),
            field("Truncated", "share of trajectories", "truncated", **share),
            field("Loss", "mean over tokens", "loss"),
        ],
        "Time and optimisation": [
            chart("Time of a step", "seconds", *parts("seconds", STAGES), stacked=True, **count),
            field("Gradient norm", "before clipping", "grad_norm", **count),
            field("Learning rate", "of the optimiser", "lr", **count),
        ],
        "Cold start": [
            Chart("Loss of the cold start", "nats per token", [cold_loss], **count),
            Chart("Accuracy of the cold start", "share of tokens", [cold_accuracy], **whole),
        ],
    }
    filled = [(title, [c for c in group if not c.empty]) for title, group in sections.items()]
    return [(title, group) for title, group in filled if group]


def _part(key: str, name: int | str, row: StepRow) -> float | None:
    whole = getattr(row, key) or {}
    return (whole if isinstance(whole, dict) else dict(enumerate(whole))).get(name)


# The page ----------------------------------------------------------------------------------------


def _render(run: Run, folder: Path) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Every text of the page passes here, so none can be forgotten.
        finalize=lambda value: _visible(value) if type(value) is str else value,
    )
    environment.filters |= {
        "clip": _clip,
        "duration": _duration,
        "loudness": _loudness,
        "num": lambda value, digits=3: charts.number(drawable(value), digits),
        "percent": lambda value: charts.number(100 * drawable(value)) + " %",
        "plain_json": lambda value: json.dumps(value, ensure_ascii=False),
        "sha256": lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode(),
        "weight_colour": lambda weight: charts.weight_colour(weight, 1 + run.delta),
    }
    return environment.get_template("template.html.jinja").render(
        run=run,
        name=folder.resolve().name,
        sections=_sections(run),
        max_events=MAX_EVENTS,
        max_points=charts.MAX_POINTS,
    )


def _visible(text: str) -> str:
    """`text` with every character shown that would hide or act: NUL, escape codes, bidi marks."""
    return "".join(c if c.isprintable() or c in "\n\t" else f"⟨U+{ord(c):04X}⟩" for c in text)


def _clip(text: str) -> str:
    left_out = len(text) - MAX_TEXT
    if left_out <= 0:
        return text
    head, tail = text[: MAX_TEXT * 3 // 4], text[-MAX_TEXT // 4 :]
    return f"{head}\n… {left_out:,} characters left out …\n{tail}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{charts.number(seconds, 2)} s"


def _loudness(weight: float) -> str:
    words = ((0.05, "suppressed"), (0.95, "turned down"), (1.0005, "full"), (math.inf, "boosted"))
    return next(word for limit, word in words if weight <= limit)
