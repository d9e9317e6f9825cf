"""The figures of a model and of a comparison, and how they are summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.model_files import model_size
from benchmarks.statistics import Pairs, Share, mcnemar, mean_over_groups, paired_difference
from export.fidelity.forcing import Forced
from export.fidelity.replay import Answer
from export.fidelity.speed import Speed


@dataclass(frozen=True)
class Divergence:
    """KL(reference || candidate) in nats per token: mean with a 95 % interval, 99th percentile.

    `same` tokens have the same likeliest token in both models.
    """

    tokens: int
    mean: float
    low: float
    high: float
    p99: float
    same: Share


@dataclass(frozen=True)
class Model:
    """One model's figures. `speed` is tokens per second of decoding beside the reference."""

    path: str
    hash: str
    size: int
    success: Share
    valid_calls: Share
    ran_calls: Share
    lost: float = 0.0  # points of task success, relative to the reference
    lost_low: float = 0.0  # 95 % interval of it
    lost_high: float = 0.0
    pairs: Pairs | None = None
    p: float = 1.0  # McNemar's, exact
    exact_first: Share | None = None
    exact_forced: Share | None = None
    calls: Divergence | None = None
    text: Divergence | None = None
    speed: Speed | None = None


@dataclass(frozen=True)
class Fidelity:
    """A reference and its candidates. `notes` are what a reader must know."""

    reference: Model
    candidates: list[Model]
    problems: int
    trajectories: int
    settings: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


def summarise(
    path: Path,
    digest: str,
    answers: Sequence[Answer],
    reference: Sequence[Answer] | None = None,
    forced: Sequence[Forced] | None = None,
    speed: Speed | None = None,
) -> Model:
    """The figures of the model at `path` from what it answered.

    `reference` are the reference's answers to the same problems, in the same order.
    """
    sound = [answer for answer in answers if not answer.infra]
    calls = sum(answer.calls for answer in sound)
    figures: dict[str, Any] = {}
    if reference is not None:
        figures |= against(reference, answers)
    if forced is not None:
        figures |= _per_token(forced)
    return Model(
        path=str(path),
        hash=digest,
        size=model_size(path),
        success=Share.of(answer.correct for answer in sound),
        valid_calls=Share.counted(sum(answer.valid for answer in sound), calls),
        ran_calls=Share.counted(sum(answer.ran for answer in sound), calls),
        speed=speed,
        **figures,
    )


def against(reference: Sequence[Answer], answers: Sequence[Answer]) -> dict[str, Any]:
    """What a model won and lost against the reference, on the problems both were asked."""
    both = [
        (old, new)
        for old, new in zip(reference, answers, strict=True)
        if not old.infra and not new.infra
    ]
    pairs = Pairs.of([old.correct for old, _ in both], [new.correct for _, new in both])
    _, low, high = paired_difference(pairs)
    return {
        # Of whole counts, so that a loss of exactly the gate's points passes it.
        "lost": 100 * (pairs.only_first - pairs.only_second) / max(1, pairs.count),
        "lost_low": -100 * high,
        "lost_high": -100 * low,
        "pairs": pairs,
        "p": mcnemar(pairs),
        "exact_first": Share.of(
            old.first_call == new.first_call for old, new in both if old.first_call is not None
        ),
    }


def _per_token(forced: Sequence[Forced]) -> dict[str, Any]:
    calls = [
        ([kl for call in each.call_kl for kl in call], [s for call in each.call_same for s in call])
        for each in forced
    ]
    return {
        "exact_forced": Share.of(all(call) for each in forced for call in each.call_same),
        "calls": _divergence(calls),
        "text": _divergence([(each.text_kl, each.text_same) for each in forced]),
    }


def _divergence(rows: Sequence[tuple[list[float], list[int]]]) -> Divergence | None:
    groups = [np.array(kl) for kl, _ in rows if kl]
    if not groups:
        return None
    values = np.concatenate(groups)
    return Divergence(
        len(values),
        *mean_over_groups(groups),
        float(np.quantile(values, 0.99)),
        Share.of(flag for _, same in rows for flag in same),
    )
