"""Constrained decoding on the real model: calls are valid, free text is free, nothing aborts."""

from __future__ import annotations

import json

import pytest

from runtime.engines.base import Constraint, FinishReason, Sampling
from runtime.engines.grammar import to_gbnf
from runtime.engines.llama_sampler import Sampler

OPEN, CLOSE = "<tool_call>", "</tool_call>"
SCHEMA = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "name": {"const": "run"},
                "arguments": {
                    "type": "object",
                    "properties": {"code": {"type": "string"}},
                    "required": ["code"],
                    "additionalProperties": False,
                },
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "name": {"const": "add"},
                "arguments": {
                    "type": "object",
                    "properties": {"a": {"type": "integer"}, "b": {"type": "number"}},
                    "required": ["a"],
                    "additionalProperties": False,
                },
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
    ]
}
PROMPT = "<|im_start|>user\nAdd 2 and 3 with a tool.<|im_end|>\n<|im_start|>assistant\n"


def write(engine, text, constraint, n=80, sampling=None):
    ids = engine.tokenizer.encode(text, special=True)
    generation = engine.generate(
        ids, max_tokens=n, sampling=sampling or Sampling(), constraint=constraint
    )
    out = b"".join(engine.tokenizer.piece(token) for token in generation)
    return out.decode("utf-8", "replace"), generation


@pytest.mark.parametrize("seed", range(6))
def test_an_opened_call_is_valid_json_of_the_schema(engine, seed):
    constraint = Constraint(OPEN, CLOSE, SCHEMA, opened=True)
    hot = Sampling(temperature=1.5, seed=seed)
    text, generation = write(engine, PROMPT + OPEN + "\n", constraint, 200, hot)
    if generation.finish is FinishReason.LENGTH:  # a long string: valid as far as it goes
        assert text.lstrip().startswith("{")
        return
    assert generation.finish is FinishReason.CONSTRAINT
    assert text.endswith(CLOSE)
    call = json.loads(text[: -len(CLOSE)])
    assert call["name"] in ("run", "add")
    assert generation.stats.rejected > 0


def test_free_text_is_the_same_with_and_without_the_constraint(engine):
    free, _ = write(engine, PROMPT, None)
    held, generation = write(engine, PROMPT, Constraint(OPEN, CLOSE, SCHEMA))
    assert held == free
    assert generation.stats.rejected == 0


def test_a_forbidden_tag_cannot_be_written(engine):
    few_shot = "".join(f"{OPEN}\n{{}}\n{CLOSE}\n" for _ in range(6))
    text, _ = write(engine, few_shot, None, 12)
    assert OPEN in text  # what the model wants to write here
    text, _ = write(engine, few_shot, Constraint(OPEN, CLOSE, None), 12)
    assert OPEN not in text


def accepts(engine, gbnf: str, text: str) -> bool:
    """Whether the grammar takes `text`, token by token."""
    sampler = Sampler(engine._vocab, Sampling(), gbnf)
    try:
        for token in engine.tokenizer.encode(text, special=True):
            if not sampler.allows(token):
                return False
            engine._lib.llama_sampler_accept(sampler._grammar, token)
        return True
    finally:
        sampler.close()


CALL = '{"name": "add", "arguments": {"a": 2}}'


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("no call at all <tool <tool_cal <<tool_call no", True),
        (f"before {OPEN}\n{CALL}\n{CLOSE}", True),
        (f"<<tool<{OPEN}{CALL}{CLOSE}", True),
        (f'{OPEN}\n{{"name": "run", "arguments": {{"code": "</tool_call>\\n1"}}}}\n{CLOSE}', True),
        (f"{OPEN}not json", False),
        (f'{OPEN}\n{{"name": "rm"', False),
        (f'{OPEN}\n{{"name": "add", "arguments": {{"a": "2"', False),
        (f'{OPEN}\n{{"name": "run", "arguments": {{"code": "raw\nnewline"', False),
        (f"{OPEN}\n{CALL}\n{CLOSE} more", False),
    ],
)
def test_the_grammar_follows_the_tag_however_tokens_cut_it(engine, text, allowed):
    assert accepts(engine, to_gbnf(Constraint(OPEN, CLOSE, SCHEMA)), text) is allowed


def test_a_parameter_may_be_called_root(engine):
    schema = {
        "type": "object",
        "properties": {"root": {"enum": ["a", "b"]}},
        "required": ["root"],
        "additionalProperties": False,
    }
    gbnf = to_gbnf(Constraint(OPEN, CLOSE, schema))
    assert accepts(engine, gbnf, f'{OPEN}{{"root": "b"}}{CLOSE}')
    assert not accepts(engine, gbnf, f'{OPEN}{{"root": "c"')
