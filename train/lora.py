"""What is trained in place of all weights: an adapter, or what an adapter can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from train.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor
    from transformers import PreTrainedModel


_ROUNDING = 4e-3  # of a weight's norm, as export.adapter: bfloat16 rounds by 2e-3
_NOTHING = 1e-6  # of a weight's norm: what a decomposition in float32 leaves


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


def start_adapter(model: Any, trained: Mapping[str, Tensor], source: str) -> None:
    """Begin the adapter of the peft `model` as the best of its rank for a step to `trained`.

    `trained` are the weights, by name, of the same model after training. The difference of each
    layer is cut to its largest singular values (Eckart and Young 1936), their roots shared by both
    factors. Raises TrainingError for weights of another model; it names their `source`.
    """
    import torch
    from peft.tuners.lora import LoraLayer

    _check_the_rest(model, trained, source)
    for name, layer in model.get_base_model().named_modules():
        if not isinstance(layer, LoraLayer):
            continue
        weight = layer.get_base_layer().weight
        aim = trained.get(f"{name}.weight")
        if aim is None or aim.shape != weight.shape:
            raise TrainingError(
                f"{source} is no step from the model that its adapter is for: it holds no {name} "
                f"of shape {tuple(weight.shape)}"
            )
        before = weight.detach().float()
        change = aim.to(before.device, torch.float32) - before
        left, values, right = torch.linalg.svd(change, full_matrices=False)
        # Where the change has no more of a rank, peft's own start: two factors of zero stay zero.
        full = int((values > _NOTHING * before.norm()).sum())
        for adapter, down in layer.lora_A.items():
            rank = min(layer.r[adapter], full)
            root = (values[:rank] / layer.scaling[adapter]).sqrt()
            up = layer.lora_B[adapter]
            with torch.no_grad():
                down.weight[:rank] = right[:rank] * root[:, None]
                up.weight[:, :rank] = left[:, :rank] * root


def _check_the_rest(model: Any, trained: Mapping[str, Tensor], source: str) -> None:
    """That `trained` differs only where an adapter has a place, but for rounding."""
    for name, weight in model.get_base_model().named_parameters():
        aim = trained.get(name)
        if "lora_" in name or ".base_layer." in name or aim is None:
            continue
        now = weight.detach().float()
        alike = aim.shape == now.shape and bool(
            (aim.to(now.device).float() - now).norm() <= _ROUNDING * now.norm()
        )
        if not alike:
            raise TrainingError(
                f"{source} has another {name} than the model that its adapter is for, and an "
                "adapter has no place for it: train it with --sft-layers-only"
            )
