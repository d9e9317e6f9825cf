"""What is trained in place of all weights: an adapter, or what an adapter can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def lora_config(rank: int, alpha: int) -> Any:
    """A peft LoraConfig on all linear layers but the head; None for rank 0."""
    if rank == 0:
        return None
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")


def train_layers_only(model: PreTrainedModel) -> None:
    """Freeze all but the linear layers that an adapter has a place for.

    Embeddings, a head that is tied to them or not, norms and biases keep their values.
    """
    from torch.nn import Linear

    model.requires_grad_(False)
    head = model.get_output_embeddings()
    for layer in model.modules():
        if isinstance(layer, Linear) and layer is not head:
            layer.weight.requires_grad_(True)
