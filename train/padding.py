"""Forward passes without the columns that only hold padding.

A round is padded to its longest trajectory, and attention pays for width squared. A few long
trajectories must not make all the others as expensive.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def chunks_by_length(mask: Tensor, size: int) -> Iterator[Tensor]:
    """Row indices of (B, T) `mask` in chunks of `size`, rows of like length together.

    What fits into one chunk keeps its order.
    """
    if size >= len(mask):
        yield torch.arange(len(mask), device=mask.device)
        return
    rows = mask.sum(1).argsort(stable=True)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def used_columns(mask: Tensor) -> slice:
    """The columns of (B, T) `mask` from the first to the last that any row uses.

    Waits for the device. A mask of zeros uses all columns.
    """
    used = mask.any(0).nonzero()
    if not len(used):
        return slice(0, mask.size(1))
    return slice(int(used[0]), int(used[-1]) + 1)


def without_padding(inputs: dict[str, Any]) -> dict[str, Any]:
    """A micro batch of the trainer, cut to the columns that its own rows use.

    Prompts, (B, P), lose columns on the left; whatever is (B, T) as the completions loses them on
    the right.
    """
    cut = dict(inputs)
    for prefix in ("prompt", "teacher_prompt"):
        if f"{prefix}_mask" in cut:
            columns = used_columns(cut[f"{prefix}_mask"])
            for name in (f"{prefix}_ids", f"{prefix}_mask"):
                cut[name] = cut[name][:, columns]
    shape = inputs["completion_mask"].shape
    columns = used_columns(inputs["completion_mask"])
    for name, value in inputs.items():
        if "prompt" not in name and isinstance(value, Tensor) and value.shape == shape:
            cut[name] = value[:, columns]
    return cut
