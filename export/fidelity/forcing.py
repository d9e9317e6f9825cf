"""The reference's trajectories through a candidate, token by token: teacher forcing.

At every token that the reference wrote itself, both models say what they expect after the same
text. KL(reference || candidate) measures by how much that differs, top-1 agreement whether greedy
decoding would have gone on alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.model_files import libraries
from export.errors import ExportError
from export.fidelity.spans import find_spans
from export.fidelity.store import Store
from export.traces import Trajectory
from runtime.engines.base import ScoringEngine

Progress = Callable[[int, int], None]  # trajectories done, trajectories in all


@dataclass(frozen=True)
class Forced:
    """One trajectory. Each list has an entry per token, a list of tokens per tool call.

    `kl` is in nats, `same` 1 where both models' likeliest token is the same.
    """

    text_kl: list[float]
    text_same: list[int]
    call_kl: list[list[float]]
    call_same: list[list[int]]


def force(
    reference: ScoringEngine,
    candidate: ScoringEngine,
    hashes: tuple[str, str],
    trajectories: Sequence[Trajectory],
    store: Store,
    progress: Progress | None = None,
) -> list[Forced]:
    """One result per trajectory, in order; those in `store` under `hashes` are not made again.

    What does not fit the window is left out. Raises ExportError if the vocabularies differ.
    """
    cause = ("force", hashes, _digest(trajectories), reference.n_ctx, libraries())
    rows = store.rows(*cause)[: len(trajectories)]
    results = [Forced(**row) for row in rows]
    for done in range(len(results), len(trajectories)):
        if progress is not None:
            progress(done, len(trajectories))
        result = _force_one(reference, candidate, trajectories[done])
        store.add(asdict(result), *cause)
        results.append(result)
    if progress is not None:
        progress(len(trajectories), len(trajectories))
    return results


def _force_one(
    reference: ScoringEngine, candidate: ScoringEngine, trajectory: Trajectory
) -> Forced:
    window = min(reference.n_ctx, candidate.n_ctx)
    ids, sampled = trajectory.ids[:window], trajectory.sampled[:window]
    spans = find_spans(ids, sampled, reference.tokenizer)
    if not any(sampled):
        return Forced([], [], [], [])
    # Nothing stands before the first token, so nothing can predict it.
    start = max(1, sampled.index(True))
    kl, same = np.zeros(len(ids)), np.zeros(len(ids), dtype=int)
    rows = zip(reference.score(ids, start), candidate.score(ids, start), strict=True)
    for position, (expected, got) in enumerate(rows, start):
        if sampled[position]:
            kl[position], same[position] = divergence(expected, got)
    return Forced(
        text_kl=_rounded(kl[spans.text]),
        text_same=same[spans.text].tolist(),
        call_kl=[_rounded(kl[call]) for call in spans.calls],
        call_same=[same[call].tolist() for call in spans.calls],
    )


def divergence(expected: NDArray[np.float32], got: NDArray[np.float32]) -> tuple[float, bool]:
    """KL(expected || got) in nats of two rows of logits (V,), and whether their maxima agree.

    Raises ExportError for rows of different lengths.
    """
    if expected.shape != got.shape:
        raise ExportError(
            f"the vocabularies have {len(expected)} and {len(got)} tokens: these are not the same "
            "model"
        )
    p, q = _logps(expected), _logps(got)
    kl = float(np.sum(np.exp(p) * (p - q)))
    return max(0.0, kl), bool(expected.argmax() == got.argmax())


def _logps(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64) - float(logits.max())
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result


def _rounded(values: NDArray[np.float64]) -> list[float]:
    # Float32 logits do not carry more; files of results are four times as short.
    return [float(f"{value:.4g}") for value in values]


def _digest(trajectories: Sequence[Trajectory]) -> str:
    total = hashlib.sha256()
    for trajectory in trajectories:
        total.update(repr((trajectory.ids, trajectory.sampled)).encode())
    return total.hexdigest()
