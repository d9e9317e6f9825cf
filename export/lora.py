"""LoRA adapters of the peft library: merged into the weights they belong to, or kept apart.

A weight W becomes W + scale * B @ A, computed for the rows at hand, so that nothing but the two
thin factors is held in memory. Whatever the adapter changes beyond that is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.checkpoint import Weight, open_weights, read_json
from export.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FILE = "adapter_model.safetensors"
_NAME = re.compile(r"base_model\.model\.(?P<weight>.+)\.lora_(?P<side>[AB])\.weight")
# Initialisations that change the base too: the adapter alone is not the difference to it.
_CHANGE_BASE = ("pissa", "olora", "corda", "loftq")


@dataclass(frozen=True)
class Factors:
    """`down` A, shape (rank, columns), and `up` B, shape (rows, rank), with their scale."""

    down: Weight
    up: Weight
    scale: float

    def read(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A, and B times the scale."""
        up = self.up.widen(self.up.map()[:])
        up *= self.scale
        return self.down.widen(self.down.map()[:]), up


@dataclass(frozen=True)
class Adapter:
    """The folder of a peft adapter: `factors` by the name of the weight they change."""

    folder: Path
    factors: Mapping[str, Factors]
    alpha: float
    base: str | None  # what it was trained on, as its configuration says


def open_adapter(folder: Path) -> Adapter:
    """Read the adapter in `folder`; raises ExportError for one that is more than a LoRA."""
    if not (folder / "adapter_config.json").is_file():
        raise ExportError(f"{folder} is not a LoRA adapter: it has no adapter_config.json")
    config = read_json(folder / "adapter_config.json")
    _check_config(folder, config)
    if not (folder / _FILE).is_file():
        raise ExportError(f"{folder} has no {_FILE} (pickled weights are not read)")
    sides: dict[str, dict[str, Weight]] = {}
    for name, weight in open_weights(folder, _FILE).items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise ExportError(
                f"{folder} changes more than linear layers ({name}): merge it with peft's "
                "merge_and_unload and export the result"
            )
        sides.setdefault(match["weight"] + ".weight", {})[match["side"]] = weight
    factors = {name: _factors(folder, config, name, found) for name, found in sides.items()}
    if not factors:
        raise ExportError(f"{folder} is an empty adapter")
    base = config.get("base_model_name_or_path")
    return Adapter(folder, factors, float(config["lora_alpha"]), base if base else None)


def check_fits(adapter: Adapter, shapes: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Raise ExportError unless every weight it changes is one of the model's, and of its shape."""
    for name, factors in adapter.factors.items():
        shape = (factors.up.shape[0], factors.down.shape[1])
        if name not in shapes or shapes[name] != shape:
            has = f"has {shapes[name]}" if name in shapes else "has none"
            raise ExportError(
                f"the LoRA {adapter.folder} does not fit {source}: it changes {name} of shape "
                f"{shape}, and the model {has}"
            )
        if name == "model.embed_tokens.weight":
            raise ExportError(
                f"the LoRA {adapter.folder} changes the embedding: merge it with peft's "
                "merge_and_unload and export the result"
            )


def _check_config(folder: Path, config: dict[str, Any]) -> None:
    initial = str(config.get("init_lora_weights", ""))
    wrong = {
        f"of type {config.get('peft_type')}": config.get("peft_type") != "LORA",
        "a DoRA": config.get("use_dora"),
        "one that trains biases": config.get("bias", "none") != "none",
        "one with transposed layers": config.get("fan_in_fan_out"),
        "one that repeats layers": config.get("layer_replication"),
        f"initialised by {initial}, which changes the base": initial.startswith(_CHANGE_BASE),
        "without lora_alpha and r": not (
            isinstance(config.get("lora_alpha"), int | float) and config.get("r")
        ),
    }
    if found := [what for what, is_so in wrong.items() if is_so]:
        raise ExportError(
            f"the adapter {folder} is {found[0]}: merge it with peft's merge_and_unload and export "
            "the result"
        )


def _factors(folder: Path, config: dict[str, Any], name: str, found: dict[str, Weight]) -> Factors:
    down, up = found.get("A"), found.get("B")
    if down is None or up is None:
        raise ExportError(f"{folder} is damaged: {name} has only one of its two factors")
    if len(down.shape) != 2 or len(up.shape) != 2 or down.shape[0] != up.shape[1]:
        raise ExportError(f"{folder} is damaged: the factors of {name} do not fit each other")
    rank = down.shape[0]
    alpha = float(config["lora_alpha"])
    for ending, value in (config.get("alpha_pattern") or {}).items():
        if not re.fullmatch(r"[\w.]+", ending):
            raise ExportError(f"{folder} sets alpha by a pattern ({ending}): only names are read")
        if f".{name}".endswith(f".{ending}.weight"):
            alpha = float(value)
            break
    scale = alpha / math.sqrt(rank) if config.get("use_rslora") else alpha / rank
    return Factors(down, up, scale)
