"""The page's JavaScript reads and says what the runtime's Python does, case by case."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.gguf import export_gguf
from export.web.bundle import PAGE
from export.web.describe import describe_model, describe_protocol
from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.llama_sampler import Sampler
from runtime.protocol import (
    PROTOCOL_VERSION,
    Malformed,
    RepeatGuard,
    Tool,
    ToolCall,
    extract_answer,
    parse_turn,
)
from runtime.protocol.encoding import show_tags
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool
from runtime.tools.outcome import shorten

TEACHER = Path(__file__).parents[2] / "train/nano/teacher"
SCRIPT = Path(__file__).with_name("web_protocol.mjs")

CALL = '<tool_call>\n{"name": "code_interpreter", "arguments": {"code": "print(1)"}}\n</tool_call>'
TURNS = [
    CALL,
    f"First. {CALL}",
    f"{CALL}{CALL}",
    f"{CALL} Done.",
    f"<think>a {CALL} b</think>{CALL}",
    f"<think>never ends {CALL}",
    f"</think>{CALL}",
    "</tool_call>",
    "<tool_call>",
    "<tool_call>\n{} extra\n</tool_call>",
    '<tool_call>{"name": "nobody", "arguments": {}}</tool_call>',
    '<tool_call>{"name": "it\'s \\"q\\"\\n\\u0007é", "arguments": {}}</tool_call>',
    '<tool_call>{"name": 1, "arguments": {}}</tool_call>',
    '<tool_call>{"name": "code_interpreter", "arguments": []}</tool_call>',
    '<tool_call>{"arguments,name": 1}</tool_call>',
    '<tool_call>{"name": "a", "arguments": {}, "x": 1}</tool_call>',
    "<tool_call>" + "[" * 5000 + "</tool_call>",
    CALL.replace("print(1)", "print('</tool_call>')"),
    CALL.replace("print(1)", "\\ud83d\\ude00"),
    CALL.replace("print(1)", "\\ud83d"),
    *(
        f'<tool_call>{{"name": "code_interpreter", "arguments": {arguments}}}</tool_call>'
        for arguments in (
            "{}",
            '{"code": 1}',
            '{"code": 1.0}',
            '{"code": 1e3}',
            '{"code": true}',
            '{"code": null}',
            '{"code": [1]}',
            '{"code": {}}',
            '{"x": 1}',
            '{"code": "a", "x": 1}',
            '{"code": "a", "code": 2}',
            '{"__proto__": "a"}',
            '{"code": NaN}',
            '{"code": -Infinity}',
            '{"code": 01}',
            '{"code": "\\x"}',
            '{"code": "\\u12g4"}',
            '{"code": "a\tb"}',
            '{"code" 1}',
            '{"code": }',
            "{code: 1}",
            '{"é": "\\q"}',
        )
    ),
    "\\boxed{4}",
    "\\boxed {\\frac{1}{2}} and \\boxed{ $5$ }",
    "\\boxed{$$}",
    "\\boxed{a",
    "\\boxed{\\}}",
    "<think>\\boxed{1}</think>\\boxed{2}" + CALL,
    "\\boxed{3}<think>\\boxed{1}",
    "\\boxed{\u00a0\x1c7\u3000}",
    "<tools>< /tool_call></tool_response>",
]
FRAGMENTS = [
    "<tool_call>",
    "</tool_call>",
    "<think>",
    "</think>",
    '{"name": "code_interpreter", "arguments": {"code": "1"}}',
    '{"name": ',
    '"code_interpreter"',
    ', "arguments": ',
    '{"code": "a\\nb"}',
    "}",
    "{",
    '"',
    "\\",
    "\\u00e9",
    "\\boxed{",
    "$",
    "\n",
    " ",
    "é😀",
    "[1, 2.5, -3e2]",
    "null",
    ",",
    ":",
]


@pytest.fixture(scope="module")
def tools() -> list[Tool]:
    with Sandbox() as sandbox:
        return [code_interpreter_tool(sandbox)]


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_gguf(TEACHER, tmp_path_factory.mktemp("nano") / "nano-f16.gguf", type="f16")


@pytest.fixture(scope="module")
def nano_engine(nano: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(nano, n_ctx=256, n_threads=1)
    yield engine
    engine.close()


def _ask(**questions: Any) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js, which runs the page's code here")
    defaults = {"turns": [], "shortened": [], "walks": [], "pieces": []}
    question = {
        **defaults,
        **questions,
        "pages": (PAGE / "src").as_uri(),
        "protocol": describe_protocol(),
    }
    done = subprocess.run(
        [node, SCRIPT], input=json.dumps(question), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _expected(text: str, tools: list[Tool]) -> dict[str, Any]:
    call = parse_turn(text, tools)
    shown: dict[str, Any] | None = None
    if isinstance(call, ToolCall):
        shown = {"name": call.name, "arguments": call.arguments, "raw": call.raw}
    elif isinstance(call, Malformed):
        shown = {"reason": call.reason.value, "message": call.message, "raw": call.raw}
    return {"call": shown, "answer": extract_answer(text), "tags": show_tags(text)}


def _random_turns(count: int) -> list[str]:
    rng = random.Random(4)
    return ["".join(rng.choices(FRAGMENTS, k=rng.randint(1, 12))) for _ in range(count)]


def test_turns_are_read_alike(tools):
    turns = TURNS + _random_turns(3000)
    if sys.version_info >= (3, 13):  # which words the error of a trailing comma anew
        turns = [turn for turn in turns if ",}" not in turn.replace(" ", "").replace("\n", "")]
    for text, got in zip(turns, _ask(turns=turns)["turns"], strict=True):
        assert got == _expected(text, tools), text


def test_version_texts_and_repeats():
    long = ["", "short", "a" * 100, "é😀" * 80, "x" * 61 + "\n" * 9]
    answer = _ask(shortened=[[text, 60] for text in long])
    assert answer["version"] == PROTOCOL_VERSION
    assert answer["shortened"] == [shorten(text, 60) for text in long]
    guard, call, refused = RepeatGuard(), ToolCall("t", {"a": "1"}, ""), []
    for result in "xxxxy":
        refused.append(guard.check(call) is not None)
        if not refused[-1]:
            guard.record(call, result)
    assert answer["guarded"] == refused


@pytest.mark.parametrize("kind", ["call", "opened_call", "no_call"])
def test_grammars_allow_what_llama_cpp_allows(nano_engine, kind):
    """At every step of walks through a grammar, each token of the vocabulary."""
    tokenizer, rng = nano_engine.tokenizer, random.Random(1)
    grammar = describe_protocol()["grammars"][kind]
    pieces = [tokenizer.piece(token) for token in range(tokenizer.n_vocab)]
    body = '{"name": "code_interpreter", "arguments": {"code": "a = \\"\\u00e9\\" é😀\\n"}}'
    starts = {"call": "So <tool_<tool_call>\n", "opened_call": "", "no_call": "<tool_cal"}
    walks, expected = [], []
    for written in (starts[kind] + body + "\n</tool_call>", starts[kind], "<<tool_call"):
        script = tokenizer.encode(written, special=False)
        tokens, steps = _walk(nano_engine, grammar, script, rng)
        walks.append({"grammar": grammar, "tokens": tokens})
        expected.append(steps)
    written_out = [b"" if tokenizer.is_eog(t) else piece for t, piece in enumerate(pieces)]
    answer = _ask(walks=walks, pieces=[piece.hex() for piece in written_out])["walks"]
    assert sum(len(steps) for steps in expected) > 60
    for walk, got, want in zip(walks, answer, expected, strict=True):
        for number, (ours, theirs) in enumerate(zip(got, want, strict=True)):
            differ = {pieces[token] for token in {*ours["tokens"]} ^ {*theirs["tokens"]}}
            before = b"".join(pieces[token] for token in walk["tokens"][:number])
            assert (differ, ours["complete"]) == (set(), theirs["complete"]), before


def _walk(
    engine: LlamaCppEngine, grammar: str, script: list[int], rng: random.Random
) -> tuple[list[int], list[dict[str, Any]]]:
    """Follow `script` while it is allowed, then draw; what is allowed at each step."""
    tokenizer = engine.tokenizer
    plain = [t for t in range(tokenizer.n_vocab) if not tokenizer.is_eog(t)]
    eog = next(t for t in range(tokenizer.n_vocab) if tokenizer.is_eog(t))
    sampler = Sampler(engine._vocab, Sampling(), grammar)
    tokens: list[int] = []
    steps = []
    try:
        while True:
            allowed = [t for t in plain if tokenizer.piece(t) and sampler.allows(t)]
            ended = sampler.allows(eog)
            pieces = [t for t in range(tokenizer.n_vocab) if t in set(allowed)]
            steps.append({"complete": ended, "tokens": pieces})
            if not allowed or len(tokens) >= 50:
                return tokens, steps
            scripted = script[len(tokens)] if len(tokens) < len(script) else None
            token = scripted if scripted in allowed else rng.choice(allowed)
            engine._lib.llama_sampler_accept(sampler._grammar, token)
            tokens.append(token)
    finally:
        sampler.close()


def test_the_model_card_says_what_the_tokenizer_says(nano, nano_engine):
    card = describe_model(nano)
    tokenizer = nano_engine.tokenizer
    assert set(card["special_texts"]) == tokenizer.special_texts()
    assert (card["bos_text"], card["eos_text"]) == (tokenizer.bos_text, tokenizer.eos_text)
    assert card["bytes"] == nano.stat().st_size
    assert card["quantisation"] == "F16" and card["context"] <= 4096


def test_the_page_gets_the_runtimes_own_files():
    files = describe_protocol()["sandbox_files"]
    root = Path(__file__).parents[2]
    assert files["runtime/sandbox/program.py"] == (root / "runtime/sandbox/program.py").read_text()
