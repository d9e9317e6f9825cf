"""What the samples say: accuracy with its interval, tool calls, speed, and causes of failure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.accuracy.causes import TEXTS, Cause
from benchmarks.problems import Problem
from benchmarks.report import median, percentile
from benchmarks.statistics import Share, mean_over_groups, wilson

Same = Callable[[str, str, Problem], bool]  # whether two answers to a problem say the same
Row = Mapping[str, Any]
_WORST = 3  # families named for a group
_EXAMPLES = 3  # problems named for a cause


@dataclass(frozen=True)
class Asked:
    """One problem and its samples that were not lost, in their order."""

    problem: Problem
    rows: Sequence[Row]

    @property
    def share(self) -> float:
        return sum(bool(row["correct"]) for row in self.rows) / len(self.rows)


def summarise(
    problems: Sequence[Problem], rows: Sequence[Row], samples: int, same: Same
) -> dict[str, Any]:
    """The figures of `samples` rows for each problem, as JSON types; shares are from 0 to 1.

    Lost samples count nowhere but under `lost`. `same` decides which answers vote together.
    """
    by_problem: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row["infra"]:
            by_problem[row["problem"]].append(row)
    asked = [Asked(each, by_problem[each.id]) for each in problems if by_problem[each.id]]
    sound = [row for each in asked for row in each.rows]
    lost = [row for row in rows if row["infra"]]
    summary: dict[str, Any] = {
        "problems": len(asked),
        "samples": samples,
        "accuracy": _accuracy(asked, samples),
        "majority": None,
        "pass_at_k": None,
        "by_domain": _table(asked, samples, lambda problem: problem.domain),
        "by_group": _groups(asked, samples),
        "by_family": _table(asked, samples, _family),
        "tool_calls": _tool_calls(sound),
        **_speed(sound),
        "failures": _failures([row for row in sound if not row["correct"]]),
        "lost": {"count": len(lost), "examples": _ids(lost)},
    }
    if samples > 1:
        summary["majority"] = _share(Share.of(majority(each, same) for each in asked))
        summary["pass_at_k"] = _share(
            Share.of(any(row["correct"] for row in each.rows) for each in asked)
        )
    return summary


def majority(asked: Asked, same: Same) -> bool:
    """Whether the answer that most samples gave is right; of several such, the first given.

    A sample without an answer does not vote.
    """
    groups: list[list[Row]] = []
    for row in asked.rows:
        answer = (row["record"]["answer"] or "").strip()
        if not answer:
            continue
        for group in groups:
            # A right answer and a wrong one differ, whatever an equality of texts would say.
            if group[0]["correct"] == row["correct"] and same(
                group[0]["record"]["answer"].strip(), answer, asked.problem
            ):
                group.append(row)
                break
        else:
            groups.append([row])
    return bool(groups) and bool(max(groups, key=len)[0]["correct"])  # max keeps the first


def _accuracy(asked: Sequence[Asked], samples: int) -> dict[str, Any]:
    """pass@1: of one sample with Wilson's interval, of several with a bootstrap of problems.

    Problems that are all alike would give a bootstrap of no width: then it is Wilson's, of the
    problems, since samples of one problem depend on each other.
    """
    hits = sum(bool(row["correct"]) for each in asked for row in each.rows)
    count = sum(len(each.rows) for each in asked)
    shares = [each.share for each in asked]
    if samples == 1 or len(set(shares)) < 2:
        value = sum(shares) / len(asked) if asked else 0.0
        low, high = wilson(sum(shares), len(asked))
    else:
        value, low, high = mean_over_groups([np.array([share]) for share in shares])
    return {
        "value": value,
        "low": low,
        "high": high,
        "correct": hits,
        "count": count,
        "problems": len(asked),
    }


def _table(
    asked: Sequence[Asked], samples: int, key: Callable[[Problem], str]
) -> dict[str, dict[str, Any]]:
    parts: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        parts[key(each.problem)].append(each)
    return {name: _accuracy(parts[name], samples) for name in sorted(parts)}


def _groups(asked: Sequence[Asked], samples: int) -> dict[str, dict[str, Any]]:
    """Per group of families, with the worst of them, if they are not all right."""
    table = _table(asked, samples, lambda problem: _family(problem).partition(": ")[0])
    families = _table(asked, samples, _family)
    for group, figures in table.items():
        own = [
            {"family": name.partition(": ")[2], **families[name]}
            for name in families
            if name.startswith(f"{group}: ") and families[name]["value"] < 1
        ]
        own.sort(key=lambda row: (row["value"], -row["count"], row["family"]))
        figures["worst"] = [
            {name: row[name] for name in ("family", "value", "correct", "count")}
            for row in own[:_WORST]
        ]
    return table


def _family(problem: Problem) -> str:
    return problem.family or problem.domain


def _tool_calls(sound: Sequence[Row]) -> dict[str, Any]:
    tried, valid = sum(row["calls"] for row in sound), sum(row["valid"] for row in sound)
    answered = [row for row in sound if row["record"]["answer"]]
    return {
        "tried": tried,
        "ran": sum(row["ran"] for row in sound),
        "valid": _share(Share.counted(valid, tried)),
        "per_problem": tried / len(sound) if sound else 0.0,
        "answered_without": _share(Share.of(row["calls"] == 0 for row in answered)),
    }


def _speed(sound: Sequence[Row]) -> dict[str, Any]:
    seconds = [row["seconds"] for row in sound]
    generated = sum(row["record"]["tokens"]["generated"] for row in sound)
    decoding = sum(row["decode_s"] for row in sound)
    return {
        "seconds": {
            "median": median(seconds) if seconds else None,
            "p90": percentile(seconds, 90) if seconds else None,
            "total": round(sum(seconds), 3),
        },
        "tokens_per_s": round(generated / decoding, 2) if decoding else None,
        "tokens_per_problem": generated / len(sound) if sound else 0.0,
    }


def _failures(failed: Sequence[Row]) -> list[dict[str, Any]]:
    """Causes with how often and where, the commonest first."""
    counts = Counter(row["cause"] for row in failed)
    return [
        {
            "cause": cause,
            "text": TEXTS[Cause(cause)],
            "count": count,
            "examples": _ids([row for row in failed if row["cause"] == cause]),
        }
        for cause, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _ids(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["problem"] for row in rows))[:_EXAMPLES]


def _share(share: Share) -> dict[str, Any]:
    return {
        "value": share.value if share.count else None,
        "low": share.low,
        "high": share.high,
        "hits": share.hits,
        "count": share.count,
    }
