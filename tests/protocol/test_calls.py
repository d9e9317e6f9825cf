"""Parsing a turn: every malformed shape is a value with a short message, nothing ever raises."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.protocol import Malformed, MalformedReason, Tool, ToolCall, parse_turn, render_call

R = MalformedReason
GOOD = '{"name": "python", "arguments": {"code": "1"}}'


def call(body: str) -> str:
    return f"<tool_call>\n{body}\n</tool_call>"


def with_code(code: str) -> str:
    return render_call("python", {"code": code})


def test_render_call_is_qwens_form() -> None:
    assert render_call("python", {"code": 'print("é")\n'}) == (
        '<tool_call>\n{"name": "python", "arguments": {"code": "print(\\"é\\")\\n"}}\n</tool_call>'
    )


@pytest.mark.parametrize(
    "text",
    [
        call(GOOD),
        f"<tool_call>{GOOD}</tool_call>",
        "I think so. " + call(GOOD),
        "<think>\nmaybe <tool_call>{}</tool_call> hm\n</think>\n" + call(GOOD),
        "the prompt opened it</think>" + call(GOOD),
        "<think> never closed " + call(GOOD),
    ],
)
def test_call_with_text_around_it(text: str, python: Tool) -> None:
    parsed = parse_turn(text, [python])
    assert isinstance(parsed, ToolCall)
    assert (parsed.name, parsed.arguments) == ("python", {"code": "1"})
    assert json.loads(parsed.raw.removeprefix("<tool_call>").removesuffix("</tool_call>"))


@pytest.mark.parametrize("after", ["and the result is 7", "<tool_response>\n7", "."])
def test_text_after_a_call_is_refused(after: str, python: Tool) -> None:
    parsed = parse_turn(call(GOOD) + "\n" + after, [python])
    assert isinstance(parsed, Malformed)
    assert parsed.reason is MalformedReason.TEXT_AFTER_CALL
    assert "nothing was run" in parsed.message


@pytest.mark.parametrize(
    "text",
    ["", "plain", "<think><tool_call></think>4", "tool_call", "\\boxed{4}", '{"name": "python"}'],
)
def test_no_call(text: str, python: Tool) -> None:
    assert parse_turn(text, [python]) is None


@pytest.mark.parametrize(
    "code", ["</tool_call>", "<tool_call>{}</tool_call>", "<think>x</think>", "</think>", "{{"]
)
def test_tags_inside_the_arguments_are_text(code: str, python: Tool) -> None:
    parsed = parse_turn("so " + with_code(code), [python])
    assert isinstance(parsed, ToolCall)
    assert parsed.arguments == {"code": code}


@pytest.mark.usefixtures("no_garbage")
@pytest.mark.parametrize(
    ("text", "reason", "word"),
    [
        (call("{'name': 'python'}"), R.BAD_JSON, "JSON"),
        (call(""), R.BAD_JSON, "JSON"),
        (call(GOOD + " done"), R.BAD_JSON, "follows"),
        (call(GOOD + GOOD), R.BAD_JSON, "follows"),
        (call('{"name": "python", "arguments": {"code": NaN}}'), R.BAD_JSON, "NaN"),
        (call("[" * 100_000), R.BAD_JSON, "nested"),
        (call('{"a":' * 30_000), R.BAD_JSON, "nested"),
        (call('{"name": "python", "arguments": {"code": "\\ud800"}}'), R.BAD_JSON, "surrogate"),
        (call('{"name": "python", "arguments": {"code": %s}}' % ("9" * 5000)), R.BAD_JSON, ""),
        (call("[]"), R.BAD_CALL, "name"),
        (call('{"name": "python"}'), R.BAD_CALL, "arguments"),
        (call('{"name": 1, "arguments": {}}'), R.BAD_CALL, "string"),
        (call('{"name": "python", "arguments": "1"}'), R.BAD_CALL, "object"),
        (call('{"name": "python", "arguments": {}, "id": 1}'), R.BAD_CALL, "arguments"),
        ("said " + GOOD + "</tool_call>", R.BAD_CALL, "never opened"),
        (call('{"name": "rm", "arguments": {}}'), R.UNKNOWN_TOOL, "python"),
        (call('{"name": "python", "arguments": {}}'), R.BAD_ARGUMENTS, "code"),
        (call('{"name": "python", "arguments": {"code": 1}}'), R.BAD_ARGUMENTS, "str"),
        (call('{"name": "python", "arguments": {"code": "", "x": 1}}'), R.BAD_ARGUMENTS, "x"),
        (call(GOOD) + call(GOOD), R.SEVERAL_CALLS, "one call"),
        (call(GOOD) + " then <tool_call>", R.SEVERAL_CALLS, "one call"),
        ("<tool_call>", R.CUT_OFF, "cut off"),
        ('<tool_call>\n{"name": "python", "argum', R.CUT_OFF, "cut off"),
        (f"<tool_call>\n{GOOD}", R.CUT_OFF, "cut off"),
        (f"<tool_call>\n{GOOD}\n</tool_ca", R.CUT_OFF, "cut off"),
        (with_code("x" * 300_000), R.TOO_LONG, "longer"),
    ],
)
def test_malformed(text: str, reason: MalformedReason, word: str, python: Tool) -> None:
    parsed = parse_turn(text, [python])
    assert isinstance(parsed, Malformed)
    assert parsed.reason is reason
    assert word in parsed.message
    assert len(parsed.message) < 300
    assert "\n" not in parsed.message
    assert "<" not in parsed.message, "a tag would be neutralised in a tool result"


@pytest.mark.parametrize(
    "unit",
    ["<tool_call>", "<think>", "</think>", "</tool_call>", '<tool_call>["', "<think><tool_call>",
     '<tool_call>{"a":"', "<tool_call>\n" + "[" * 50, "<tool_call>" + GOOD, '<tool_call>"'],
)  # fmt: skip
def test_work_is_linear(unit: str, python: Tool) -> None:
    text = unit * (1_000_000 // len(unit))
    started = time.perf_counter()
    parse_turn(text, [python])
    assert time.perf_counter() - started < 2


pieces = st.one_of(
    st.sampled_from(
        ["<tool_call>", "</tool_call>", "<think>", "</think>", GOOD, "\n", "{", "}", '"', "\\",
         "\\boxed{", "[" * 2000, '{"name":', '"arguments"', ":", "\ud800", "\x00"]
    ),
    st.text(st.characters(), max_size=20),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join))
def test_never_raises(python: Tool, text: str) -> None:
    parsed = parse_turn(text, [python])
    assert parsed is None or parsed.raw in text


@settings(deadline=None)
@given(st.text(), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_rendered_is_read(python: Tool, before: str, code: str) -> None:
    if "<" in before:
        return
    parsed = parse_turn(before + with_code(code), [python])
    assert isinstance(parsed, ToolCall)
    assert parsed.arguments == {"code": code}
    assert parsed.raw == with_code(code)
