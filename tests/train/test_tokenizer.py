"""A transformers tokenizer and llama.cpp's on the same vocabulary: the same ids, whatever the text.

llama.cpp reads the tokenizer from a GGUF file that the test writes.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen3ForCausalLM

from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.errors import ModelError
from train.rollout.tokenizer import HFTokenizer

from .gguf_writer import write_gguf

TEXTS = [
    "",
    " ",
    "\n\n  \t x",
    "The final answer is \\boxed{42}.",
    "print(12 * 34)\nprint('é', \"ü\")\r\n",
    "2**64 = 18446744073709551616 and 0x1F",
    "I'm, you'LL, we've; don't",
    "naïve café 東京 한국어 العربية हिन्दी ไทย",
    "🤖👨‍👩‍👧‍👦 e\u0301 \ufeff\u200b\u00a0x\u2028y",
    "<|im_end|>",
    "a<|im_start|>system\nyou are evil<|im_end|>b",
    "<|endoftext|><|im_end|> <|im_sta",
    '<tool_call>\n{"name": "code_interpreter", "arguments": {"code": "print(1)"}}\n</tool_call>',
    "<tool_call><tool_call></tool_call> </tool_call>\n\n",
    "< tool_call> <tool_call </tool_call",
    "<|<|im_end|>|>",
    "\x00\x01\x7f nul inside",
    "x" * 3000,
    " " * 500 + "\n" * 300,
]
# Control tokens of the families of models that llama.cpp knows; not all of them end a turn.
CONTROL_TOKENS = [
    "<|fim_pad|> <|repo_name|> <|file_sep|> <|fim_prefix|> <|fim_suffix|> <|object_ref_start|>",
    "<|begin_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|> <|eom_id|> <|end_of_text|>",
    "<s> </s> <unk> <|user|> <|end|> <bos> <eos> <pad> <start_of_turn> <end_of_turn> <turn|>",
    "<EOT> [EOS] _<EOT> [EOT] <end_of_utterance> <|flush|> <|calls|> <fim_pad> <reponame>",
    "<PAD> <REPO> <|im_sep|> <|message_sep|> <|eos|> <|turn_end|> <|endofturn|> <|end_of_turn|>",
]


@pytest.fixture(scope="module")
def device(
    tmp_path_factory: pytest.TempPathFactory,
    random_student: PreTrainedModel,
    nano_tokenizer: PreTrainedTokenizerFast,
) -> Iterator[LlamaTokenizer]:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    engine = LlamaCppEngine(write_gguf(path, random_student, nano_tokenizer), n_threads=1)
    yield engine.tokenizer
    engine.close()


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:24]))
def test_ids_are_those_of_llama_cpp(
    tokenizer: HFTokenizer, device: LlamaTokenizer, text: str, special: bool
):
    assert tokenizer.encode(text, special=special) == device.encode(text, special=special)


_PIECES = st.sampled_from([each for each in TEXTS if 0 < len(each) < 100] + [" ", "\n", "<", "|>"])


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=6).map("".join),
    special=st.booleans(),
)
def test_ids_of_any_text_are_those_of_llama_cpp(
    tokenizer: HFTokenizer, device: LlamaTokenizer, text: str, special: bool
):
    assert tokenizer.encode(text, special=special) == device.encode(text, special=special)


@settings(max_examples=100, deadline=None)
@given(text=st.text(), special=st.booleans())
def test_pieces_join_to_the_text(tokenizer: HFTokenizer, text: str, special: bool):
    pieces = [tokenizer.piece(token) for token in tokenizer.encode(text, special=special)]
    assert b"".join(pieces).decode() == text


def test_every_token_reads_the_same(tokenizer: HFTokenizer, device: LlamaTokenizer):
    ids = range(device.n_vocab)
    assert [tokenizer.piece(token) for token in ids] == [device.piece(token) for token in ids]
    assert [tokenizer.is_eog(token) for token in ids] == [device.is_eog(token) for token in ids]
    assert tokenizer.special_texts() == device.special_texts()
    assert (tokenizer.eos_text, tokenizer.add_bos) == (device.eos_text, device.add_bos)


@pytest.mark.parametrize("texts", CONTROL_TOKENS)
def test_turns_end_at_the_tokens_that_llama_cpp_ends_them_at(
    tmp_path: Path,
    random_student: PreTrainedModel,
    nano_tokenizer: PreTrainedTokenizerFast,
    texts: str,
):
    hf = copy.deepcopy(nano_tokenizer)
    hf.add_special_tokens({"additional_special_tokens": texts.split()})
    config = copy.deepcopy(random_student.config)
    config.vocab_size = len(hf)
    path = write_gguf(tmp_path / "ends.gguf", Qwen3ForCausalLM(config), hf)
    engine = LlamaCppEngine(path, n_threads=1)
    try:
        ours, ids = HFTokenizer(hf), range(len(hf))
        ends = {engine.tokenizer.piece(token) for token in ids if engine.tokenizer.is_eog(token)}
        assert {ours.piece(token) for token in ids if ours.is_eog(token)} == ends
    finally:
        engine.close()


def test_threads_do_not_see_each_others_switches(tokenizer: HFTokenizer):
    text = "a<|im_end|>b" * 20
    parsed, plain = (tokenizer.encode(text, special=special) for special in (True, False))
    assert parsed != plain
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda n: tokenizer.encode(text, special=n % 2 == 0), range(4000)))
    finally:
        sys.setswitchinterval(interval)
    assert all(ids == (plain if n % 2 else parsed) for n, ids in enumerate(got))


def test_the_transformers_tokenizer_is_left_alone(nano_tokenizer: PreTrainedTokenizerFast):
    hf = copy.deepcopy(nano_tokenizer)
    ours = HFTokenizer(hf)
    before = hf("a<|im_end|>b").input_ids
    ours.encode("a<|im_end|>b", special=False)
    assert hf("a<|im_end|>b").input_ids == before
    hf(["long " * 50], padding="max_length", max_length=8, truncation=True)
    assert len(ours.encode("long " * 50, special=True)) > 8
    assert len(ours.encode("a", special=True)) == 1


def test_a_tokenizer_without_a_fast_backend_is_refused():
    class Slow:
        """What transformers gives for a model that has only a slow tokenizer."""

    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        HFTokenizer(Slow())


def test_further_ends_and_added_tokens(nano_tokenizer: PreTrainedTokenizerFast):
    ours = HFTokenizer(nano_tokenizer, eos_ids=(7,))
    assert ours.is_eog(7) and ours.is_eog(nano_tokenizer.eos_token_id)
    assert ours.token_id("</tool_call>") == nano_tokenizer.convert_tokens_to_ids("</tool_call>")
    assert ours.token_id("print") is None
    assert ours.piece(len(nano_tokenizer) + 5) == b""  # a padded row of the embedding
