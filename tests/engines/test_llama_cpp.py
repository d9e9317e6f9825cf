"""The llama.cpp engine on the real default model: KV reuse, sampling, limits, errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runtime.engines import open_engine
from runtime.engines.base import FinishReason, Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.errors import EngineError, ModelError, UsageError

PROMPT = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
GREEDY = Sampling()


def write(engine: LlamaCppEngine, ids: list[int], n: int, sampling: Sampling = GREEDY, **kwargs):
    generation = engine.generate(ids, max_tokens=n, sampling=sampling, **kwargs)
    return list(generation), generation


def test_each_token_is_evaluated_once_over_many_turns(engine):
    ids = engine.tokenizer.encode("A fresh prefix of this test.\n" + PROMPT, special=True)
    evaluated, suffix = 0, []
    for turn in range(4):
        new, generation = write(engine, ids, 12)
        evaluated += generation.stats.evaluated
        if turn:
            assert generation.stats.reused == len(ids) - generation.stats.prefilled
            assert generation.stats.prefilled == len(suffix) + 1  # and the last sampled token
        suffix = engine.tokenizer.encode(f"<|im_end|>\n<|im_start|>user\nTurn {turn}", special=True)
        ids = ids + new + suffix
    # Everything but the last turn's suffix and its last token, and nothing twice.
    assert evaluated <= len(ids) - len(suffix)


def test_reuse_does_not_change_what_is_written(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    first, _ = write(engine, ids, 24)
    grown = ids + first[:10]
    continued, generation = write(engine, grown, 14)
    assert generation.stats.reused > len(ids)
    assert continued == first[10:]


def test_a_diverging_prompt_cuts_the_cache_back(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    expected, _ = write(engine, ids, 8)
    other = ids[:4] + engine.tokenizer.encode("something else entirely", special=False)
    write(engine, other, 4)
    again, generation = write(engine, ids, 8)
    assert again == expected
    assert generation.stats.reused < len(ids)


def test_a_seed_repeats_and_another_seed_differs(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    warm = Sampling(temperature=1.0, top_p=0.95, seed=7)
    first, _ = write(engine, ids, 24, warm)
    assert write(engine, ids, 24, warm)[0] == first
    assert write(engine, ids, 24, Sampling(temperature=1.0, seed=8))[0] != first


def test_length_and_context_are_told_apart(engine, model_path):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    _, generation = write(engine, ids, 5)
    assert generation.finish is FinishReason.LENGTH
    assert generation.stats.generated == 5
    small = LlamaCppEngine(model_path, n_ctx=256, n_threads=2)
    out, generation = write(small, ids * 10, 200)
    assert len(ids) * 10 + len(out) <= small.n_ctx + 1
    assert generation.finish in (FinishReason.CONTEXT, FinishReason.EOG)
    out, generation = write(small, ids * 30, 5)
    assert out == []
    assert generation.finish is FinishReason.CONTEXT
    assert generation.stats.evaluated == 0
    small.close()


def test_a_generation_that_is_dropped_leaves_the_engine_usable(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    expected, _ = write(engine, ids, 6)
    generation = engine.generate(ids, max_tokens=50, sampling=GREEDY)
    next(generation)
    next(generation)
    generation.close()
    assert write(engine, ids, 6)[0] == expected


def test_tokenizer_round_trips_and_keeps_control_tokens_apart(engine):
    tokenizer = engine.tokenizer
    for text in ("Grüße, 世界 🌍", "a\n\n\tb", "x" * 3000, ""):
        ids = tokenizer.encode(text, special=False)
        assert b"".join(tokenizer.piece(i) for i in ids).decode() == text
    parsed = tokenizer.encode("<|im_end|>", special=True)
    assert len(parsed) == 1 and tokenizer.is_eog(parsed[0])
    assert len(tokenizer.encode("<|im_end|>", special=False)) > 1
    assert "<|im_end|>" in tokenizer.special_texts()


def test_bad_requests_are_one_line(engine, model_path, tmp_path):
    with pytest.raises(UsageError, match="nothing to continue"):
        engine.generate([], max_tokens=1, sampling=GREEDY)
    with pytest.raises(UsageError, match="unknown engine 'foo'"):
        open_engine("foo", model_path)
    with pytest.raises(UsageError, match="more than this model's window"):
        open_engine("llama.cpp", model_path, n_ctx=1_000_000)
    with pytest.raises(ModelError, match="does not fit this model"):
        open_engine("llama.cpp", model_path, lora=model_path)
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(Path(model_path).read_bytes()[:100_000])
    with pytest.raises(ModelError, match="cannot load") as error:
        open_engine("llama.cpp", cut)
    assert "\n" not in str(error.value)


def test_only_the_bindings_are_imported(model_path):
    """numpy and the chat layer of llama-cpp-python would cost a third of the start-up time."""
    import subprocess

    code = (
        "import sys; from pathlib import Path; from runtime.engines import open_engine;"
        f"open_engine('llama.cpp', Path({str(model_path)!r}), n_ctx=256).close();"
        "assert 'numpy' not in sys.modules and 'llama_cpp.llama' not in sys.modules;"
        "import llama_cpp; assert llama_cpp.Llama"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_generations_may_take_turns(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    other_ids = engine.tokenizer.encode(PROMPT.replace("colours", "animals"), special=True)
    expected, other = write(engine, ids, 8)[0], write(engine, other_ids, 8)[0]
    one = engine.generate(ids, max_tokens=8, sampling=GREEDY)
    two = engine.generate(other_ids, max_tokens=8, sampling=GREEDY)
    pairs = list(zip(one, two, strict=True))
    assert [first for first, _ in pairs] == expected
    assert [second for _, second in pairs] == other


def test_a_closed_engine_says_so(model_path):
    engine = LlamaCppEngine(model_path, n_ctx=256, n_threads=2)
    ids = engine.tokenizer.encode(PROMPT, special=True)
    generation = engine.generate(ids, max_tokens=5, sampling=GREEDY)
    next(generation)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        next(generation)
    with pytest.raises(EngineError, match="closed"):
        engine.generate(ids, max_tokens=5, sampling=GREEDY)


def test_every_seed_repeats(engine):
    """2**32 - 1 means a random seed to llama.cpp."""
    ids = engine.tokenizer.encode(PROMPT, special=True)
    for seed in (2**32 - 1, 2**32, -1):
        warm = Sampling(temperature=1.5, seed=seed)
        assert write(engine, ids, 16, warm)[0] == write(engine, ids, 16, warm)[0]
