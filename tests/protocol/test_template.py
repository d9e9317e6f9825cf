"""Chat templates: parity with transformers, and what is done for templates that can do less."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.errors import ModelError
from runtime.protocol import ChatTemplate, Message, Tool
from runtime.protocol.template import CHATML
from runtime.protocol.template_sandbox import CompiledTemplate

DATA = Path(__file__).parent.parent / "data"
GOLDEN = json.loads((DATA / "golden_chat.json").read_text(encoding="utf-8"))
TALK = [Message("system", "SYS"), Message("user", "ASK")]
TOOL_TALK = [*TALK, Message("assistant", "CALL"), Message("tool", "RESULT")]
Load = Callable[[str], ChatTemplate]


def name(case: dict[str, Any]) -> str:
    keys = ("template", "title", "tools", "thinking", "add_generation_prompt")
    return " ".join(str(case[key]) for key in keys)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=name)
def test_same_as_transformers(case: dict[str, Any], search: Tool) -> None:
    source = (DATA / "templates" / f"{case['template']}.jinja").read_text(encoding="utf-8")
    special = GOLDEN["special"][case["template"]]
    template = ChatTemplate(source, special.get("bos_token", ""), special["eos_token"])
    assert search.schema() == GOLDEN["tool"]
    rendered = template.render(
        [Message(role, content) for role, content in case["messages"]],
        [search] if case["tools"] else [],
        thinking=case["thinking"],
        add_generation_prompt=case["add_generation_prompt"],
    )
    assert rendered == case["rendered"]


@pytest.mark.parametrize(
    ("family", "supported"),
    [("qwen3", True), ("qwen2.5", True), ("smollm2", False), ("chatml", False),
     ("gemma2-style", False), ("gemma3-style", False), ("llama3.1-style", False)],
)  # fmt: skip
def test_tool_support_is_probed(load_template: Load, family: str, supported: bool) -> None:
    assert load_template(family).supports_tools is supported


@pytest.mark.parametrize(
    "family",
    ["qwen3", "qwen2.5", "smollm2", "chatml", "gemma2-style", "gemma3-style", "llama3.1-style"],
)
def test_every_model_sees_all_of_it(load_template: Load, family: str, search: Tool) -> None:
    rendered = load_template(family).render(TOOL_TALK, [search])
    places = [
        rendered.index(text)
        for text in (
            "SYS",
            "# Tools",
            json.dumps(search.schema(), ensure_ascii=False),
            '<tool_call>\n{"name": <function-name>',
            "ASK",
            "CALL",
            "<tool_response>\nRESULT\n</tool_response>",
        )
    ]
    assert places == sorted(places)


def test_builtin_chatml_writes_what_qwen_writes(load_template: Load, search: Tool) -> None:
    """A model that moves from one to the other sees the same conversation."""
    ours = load_template("chatml").render(TOOL_TALK, [search])
    assert ours == load_template("qwen2.5").render(TOOL_TALK, [search])


def test_system_is_folded_where_the_role_is_refused(load_template: Load) -> None:
    template = load_template("gemma2-style")
    assert template.render(TALK) == (
        "<bos><start_of_turn>user\nSYS\n\nASK<end_of_turn>\n<start_of_turn>model\n"
    )
    assert "user\nSYS<end_of_turn>" in template.render(TALK[:1])


def test_neighbours_are_merged_where_roles_must_alternate(load_template: Load) -> None:
    talk = [*TALK, Message("user", "MORE"), Message("assistant", "A"), Message("tool", "1")]
    rendered = load_template("gemma3-style").render([*talk, Message("tool", "2")])
    assert "ASK\n\nMORE" in rendered
    assert "</tool_response>\n\n<tool_response>\n2" in rendered


def test_a_refusal_is_one_line(load_template: Load) -> None:
    with pytest.raises(ModelError, match=r"^[^\n]*refuses[^\n]*alternate[^\n]*$"):
        load_template("gemma2-style").render([Message("assistant", "first")])


def test_thinking(load_template: Load) -> None:
    template = load_template("qwen3")
    off, on = (template.render(TALK, thinking=thinking) for thinking in (False, True))
    assert off == on + "<think>\n\n</think>\n\n"


def test_importing_the_protocol_is_light() -> None:
    program = (
        "import sys, runtime.protocol; print([m for m in ('jinja2', 'msgspec', 'llama_cpp', "
        "'numpy', 'asyncio', 'importlib.metadata') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=DATA.parents[1],
    )
    assert done.stdout == "[]\n"


def test_garbage_collection_does_not_spend_the_budget_of_a_template():
    """Collecting all that a trainer holds takes longer than a rendering may."""
    template, started = CompiledTemplate(CHATML), []
    variables = {"messages": [{"role": "user", "content": "hi"}] * 50}
    thresholds = gc.get_threshold()
    gc.callbacks.append(lambda phase, info: started.append(phase))
    gc.set_threshold(1, 1000, 1000)
    try:
        text = template.render(variables, 1000)
        inside = len(started)
        rest = [[n] for n in range(100)]
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.pop()
    assert text.count("hi") == 50
    assert len(started) > inside and len(rest) == 100  # it would have been collected here
    assert inside < 50  # what happens before and after the rendering itself
