"""The parts of the engine over servers that need no server: text as ids, the end of a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.engines.base import Constraint
from runtime.engines.servers.closing import CallEnd
from runtime.engines.servers.text_tokenizer import TextTokenizer

TEXT = st.text(max_size=40)
CALL = Constraint("<tool_call>", "</tool_call>", {})


@given(TEXT, st.booleans())
def test_ids_carry_their_text(text, special):
    tokenizer = TextTokenizer()
    ids = tokenizer.encode(text, special=special)
    assert b"".join(map(tokenizer.piece, ids)) == text.encode("utf-8", "replace")


@given(TEXT)
def test_control_tokens_come_from_trusted_text_only(text):
    tokenizer = TextTokenizer(["<|im_end|>", "</s>"])
    mixed = f"{text}<|im_end|>{text}"
    assert tokenizer.text(tokenizer.encode(mixed, special=False)).count("<|im_end|>") == 0
    trusted = tokenizer.encode("<|im_end|>", special=True)
    ids = tokenizer.encode(mixed, special=False) + trusted + tokenizer.encode(text, special=False)
    assert tokenizer.text(ids).count("<|im_end|>") == 1


def test_a_control_token_cut_over_several_ids_is_seen():
    tokenizer = TextTokenizer()
    ids = [i for char in "<|im_end|>" for i in tokenizer.encode(char, special=False)]
    assert tokenizer.text(ids) == "< |im_end|>"


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ('x <tool_call>\n{"a": 1}\n</tool_call>', True),
        ('<tool_call>{"a": "</tool_call>', False),
        ('<tool_call>{"a": "</tool_call>"}</tool_call>', True),
        ('<tool_call>{"a": 1}', False),
        ("</tool_call>", False),
        ("<tool_call></tool_call>", False),
        ('<tool_call>{"a" 1}</tool_call>', False),
        ("<tool_call>" + "[" * 100_000 + "</tool_call>", False),
    ],
)
def test_where_a_call_is_complete(text, complete):
    assert CallEnd(CALL).feed(text) is complete


def test_without_a_grammar_a_broken_call_ends_too():
    assert CallEnd(CALL, lenient=True).feed('<tool_call>{"a" 1}</tool_call>')
    assert CallEnd(CALL, lenient=True).feed('<tool_call>{"a": 1} x</tool_call>')
    assert not CallEnd(CALL, lenient=True).feed('<tool_call>{"a": "</tool_call>')


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_the_end_does_not_depend_on_how_the_text_comes(sizes):
    text = 'So <tool_<tool_call>\n{"a": "</tool_call>", "b": "ü"}\n</tool_call>'
    end, here = CallEnd(CALL), 0
    while here < len(text):
        size = sizes[here % len(sizes)]
        done = end.feed(text[here : here + size])
        here += size
        assert done is (here >= len(text))


def test_what_follows_a_call_is_cut_off():
    end = CallEnd(CALL, lenient=True)
    assert not end.feed('<tool_call>{"a": 1}')
    assert end.feed("</tool_call> and <tool_call>")
    assert end.cut("</tool_call> and <tool_call>") == "</tool_call>"


def test_a_tag_that_is_forbidden_ends_nothing():
    forbidden = Constraint("<tool_call>", "</tool_call>", None)
    assert not CallEnd(forbidden).feed('<tool_call>{"a": 1}</tool_call>')
