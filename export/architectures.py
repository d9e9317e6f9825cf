"""From transformers' architectures to llama.cpp's: metadata, names and shapes of the weights.

An architecture says which weights its configuration implies, so that a missing or an unknown one
is refused by name; nothing is dropped or made up. What llama.cpp would compute differently from
transformers (a scaling of positions, an activation, a window) is refused too.
Names come from the `gguf` library's map. Sources: llama.cpp's conversion/ and src/models/.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import gguf

from export.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Shape = tuple[int, ...]

_FULL, _SLIDING = "full_attention", "sliding_attention"


class Architecture:
    """What the architectures share. `config` is transformers' configuration of the model.

    Raises ExportError for a configuration that llama.cpp cannot run as transformers does.
    """

    arch: ClassVar[gguf.MODEL_ARCH]
    activation: ClassVar[str] = "silu"
    biases: ClassVar[tuple[str, ...]] = ()  # projections that always have a bias
    norms: ClassVar[tuple[str, ...]] = ("input_layernorm", "post_attention_layernorm")
    head_norms: ClassVar[bool] = False  # queries and keys are normalised per head

    def __init__(self, config: Any) -> None:
        self.config = config
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads or self.heads
        self.layers: int = config.num_hidden_layers
        self.width: int = config.hidden_size
        self.head_dim: int = getattr(config, "head_dim", None) or self.width // self.heads
        self.tied: bool = bool(config.tie_word_embeddings)
        self._names = gguf.get_tensor_name_map(self.arch, self.layers)
        self._check()

    def shapes(self) -> dict[str, Shape]:
        """Every weight the model must have: transformers' name -> shape."""
        found: dict[str, Shape] = {
            "model.embed_tokens.weight": (self.config.vocab_size, self.width)
        }
        for layer in range(self.layers):
            found |= {f"model.layers.{layer}.{name}": s for name, s in self._block().items()}
        found["model.norm.weight"] = (self.width,)
        if not self.tied:
            found["lm_head.weight"] = (self.config.vocab_size, self.width)
        return found

    def is_derived(self, name: str) -> bool:
        """Whether a stored weight only repeats another one or the configuration."""
        # Old checkpoints hold the rotation's frequencies; tied ones sometimes hold the head too,
        # which transformers replaces by the embedding.
        return name.endswith(".rotary_emb.inv_freq") or (self.tied and name == "lm_head.weight")

    def gguf_name(self, name: str) -> str:
        """llama.cpp's name of a weight; raises ExportError if it has none."""
        found = self._names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ExportError(f"llama.cpp has no place for the weight {name} in a {self.arch.name}")
        return found

    def row_order(self, name: str) -> NDArray[np.intp] | None:
        """Which stored row comes first, second, ...; None leaves them as they are."""
        return None

    def shift(self, name: str) -> float:
        """What is added to every number of a weight."""
        return 0.0

    def extra_tensors(self) -> dict[str, NDArray[np.float32]]:
        """llama.cpp's name -> a tensor that comes from the configuration."""
        return {}

    def add_metadata(self, writer: gguf.GGUFWriter) -> None:
        """Write what llama.cpp must know to build the network."""
        config = self.config
        writer.add_vocab_size(config.vocab_size)
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(self.width)
        writer.add_block_count(self.layers)
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count(self.heads)
        writer.add_head_count_kv(self.kv_heads)
        writer.add_key_length(self.head_dim)
        writer.add_value_length(self.head_dim)
        writer.add_rope_dimension_count(self.head_dim)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        self._add_rope(writer, config.rope_parameters)

    def _block(self) -> dict[str, Shape]:
        """The weights of one layer."""
        width, inner = self.width, self.config.intermediate_size
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        found: dict[str, Shape] = {f"{name}.weight": (width,) for name in self.norms}
        projections = {
            "self_attn.q_proj": (queries, width),
            "self_attn.k_proj": (keys, width),
            "self_attn.v_proj": (keys, width),
            "self_attn.o_proj": (width, queries),
            "mlp.gate_proj": (inner, width),
            "mlp.up_proj": (inner, width),
            "mlp.down_proj": (width, inner),
        }
        for name, shape in projections.items():
            found[f"{name}.weight"] = shape
            if name in self._biases():
                found[f"{name}.bias"] = shape[:1]
        if self.head_norms:
            found |= {f"self_attn.{n}_norm.weight": (self.head_dim,) for n in "qk"}
        return found

    def _biases(self) -> tuple[str, ...]:
        return self.biases

    def _check(self) -> None:
        config = self.config
        if (act := getattr(config, "hidden_activation", None) or config.hidden_act) not in (
            self.activation,
            {"gelu_pytorch_tanh": "gelu_new"}.get(self.activation),  # the same function
        ):
            raise self._refused(f"the activation {act}")
        if self.head_dim % 2:
            raise self._refused(f"heads of {self.head_dim} numbers")
        if not self._slides() and _SLIDING in (getattr(config, "layer_types", None) or ()):
            raise self._refused("a sliding window")
        # llama.cpp reads biases of these two only in a Llama.
        if not self._biases() and getattr(config, "attention_bias", False):
            raise self._refused("attention biases")

    def _slides(self) -> bool:
        return False

    def _add_rope(self, writer: gguf.GGUFWriter, rope: dict[str, Any]) -> None:
        if rope.get("partial_rotary_factor", 1.0) != 1.0:
            raise self._refused("partly rotated heads")
        writer.add_rope_freq_base(rope["rope_theta"])
        kind = rope.get("rope_type", "default")
        if kind == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(rope["factor"])
        elif kind == "yarn":
            self._add_yarn(writer, rope)
        elif kind != "default" and not (kind == "llama3" and self._scales_frequencies()):
            raise self._refused(f"rope scaling of type {kind}")

    def _add_yarn(self, writer: gguf.GGUFWriter, rope: dict[str, Any]) -> None:
        # llama.cpp derives the attention factor from the scaling factor, as YaRN's authors do.
        for name in ("attention_factor", "mscale", "mscale_all_dim"):
            if rope.get(name) is not None:
                raise self._refused(f"YaRN with {name}")
        if rope.get("truncate", True) is not True:
            raise self._refused("YaRN without truncate")
        length = rope.get("original_max_position_embeddings")
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(length or self.config.max_position_embeddings)
        writer.add_rope_scaling_yarn_beta_fast(rope.get("beta_fast") or 32.0)
        writer.add_rope_scaling_yarn_beta_slow(rope.get("beta_slow") or 1.0)

    def _scales_frequencies(self) -> bool:
        return False

    def _refused(self, what: str) -> ExportError:
        name = gguf.MODEL_ARCH_NAMES[self.arch]
        return ExportError(f"this {name} model has {what}, which llama.cpp cannot run for {name}")


