"""Small random models of every architecture, with tokenizers of every kind, as folders."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

import train.nano
from export.vocabulary import _LLAMA3, _QWEN2, _QWEN35

NANO = Path(train.nano.__file__).parent / "teacher"
PADDING = 8  # rows of the embedding without a token
TEMPLATE = (
    "{%- for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content "
    "+ '<|im_end|>\\n' }}{%- endfor %}{%- if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{%- endif %}"
)
_SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 2,
}
_MODELS: dict[str, tuple[type[Any], type[Any], dict[str, Any]]] = {
    "llama": (
        LlamaConfig,
        LlamaForCausalLM,
        {"num_hidden_layers": 3, "head_dim": 32, "attention_bias": True, "mlp_bias": True},
    ),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {"num_hidden_layers": 3}),
    "qwen3": (
        Qwen3Config,
        Qwen3ForCausalLM,
        {"num_hidden_layers": 3, "head_dim": 32, "tie_word_embeddings": True},
    ),
    "gemma3": (
        Gemma3TextConfig,
        Gemma3ForCausalLM,
        {
            "num_hidden_layers": 7,
            "head_dim": 32,
            "query_pre_attn_scalar": 32,
            "sliding_window": 16,
        },
    ),
}


def corpus() -> list[str]:
    """Enough text for merges: words, code, digits, accents."""
    rng = random.Random(1)
    words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "lazy",
        "dogs",
        "and",
        "don't",
        "print",
        "return",
        "function",
        "naïve",
        "Größe",
        "Привет",
        "мир",
        "日本語",
        "中文",
        "call",
        "tool",
        "answer",
        "boxed",
    ]
    lines = [" ".join(rng.choices(words, k=12)) for _ in range(200)]
    lines += [f"def f{i}(x):\n    return x + {i * 37}  # {i}\n\n" for i in range(100)]
    return lines


def byte_level(kind: str) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer whose pre-tokenizer is that of llama.cpp's `kind`."""
    tokenizer = Tokenizer(models.BPE())
    steps: list[Any] = {
        "smaug-bpe": [pre_tokenizers.Split(Regex(_LLAMA3), "isolated")],
        "llama-bpe": [pre_tokenizers.Split(Regex(_LLAMA3), "isolated")],
        "qwen2": [pre_tokenizers.Split(Regex(_QWEN2), "isolated")],
        "qwen35": [pre_tokenizers.Split(Regex(_QWEN35), "isolated")],
        "smollm": [pre_tokenizers.Digits(individual_digits=True)],
        "gpt-2": [],
    }[kind]
    words = kind in ("smollm", "gpt-2")
    steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_end|>", "<|pad|>", "<|im_start|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.add_tokens(["<tool_call>", "</tool_call>"])
    if kind == "llama-bpe":
        tokenizer.model.ignore_merges = True
    return _fast(tokenizer, bos="<|endoftext|>", eos="<|im_end|>", pad="<|pad|>")


def sentencepiece() -> PreTrainedTokenizerFast:
    """A tokenizer like Gemma 3's: BPE over whole texts, bytes for what it does not know."""
    special = ["<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    octets = [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "\u2581")
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("(?<=\u2581)(?=[^\u2581])"), "isolated")
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    trained.train_from_iterator(corpus(), trainer)
    pieces = sorted(trained.get_vocab().items(), key=lambda entry: entry[1])[len(special) :]
    vocab = {text: at for at, text in enumerate([*special, *octets, *(text for text, _ in pieces)])}
    # As transformers makes merges of a SentencePiece model: every way to cut each piece.
    merges = [
        (text[:at], text[at:])
        for text in list(vocab)[len(special) + 256 :]
        for at in range(1, len(text))
        if text[:at] in vocab and text[at:] in vocab
    ]
    tokenizer = Tokenizer(
        models.BPE(vocab, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    )
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens(["<tool_call>", "</tool_call>"])
    fast = _fast(tokenizer, bos="<bos>", eos="<eos>", pad="<pad>", unk="<unk>")
    fast.chat_template = TEMPLATE.replace("<|im_start|>", "<start_of_turn>").replace(
        "<|im_end|>", "<end_of_turn>"
    )
    return fast


def _fast(tokenizer: Tokenizer, **special: str) -> PreTrainedTokenizerFast:
    named = {f"{name}_token": text for name, text in special.items()}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    fast.chat_template = TEMPLATE
    return fast


def random_model(family: str, **changes: Any) -> PreTrainedModel:
    """Random weights, norms and biases too, such that every one matters."""
    config_class, model_class, own = _MODELS[family]
    torch.manual_seed(0)
    rows = len(tokenizer_of(family)) + PADDING
    config = config_class(**{"vocab_size": rows, **_SIZES, **own, **changes})
    model = model_class(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.15)
            if "norm" in name and family != "gemma3":
                weight += 1
    return model


@lru_cache
def tokenizer_of(family: str) -> PreTrainedTokenizerFast:
    kinds = {"llama": "smollm", "qwen2": "qwen2", "qwen3": "qwen2"}
    return sentencepiece() if family == "gemma3" else byte_level(kinds[family])


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a model and a tokenizer as a Hugging Face folder."""

    def write(
        model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, name: str = "model", **how: Any
    ) -> Path:
        folder = tmp_path / name
        model.save_pretrained(folder, **how)
        tokenizer.save_pretrained(folder)
        return folder

    return write
