"""Tokenizers: llama.cpp must read an exported vocabulary as the tokenizer reads text."""

from __future__ import annotations

import copy
from pathlib import Path

import gguf
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

import export.vocabulary
from export.errors import ExportError
from export.gguf import export_gguf
from export.samples import sample_texts
from export.traces import Vocabulary
from export.vocabulary import read_tokens
from tests.export.conftest import byte_level, random_model, sentencepiece

KINDS = export.vocabulary._KINDS
QWEN3 = Path(__file__).parents[3] / "shared" / "qwen3-tokenizer"


def model_for(tokenizer: PreTrainedTokenizerFast, padding: int = 8, width: int = 32):
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer) + padding,
        hidden_size=width,
        intermediate_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
    )
    return Qwen3ForCausalLM(config)


@pytest.mark.parametrize(
    "kind", ["llama-bpe", "smaug-bpe", "qwen2", "qwen35", "smollm", "gpt-2", "sentencepiece"]
)
def test_every_kind_reads_every_text_alike(kind, save, tmp_path):
    tokenizer = sentencepiece() if kind == "sentencepiece" else byte_level(kind)
    path = export_gguf(save(model_for(tokenizer), tokenizer), tmp_path / "m.gguf", type="f16")
    fields = gguf.GGUFReader(path).fields
    written = fields["tokenizer.ggml.pre"].contents()
    assert written == ("default" if kind == "sentencepiece" else kind)
    added = [str(entry) for entry in tokenizer.added_tokens_decoder.values()]
    with Vocabulary(path) as vocabulary:
        own = vocabulary.tokenizer
        for text in sample_texts(added):
            assert own.encode(text, special=True) == tokenizer.encode(text), text
        # Control tokens in a text that is not to be trusted stay text in both.
        backend = copy.deepcopy(tokenizer.backend_tokenizer)
        backend.encode_special_tokens = True
        for text in ("a<tool_call>b", f"x{tokenizer.eos_token}y"):
            assert own.encode(text, special=False) == backend.encode(text).ids
        # Rows without a token are never written.
        assert own.n_vocab == len(tokenizer) + 8
        assert fields["tokenizer.ggml.token_type"].contents()[-8:] == [gguf.TokenType.UNUSED] * 8


@pytest.mark.skipif(not QWEN3.is_dir(), reason="needs the real Qwen3 tokenizer")
def test_the_real_qwen3_tokenizer(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(QWEN3)
    model = model_for(tokenizer, padding=151936 - len(tokenizer), width=16)
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = export_gguf(folder, tmp_path / "m.gguf", type="q8_0")
    with Vocabulary(path) as vocabulary:
        own = vocabulary.tokenizer
        assert own.n_vocab == 151936
        for text in sample_texts(["<|im_start|>", "<think>", "</tool_call>"]):
            assert own.encode(text, special=True) == tokenizer.encode(text), text
        assert own.is_eog(tokenizer.convert_tokens_to_ids("<|im_end|>"))
        assert not own.add_bos


def test_a_wrong_name_for_the_pre_tokenizer_is_found_out(save, tmp_path, monkeypatch):
    tokenizer = byte_level("smollm")
    folder = save(model_for(tokenizer), tokenizer)
    kinds = {key: "qwen2" if kind == "smollm" else kind for key, kind in KINDS.items()}
    monkeypatch.setattr(export.vocabulary, "_KINDS", kinds)
    with pytest.raises(ExportError, match="would be another model"):
        export_gguf(folder, tmp_path / "m.gguf")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model"]


def test_an_unknown_pre_tokenizer_is_refused_with_its_rule():
    tokenizer = byte_level("gpt-2")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with pytest.raises(ExportError, match=r"no name for how mine cuts text into words.*Whitespace"):
        read_tokens(tokenizer, len(tokenizer), "mine")


def test_only_bpe_is_exported():
    backend = Tokenizer(models.WordLevel({"a": 0, "<eos>": 1}, unk_token="a"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<eos>")
    with pytest.raises(ExportError, match="type WordLevel: only BPE"):
        read_tokens(tokenizer, 2, "mine")


def test_a_tokenizer_of_another_model_is_refused():
    tokenizer = byte_level("qwen2")
    with pytest.raises(ExportError, match=r"does not fit its tokenizer: token \d+ has no row"):
        read_tokens(tokenizer, len(tokenizer) - 1, "mine")
    with pytest.raises(ExportError, match=r"its tokenizer: \d+ tokens for an embedding"):
        read_tokens(tokenizer, 2 * len(tokenizer), "mine")


def test_gemmas_image_token_without_a_row_is_left_out(save, tmp_path):
    tokenizer = copy.deepcopy(sentencepiece())
    rows = len(tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image_soft_token>"]})
    folder = save(random_model("gemma3", vocab_size=rows), tokenizer)
    path = export_gguf(folder, tmp_path / "m.gguf", type="f16")
    with Vocabulary(path) as vocabulary:
        assert vocabulary.tokenizer.n_vocab == rows


def test_a_bos_token_is_put_where_the_tokenizer_puts_it(save, tmp_path):
    from tokenizers.processors import TemplateProcessing

    tokenizer = copy.deepcopy(byte_level("llama-bpe"))
    bos = tokenizer.bos_token
    for wanted in (False, True):
        if wanted:
            tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
                single=f"{bos} $A", special_tokens=[(bos, tokenizer.bos_token_id)]
            )
        folder = save(model_for(tokenizer), tokenizer, f"bos-{wanted}")
        path = export_gguf(folder, tmp_path / "m.gguf", type="f16")
        with Vocabulary(path) as vocabulary:
            assert vocabulary.tokenizer.add_bos is wanted
            assert vocabulary.tokenizer.bos_text == bos


def test_tokens_that_would_end_the_process_are_refused():
    tokenizer = copy.deepcopy(byte_level("gpt-2"))
    tokenizer.add_tokens(["a\0b"])
    with pytest.raises(ExportError, match="a zero byte"):
        read_tokens(tokenizer, len(tokenizer), "mine")
    tokenizer = copy.deepcopy(byte_level("gpt-2"))
    tokenizer.add_tokens([f"[PAD{len(tokenizer) + 1}]"])
    with pytest.raises(ExportError, match="two tokens that read"):
        read_tokens(tokenizer, len(tokenizer) + 1, "mine")
