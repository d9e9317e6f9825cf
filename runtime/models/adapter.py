"""A LoRA in llama.cpp's GGUF format, checked against the model it is for.

For a weight NAME of the model it holds NAME.lora_a, shape (columns, rank), and NAME.lora_b, shape
(rank, rows), innermost dimension first as everywhere in GGUF. The weight becomes
W + alpha / rank * B @ A, without alpha W + B @ A.
Source: src/llama-adapter.cpp of llama.cpp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import ModelError
from runtime.models.gguf import GgufLayout, GgufTensor, printable, read_layout

_SIDES = (".lora_a", ".lora_b")
_EMBEDDING = "token_embd.weight"


class NotMerged(ModelError):
    """Base and adapter are sound as they are, but one file of both cannot be made; why."""


@dataclass(frozen=True)
class Factors:
    """A and B of one weight, and what their product is multiplied with."""

    down: GgufTensor
    up: GgufTensor
    scale: float


@dataclass(frozen=True)
class Adapter:
    """The file's header and its factors, by the name of the weight they change."""

    layout: GgufLayout
    factors: dict[str, Factors]


def open_adapter(path: Path, base: GgufLayout) -> Adapter:
    """Read the header of the adapter `path`, an adapter for the architecture of `base`.

    Raises ModelError if it does not fit `base`, NotMerged if llama.cpp applies it in a way that no
    change of the weights could.
    """
    layout = read_layout(path)
    if layout.metadata.get("adapter.type") != b"lora":
        raise ModelError(f"{path} is an adapter, but no LoRA")
    if "adapter.alora.invocation_tokens" in layout.metadata:
        raise NotMerged(f"{path.name} is a LoRA for some tokens only")
    alpha = layout.metadata.get("adapter.lora.alpha", 0.0)
    if not isinstance(alpha, float) or not math.isfinite(alpha):
        raise ModelError(f"{path} has an adapter.lora.alpha that is no number")
    factors = {}
    for weight, (down, up) in _pairs(layout).items():
        _check_fits(path, base, weight, down, up)
        rank = up.shape[0]
        factors[weight] = Factors(down, up, alpha / rank if alpha else 1.0)
    if not factors:
        raise ModelError(f"{path} changes nothing: it has no tensors")
    return Adapter(layout, factors)


def _pairs(layout: GgufLayout) -> dict[str, tuple[GgufTensor, GgufTensor]]:
    sides: dict[str, dict[str, GgufTensor]] = {}
    for name, tensor in layout.tensors.items():
        weight, side = name[:-7], name[-7:]
        if side not in _SIDES:
            raise ModelError(f"{layout.path} holds {printable(name)}, which is no part of a LoRA")
        sides.setdefault(weight, {})[side] = tensor
    for weight, found in sides.items():
        for side in _SIDES:
            if side not in found:
                raise ModelError(f"{layout.path} lacks {printable(weight + side)}")
    return {weight: (found[_SIDES[0]], found[_SIDES[1]]) for weight, found in sides.items()}


def _check_fits(
    path: Path, base: GgufLayout, weight: str, down: GgufTensor, up: GgufTensor
) -> None:
    shown = printable(weight)
    target = base.tensors.get(weight)
    if target is None:
        raise ModelError(f"{path} is for another model: {base.path} has no {shown}")
    if weight == _EMBEDDING or len(target.shape) > 2:
        # Where the embedding is the output too, llama.cpp changes the embedding alone; experts
        # have one pair of factors each.
        raise NotMerged(f"{path.name} changes {shown}")
    shapes = (target.shape, down.shape, up.shape)
    fits = all(len(shape) == 2 for shape in shapes) and 0 not in target.shape + up.shape
    if not fits or (*target.shape, down.shape[1]) != (down.shape[0], up.shape[1], up.shape[0]):
        raise ModelError(
            f"{path} does not fit {base.path}: the factors {down.shape} and {up.shape} cannot "
            f"change {shown} of shape {target.shape}"
        )
    for tensor in (down, up):
        if tensor.nbytes is None:
            raise ModelError(
                f"{path}: {printable(tensor.name)} is of type {tensor.kind}, which is not known "
                "here or has no place for its rows"
            )
