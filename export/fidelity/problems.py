"""The held-out problems that a training run left beside its models, and how it answered them."""

from __future__ import annotations

import json
from pathlib import Path

from export.errors import ExportError
from runtime.settings import Settings

RUN_FILE = "eval_problems.jsonl"  # what a training run leaves in its folder
MAX_TURNS, MAX_TOKENS = 8, 1024  # for problems that no run kept


def problems_of_run(model: Path) -> Path | None:
    """The held-out problems of the training run that `model` lies in, if there are any."""
    for folder in list(model.resolve().parents)[:3]:
        if (folder / RUN_FILE).is_file():
            return folder / RUN_FILE
    return None


def find_problems(given: Path | None, model: Path) -> Path:
    """`given`, or the problems of the run that `model` lies in; raises ExportError if none are."""
    found = given or problems_of_run(model)
    if found is None:
        raise ExportError(
            f"there is no {RUN_FILE} beside {model}: name a file of problems with --problems"
        )
    return found


def settings_for(
    problems: Path, max_turns: int | None = None, max_tokens: int | None = None
) -> Settings:
    """How the agent answers a file of problems: as asked, or as the training run of that file did.

    Raises UsageError for numbers that make no sense.
    """
    kept = _budgets_of_run(problems)
    return Settings(
        max_turns=max_turns or kept.get("max_turns", MAX_TURNS),
        max_tokens=max_tokens or kept.get("max_tokens", MAX_TOKENS),
    )


def _budgets_of_run(problems: Path) -> dict[str, int]:
    try:
        config = json.loads((problems.parent / "lock.json").read_text("utf-8"))["config"]
        named = {name: config[name] for name in ("max_turns", "max_tokens") if name in config}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # not in a run's folder
    return {name: value for name, value in named.items() if type(value) is int and value > 0}
