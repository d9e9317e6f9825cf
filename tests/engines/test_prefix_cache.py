"""The state of a prompt's beginning survives the process, and a bad file never does harm."""

from __future__ import annotations

import pytest

from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.prefix_cache import KEPT, MIN_TOKENS

START = "<|im_start|>system\n" + "You are a calculator. " * 12 + "<|im_end|>\n"
QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"


def ask(model_path, folder, question=QUESTION, start=START):
    """A new engine, as a new process would have; its output and counters."""
    engine = LlamaCppEngine(model_path, n_ctx=512, n_threads=2, prefix_folder=folder)
    try:
        prefix = engine.tokenizer.encode(start, special=True)
        ids = prefix + engine.tokenizer.encode(question, special=True)
        generation = engine.generate(ids, max_tokens=12, sampling=Sampling(), keep=len(prefix))
        return list(generation), generation.stats, len(prefix), len(ids)
    finally:
        engine.close()


def test_the_second_process_evaluates_only_the_question(model_path, tmp_path):
    first, stats, prefix, total = ask(model_path, tmp_path)
    assert (stats.reused, stats.prefilled) == (0, total)
    again, stats, _, _ = ask(model_path, tmp_path)
    assert again == first
    assert (stats.reused, stats.prefilled) == (prefix, total - prefix)
    _, stats, _, _ = ask(model_path, tmp_path, QUESTION.replace("colours", "rivers"))
    assert stats.reused == prefix


def test_another_beginning_is_not_confused_with_it(model_path, tmp_path):
    ask(model_path, tmp_path)
    _, stats, _, _ = ask(model_path, tmp_path, start=START.replace("calculator", "poet"))
    assert stats.reused == 0


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "one bit"])
def test_a_damaged_file_is_evaluated_again_and_replaced(model_path, tmp_path, damage):
    expected, _, prefix, _ = ask(model_path, tmp_path)
    (file,) = tmp_path.glob("*.kv")
    content = file.read_bytes()
    damaged = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "garbage": bytes(range(256)) * 4096,
        "one bit": content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    }[damage]
    file.write_bytes(damaged)
    out, stats, _, _ = ask(model_path, tmp_path)
    assert (out, stats.reused) == (expected, 0)
    assert ask(model_path, tmp_path)[1].reused == prefix


def test_a_folder_that_cannot_be_written_only_costs_time(model_path, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    out, _, _, _ = ask(model_path, blocked)
    assert out == ask(model_path, tmp_path / "fine")[0]


def test_only_the_newest_are_kept(model_path, tmp_path):
    for number in range(KEPT + 2):
        ask(model_path, tmp_path, start=f"{number} " + START)
    assert len(list(tmp_path.iterdir())) == KEPT


def test_a_short_beginning_is_not_worth_a_file(model_path, tmp_path):
    _, _, prefix, _ = ask(model_path, tmp_path, start="Hello. ")
    assert prefix < MIN_TOKENS
    assert not list(tmp_path.iterdir())
