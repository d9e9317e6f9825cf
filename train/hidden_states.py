"""The last hidden states of a model, taken while something else runs its forward pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor


@contextmanager
def hidden_states_of(model: Any) -> Iterator[list[Tensor]]:
    """Collects the last hidden states (b, P + T, H) of the backbone's forward passes."""
    kept: list[Tensor] = []
    backbone = (
        model.get_base_model().base_model if hasattr(model, "peft_config") else model.base_model
    )

    def keep(_: Any, __: Any, result: Mapping[str, Any]) -> None:
        kept.append(result["last_hidden_state"])

    handle = backbone.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()