class Llama(Architecture):
    """Llama 2 and 3, SmolLM2."""

    arch = gguf.MODEL_ARCH.LLAMA

    def row_order(self, name: str) -> NDArray[np.intp] | None:
        """llama.cpp rotates neighbouring numbers of a Llama's head, transformers its halves."""
        import numpy as np

        heads = {"q_proj": self.heads, "k_proj": self.kv_heads}.get(name.split(".")[-2])
        if heads is None:
            return None
        rows = np.arange(heads * self.head_dim, dtype=np.intp)
        halves = rows.reshape(heads, 2, self.head_dim // 2)
        return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(-1)

    def extra_tensors(self) -> dict[str, NDArray[np.float32]]:
        """Llama 3's scaling: what each frequency is divided by."""
        import numpy as np

        rope = self.config.rope_parameters
        if rope.get("rope_type") != "llama3":
            return {}
        # transformers' modeling_rope_utils, _compute_llama3_parameters.
        context, factor = rope["original_max_position_embeddings"], rope["factor"]
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        exponents = np.arange(0, self.head_dim, 2, dtype=np.float64) / self.head_dim
        turns = context * rope["rope_theta"] ** -exponents / (2 * math.pi)
        smooth = np.clip((turns - low) / (high - low), 0, 1)
        factors = 1 / ((1 - smooth) / factor + smooth)
        return {"rope_freqs.weight": factors.astype(np.float32)}

    def _biases(self) -> tuple[str, ...]:
        attention = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
        mlp = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
        return attention * bool(self.config.attention_bias) + mlp * bool(self.config.mlp_bias)

    def _scales_frequencies(self) -> bool:
        return True


class Qwen2(Architecture):
    """Qwen2 and Qwen2.5."""

    arch = gguf.MODEL_ARCH.QWEN2
    biases = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


class Qwen3(Architecture):
    """Qwen3, dense."""

    arch = gguf.MODEL_ARCH.QWEN3
    head_norms = True


class Gemma3(Architecture):
    """Gemma 3, text only."""

    arch = gguf.MODEL_ARCH.GEMMA3
    activation = "gelu_pytorch_tanh"
    norms = (
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    )
    head_norms = True

    def shift(self, name: str) -> float:
        """Gemma's norms store what is to be added to 1."""
        return 1.0 if name.endswith("norm.weight") else 0.0

    def add_metadata(self, writer: gguf.GGUFWriter) -> None:
        super().add_metadata(writer)
        config = self.config
        if config.final_logit_softcapping:
            writer.add_final_logit_softcapping(config.final_logit_softcapping)
        writer.add_sliding_window(config.sliding_window)
        slides = [kind == _SLIDING for kind in config.layer_types]
        if slides != [(layer + 1) % 6 != 0 for layer in range(self.layers)]:  # llama.cpp's default
            writer.add_sliding_window_pattern(slides)

    def _add_rope(self, writer: gguf.GGUFWriter, rope: dict[str, Any]) -> None:
        super()._add_rope(writer, rope[_FULL])
        if rope[_SLIDING].get("rope_type", "default") != "default":
            raise self._refused("rope scaling in its sliding windows")
        writer.add_rope_freq_base_swa(rope[_SLIDING]["rope_theta"])

    def _slides(self) -> bool:
        return True

    def _check(self) -> None:
        super()._check()
        config = self.config
        if config.attn_logit_softcapping:
            raise self._refused("capped attention logits")
        if getattr(config, "use_bidirectional_attention", False):
            raise self._refused("attention in both directions")
        # llama.cpp scales by the width of a head, and knows the 27B model by its 62 layers.
        scale = self.width // self.heads if self.layers == 62 else self.head_dim
        if config.query_pre_attn_scalar != scale:
            raise self._refused(f"a query scale of {config.query_pre_attn_scalar}")


ARCHITECTURES: dict[str, type[Architecture]] = {
    "LlamaForCausalLM": Llama,
    "Qwen2ForCausalLM": Qwen2,
    "Qwen3ForCausalLM": Qwen3,
    "Gemma3ForCausalLM": Gemma3,
}


def architecture_of(name: str, config: Any) -> Architecture:
    """The conversion of the class `name`; raises ExportError if there is none."""
    kind = ARCHITECTURES.get(name)
    if kind is None:
        known = ", ".join(ARCHITECTURES)
        raise ExportError(f"{name} cannot be exported to GGUF yet; these can: {known}")
    with sound_configuration():
        return kind(config)


@contextmanager
def sound_configuration() -> Iterator[None]:
    """One line for whatever a configuration that makes no sense causes."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        what = f"{type(error).__name__}: {error}"
        raise ExportError(f"config.json makes no sense ({what[:200]})") from error
