"""Decode speed, side by side: the same tokens through both models, one block after the other.

A machine's speed drifts from second to second, so a candidate is only compared with the reference
beside it. Decoding is teacher-forced, a token a call: every model evaluates the same tokens
behind the same context, however it would have gone on itself.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from export.traces import Trajectory
from runtime.engines.base import Engine, Sampling

_BLOCK, _ROUNDS = 32, 5  # tokens in a block, blocks of each model


@dataclass(frozen=True)
class Speed:
    """Medians of tokens per second, and of the ratios of neighbouring blocks."""

    reference: float
    candidate: float
    ratio: float


def compare_speed(reference: Engine, candidate: Engine, trajectory: Trajectory) -> Speed | None:
    """Decode the end of `trajectory` with both; None if it is too short."""
    ids = trajectory.ids[: min(reference.n_ctx, candidate.n_ctx) - 1]
    if len(ids) < 2 * _BLOCK:
        return None
    for engine in (reference, candidate):
        _decode(engine, ids)  # caches and clock speeds settle
    rounds = [(_decode(reference, ids), _decode(candidate, ids)) for _ in range(_ROUNDS)]
    return Speed(
        reference=statistics.median(first for first, _ in rounds),
        candidate=statistics.median(second for _, second in rounds),
        ratio=statistics.median(second / first for first, second in rounds),
    )


def _decode(engine: Engine, ids: list[int]) -> float:
    """Tokens per second over the last block of `ids`, what comes before it being in the cache."""
    begin = len(ids) - _BLOCK
    _step(engine, ids[:begin])
    started = time.perf_counter()
    for end in range(begin + 1, len(ids) + 1):
        _step(engine, ids[:end])
    return _BLOCK / (time.perf_counter() - started)


def _step(engine: Engine, ids: list[int]) -> None:
    generation = engine.generate(ids, max_tokens=1, sampling=Sampling())
    for _ in generation:
        pass
