"""Drawing a token from a row of logits, in the order of Hugging Face, vLLM and `llama_sampler`.

top_k, tail cut, temperature, top_p, draw. One number of the random stream goes into each token,
so that a seed gives the same tokens whatever was masked before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from runtime.engines.base import Sampling

# A token 2**24 times less likely than the likeliest one is below the resolution of a float32.
_TAIL = math.log(2**24)


class OnnxSampler:
    """One generation's random stream and its settings."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = np.random.Generator(np.random.PCG64(sampling.seed % (1 << 32)))

    def draw(self, logits: NDArray[np.float32], mask: NDArray[np.bool_] | None = None) -> int:
        """A token of `logits` (V,); `mask` (V,) is True where a token is allowed."""
        if mask is not None:
            logits = np.where(mask, logits, -np.inf)
        settings = self._sampling
        best = int(logits.argmax())
        if settings.temperature <= 0:
            return best
        if settings.top_k > 0:
            k = min(settings.top_k, len(logits))
            kept = np.argpartition(logits, -k)[-k:]
            kept = kept[logits[kept] > -np.inf]
        else:
            kept = np.flatnonzero(logits >= logits[best] - _TAIL * settings.temperature)
        scaled = (logits[kept].astype(np.float64) - float(logits[best])) / settings.temperature
        weights = np.exp(scaled)
        if settings.top_p < 1:
            order = np.argsort(-weights, kind="stable")
            total = np.cumsum(weights[order])
            last = int(np.searchsorted(total, settings.top_p * total[-1]))
            kept, weights = kept[order[: last + 1]], weights[order[: last + 1]]
        edges = np.cumsum(weights)
        place = int(np.searchsorted(edges, self._random.random() * edges[-1], side="right"))
        return int(kept[min(place, len(kept) - 1)])
