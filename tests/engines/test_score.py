"""Teacher forcing: the logits that `score` gives are those that `generate` draws from."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.local import SCORE_BATCH
from runtime.errors import EngineError, UsageError

PROMPT = "<|im_start|>user\nTell me a long story about the sea.<|im_end|>\n<|im_start|>assistant\n"
LENGTH = SCORE_BATCH + 8  # so that rows come in two chunks


def _kl(one, other):
    one, other = (row - np.logaddexp.reduce(row.astype(float)) for row in (one, other))
    return float((np.exp(one) * (one - other)).sum())


@pytest.fixture(scope="module")
def engine(model_path):
    engine = LlamaCppEngine(model_path, n_ctx=512, n_threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def written(engine):
    """A prompt and what the model writes after it, greedily."""
    prompt = engine.tokenizer.encode(PROMPT, special=True)
    return prompt, list(engine.generate(prompt, max_tokens=LENGTH, sampling=Sampling()))


def test_each_row_predicts_the_token_that_greedy_decoding_wrote(engine, written):
    prompt, out = written
    rows = list(engine.score(prompt + out, len(prompt)))
    assert len(rows) == len(out) > SCORE_BATCH
    assert rows[0].shape == (engine.tokenizer.n_vocab,) and rows[0].dtype == np.float32
    # Batches of other sizes round differently, so what is nearly a tie may turn.
    assert all(row.max() - row[token] < 0.5 for row, token in zip(rows, out, strict=True))
    assert sum(row.argmax() == token for row, token in zip(rows, out, strict=True)) > 60


def test_what_was_evaluated_before_changes_nothing(engine, written):
    prompt, out = written
    first = list(engine.score(prompt + out, len(prompt)))
    list(engine.generate(prompt[:5], max_tokens=3, sampling=Sampling()))
    second = list(engine.score(prompt + out, len(prompt)))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert list(engine.generate(prompt, max_tokens=8, sampling=Sampling())) == out[:8]


def test_start_only_chooses_the_rows(engine, written):
    prompt, _ = written
    rows = list(engine.score(prompt, 1))
    assert len(rows) == len(prompt) - 1
    last = list(engine.score(prompt, len(prompt) - 1))
    assert _kl(rows[-1], last[0]) < 0.05
    assert list(engine.score(prompt, len(prompt))) == []


def test_scoring_and_writing_may_take_turns(engine, written):
    prompt, out = written
    expected = list(engine.score(prompt + out, len(prompt)))
    rows, generation = [], engine.generate(prompt, max_tokens=12, sampling=Sampling())
    new = [next(generation)]
    for row in engine.score(prompt + out, len(prompt)):
        rows.append(row)
        if len(rows) % 30 == 0:
            new.append(next(generation))
    new += generation
    # The generation's tokens were evaluated in other batches than when it ran alone.
    assert len(new) == 12 and new[:6] == out[:6]
    assert all(_kl(a, b) < 0.05 for a, b in zip(rows, expected, strict=True))


def test_a_dropped_score_leaves_the_engine_usable(engine, written):
    prompt, out = written
    rows = engine.score(prompt + out, len(prompt))
    next(rows)
    del rows
    assert list(engine.generate(prompt, max_tokens=8, sampling=Sampling())) == out[:8]


def test_bad_requests_are_one_line(engine, written):
    prompt, _ = written
    for start in (0, -1, len(prompt) + 1):
        with pytest.raises(UsageError, match="scoring starts at 1"):
            engine.score(prompt, start)
    with pytest.raises(UsageError, match="the window has 512"):
        engine.score([1] * 3000, 1)
    with pytest.raises(EngineError, match="failed to evaluate"):
        list(engine.score([engine.tokenizer.n_vocab + 5, 1, 1], 1))
