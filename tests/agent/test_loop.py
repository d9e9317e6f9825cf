"""The loop's decisions: every stop reason, every kind of bad call, what the model gets to read."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from runtime import Agent, tool
from runtime.errors import EngineError, UsageError
from runtime.events import RunFinished, ToolCalled, ToolReturned, TurnStarted
from runtime.record import StopReason
from tests.agent.scripted import EOT, ScriptedEngine


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: One number.
        b: The other.
    """
    return a + b


@tool
def fail(why: str) -> str:
    """Always fails."""
    raise RuntimeError(why)


def call(arguments: str, name: str = "add") -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def run(engine, *replies: str, tools=(add, fail), n_ctx: int = 4096, **settings):
    scripted = ScriptedEngine(engine.tokenizer, engine.chat_template, replies, n_ctx)
    agent = Agent(tools=tools, engine=scripted, **settings)
    return agent.run("What is 2 + 3?"), scripted


def test_a_call_its_result_and_the_answer(engine):
    record, scripted = run(engine, call('{"a": 2, "b": 3}') + EOT, "So \\boxed{5}" + EOT)
    assert (record.answer, record.stop_reason) == ("5", StopReason.ANSWERED)
    assert [turn.tool for turn in record.turns] == ["add", None]
    assert record.turns[0].result == "5"
    assert record.turns[0].error is None
    second, _ = scripted.requests[1]
    text = b"".join(map(engine.tokenizer.piece, second)).decode()
    assert text.endswith(
        "</tool_call><|im_end|>\n<|im_start|>user\n<tool_response>\n5\n</tool_response>"
        "<|im_end|>\n<|im_start|>assistant\n"
    )


def test_each_request_is_a_prefix_of_the_next(engine):
    replies = [call(f'{{"a": {i}}}') + (EOT if i % 2 else "") for i in range(6)]
    _, scripted = run(engine, *replies, "\\boxed{6}" + EOT)
    requests = [ids for ids, _ in scripted.requests]
    assert len(requests) == 7
    for shorter, longer in pairwise(requests):
        assert longer[: len(shorter)] == shorter


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        ("<tool_call>\n{not json}\n</tool_call>", "bad_json", "not valid JSON"),
        (call("{}", name="rm"), "unknown_tool", "Available: add, fail"),
        (call('{"a": "two"}'), "bad_arguments", "int"),
        (call('{"a": 1}') + "\n" + call('{"a": 2}'), "several_calls", "nothing was run"),
        ('<tool_call>\n{"name": "add", "argu', "cut_off", "cut off"),
        (call('{"why": "it broke"}', name="fail"), "tool_error", "RuntimeError: it broke"),
        (call('{"a": 1}') + " So it is 2.", "text_after_call", "Write nothing after a call"),
        ("Let me see. " + call('{"a": 1}'), None, "2"),
    ],
)
def test_what_the_model_reads_about_its_call(engine, reply, error, message):
    record, _ = run(engine, reply + EOT, "\\boxed{0}" + EOT)
    turn = record.turns[0]
    assert turn.error == error
    assert message in turn.result
    assert len(turn.result) < 200
    assert turn.text == reply  # the raw text is kept
    assert record.stop_reason is StopReason.ANSWERED


def test_the_same_call_with_the_same_result_is_refused_the_fourth_time(engine):
    replies = [call('{"a": 1}') + EOT] * 5 + ["\\boxed{2}" + EOT]
    record, _ = run(engine, *replies)
    assert [turn.error for turn in record.turns[:5]] == [None] * 3 + ["repeated_call"] * 2
    assert record.answer == "2"


def test_the_answer_is_forced_when_the_turns_are_spent(engine):
    replies = [call('{"a": 1}') + EOT, call('{"a": 2}') + EOT, "I think so" + EOT, "7}"]
    record, scripted = run(engine, *replies, max_turns=3)
    assert (record.answer, record.stop_reason) == ("7", StopReason.MAX_TURNS)
    assert record.turns[-1].forced
    constraints = [constraint for _, constraint in scripted.requests]
    assert [c.schema is None for c in constraints] == [False, False, True, True]
    assert (
        "No more tool calls"
        in b"".join(map(engine.tokenizer.piece, scripted.requests[2][0])).decode()
    )


def test_the_answer_is_forced_when_the_model_just_talks(engine):
    record, _ = run(engine, "It is five." + EOT, "5}")
    assert (record.answer, record.stop_reason) == ("5", StopReason.END_OF_TURN)


def test_no_answer_even_when_forced(engine):
    record, _ = run(engine, "Who knows." + EOT, EOT)
    assert (record.answer, record.stop_reason) == (None, StopReason.END_OF_TURN)


def test_a_spent_token_budget(engine):
    record, _ = run(engine, "so " * 500, "1}", max_tokens=200)
    assert (record.answer, record.stop_reason) == ("1", StopReason.MAX_TOKENS)
    assert record.tokens.generated <= 200


def test_a_full_window_drops_nothing(engine):
    @tool
    def flood() -> str:
        """Return a lot."""
        return "word " * 2000

    record, scripted = run(engine, call("{}", "flood") + EOT, "3}", tools=(flood,), n_ctx=600)
    assert (record.answer, record.stop_reason) == ("3", StopReason.CONTEXT_FULL)
    first, last = scripted.requests[0][0], scripted.requests[-1][0]
    assert last[: len(first)] == first  # the tools and the problem are still there
    assert len(last) < 600
    record, _ = run(engine, "so " * 3000, "4}", n_ctx=600)
    assert (record.answer, record.stop_reason) == ("4", StopReason.CONTEXT_FULL)


def test_ctrl_c_in_a_tool_keeps_what_there_is(engine):
    @tool
    def hang() -> str:
        """Wait for Ctrl-C."""
        raise KeyboardInterrupt

    record, _ = run(engine, call("{}", "hang") + EOT, tools=(hang,))
    assert record.stop_reason is StopReason.INTERRUPTED
    assert record.answer is None
    assert record.turns[0].tool == "hang"


def test_an_engine_failure_ends_the_run_and_is_reported(engine):
    class Broken(ScriptedEngine):
        def generate(self, ids, **kwargs):
            if len(self.requests) == 1:
                raise EngineError("out of memory")
            return super().generate(ids, **kwargs)

    broken = Broken(engine.tokenizer, engine.chat_template, [call('{"a": 1}') + EOT])
    record = Agent(tools=[add], engine=broken).run("1 + 1?")
    assert record.stop_reason is StopReason.ENGINE_ERROR
    assert record.message == "out of memory"
    assert record.turns[0].result == "2"
    assert record.to_dict()["message"] == "out of memory"


def test_tool_choice(engine):
    opened = call('{"a": 1}').removeprefix("<tool_call>\n")
    record, scripted = run(engine, opened, "\\boxed{2}" + EOT, tool_choice="required")
    assert (record.turns[0].tool, record.answer) == ("add", "2")
    ids, constraint = scripted.requests[0]
    assert constraint.opened
    assert b"".join(map(engine.tokenizer.piece, ids)).endswith(b"<tool_call>\n")
    record, scripted = run(engine, "\\boxed{5}" + EOT, tool_choice="none")
    ids, constraint = scripted.requests[0]
    assert constraint is None
    assert b"tool" not in b"".join(map(engine.tokenizer.piece, ids))
    assert record.answer == "5"
    _, scripted = run(engine, "\\boxed{5}" + EOT, grammar=False)
    assert scripted.requests[0][1] is None


def test_a_follow_up_goes_on_from_the_same_tokens(engine):
    replies = ["\\boxed{5}" + EOT, "\\boxed{10}" + EOT, "\\boxed{1}" + EOT]
    scripted = ScriptedEngine(engine.tokenizer, engine.chat_template, replies)
    agent = Agent(tools=[add], engine=scripted)
    assert agent.run("2 + 3?").answer == "5"
    assert agent.run("Twice that?", follow_up=True).answer == "10"
    first, second = (ids for ids, _ in scripted.requests)
    assert second[: len(first)] == first
    agent.run("Something new")
    assert len(scripted.requests[2][0]) < len(second)


def test_events_tell_the_story_in_order(engine):
    replies = [call('{"a": 2, "b": 3}') + EOT, "\\boxed{5}" + EOT]
    scripted = ScriptedEngine(engine.tokenizer, engine.chat_template, replies)
    events = list(Agent(tools=[add], engine=scripted).stream("2 + 3?"))
    kinds = [event.kind for event in events if event.kind != "text"]
    turn = ["turn", "turn_end"]
    assert kinds == ["run", *turn, "tool_call", "tool_result", *turn, "end"]
    texts = [event.text for event in events if event.kind == "text" and event.turn == 1]
    assert "".join(texts) == call('{"a": 2, "b": 3}')
    assert [e.turn for e in events if isinstance(e, TurnStarted)] == [1, 2]
    assert next(e for e in events if isinstance(e, ToolCalled)).arguments == {"a": 2, "b": 3}
    assert next(e for e in events if isinstance(e, ToolReturned)).result == "5"
    assert isinstance(events[-1], RunFinished)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_turns": 0}, "max_turns"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"temprature": 1.0}, "temprature"),
    ],
)
def test_bad_settings_are_one_line(engine, settings, message):
    with pytest.raises(UsageError, match=message) as error:
        run(engine, **settings)
    assert "\n" not in str(error.value)


def test_bad_tools_and_questions_are_one_line(engine):
    with pytest.raises(UsageError, match="two tools are called 'add'"):
        run(engine, tools=(add, add))
    with pytest.raises(UsageError, match="@tool"):
        run(engine, tools=(print,))
    with pytest.raises(UsageError, match="empty"):
        Agent(tools=[add], engine=engine).run("  ")


def test_a_turn_end_that_is_written_out_ends_the_turn(engine):
    """As by a model whose vocabulary has no `<|im_end|>` token."""

    class Spelling(ScriptedEngine):
        def generate(self, ids, **kwargs):
            generation = super().generate(ids, **kwargs)
            text = scripts.pop(0)
            generation._ids = iter(self.tokenizer.encode(text, special=False))
            return generation

    scripts = [call('{"a": 2}') + "<|im_end|>\n<|im_start|>user\nNext", "\\boxed{3}<|im_end|>\nno"]
    spelling = Spelling(engine.tokenizer, engine.chat_template, ["", ""])
    record = Agent(tools=[add], engine=spelling).run("2 + 1?")
    assert (record.turns[0].tool, record.turns[0].text) == ("add", call('{"a": 2}'))
    assert record.answer == "3"
    prompt = b"".join(map(engine.tokenizer.piece, spelling.requests[1][0])).decode()
    assert prompt.count("<|im_end|>\n<|im_start|>user") == 2
    assert "Next" not in prompt


def test_a_forced_answer_may_end_without_its_brace(engine):
    record, _ = run(engine, "It is five." + EOT, "5" + EOT)
    assert record.answer == "5"
    record, _ = run(engine, "Nested." + EOT, "\\frac{1}{2}}. And so on}")
    assert record.answer == "\\frac{1}{2}"


@pytest.mark.parametrize("budget", [1, 2, 3, 64, 65, 100, 128, 200])
def test_the_token_budget_is_never_exceeded(engine, budget):
    record, _ = run(engine, "so " * 500, "9}" + " and" * 100, max_tokens=budget)
    assert record.tokens.generated <= budget
    assert record.stop_reason is StopReason.MAX_TOKENS
    assert record.answer == ("9" if budget >= 4 else None)


def test_the_worked_example_is_shown_only_with_a_required_call(engine, model):
    def prompt_of(**settings):
        scripted = ScriptedEngine(engine.tokenizer, engine.chat_template, ["\\boxed{1}" + EOT] * 3)
        with Agent(engine=scripted, **settings) as agent:
            agent.run("1?")
        return b"".join(map(engine.tokenizer.piece, scripted.requests[0][0])).decode()

    assert "408" in prompt_of(example=True)
    assert "408" not in prompt_of()
    for choice, shown in (("auto", False), ("required", True), ("none", False)):
        with Agent(model, tool_choice=choice, n_ctx=512) as agent:
            assert agent.settings.example is shown


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, "null"),
        ((1, "ä"), '[1, "ä"]'),
        ("\ud800", "?"),
        ("x" * 10**6, "characters left out"),
        ({(1, 2): 3}, "TypeError"),
        (float("nan"), "NaN"),
    ],
)
def test_whatever_a_tool_returns_can_be_read(engine, value, result):
    @tool
    def give() -> str:
        """Give something."""
        return value

    record, _ = run(engine, call("{}", "give") + EOT, "\\boxed{1}" + EOT, tools=(give,))
    assert result in record.turns[0].result
    assert len(record.turns[0].result) < 2200
    json.dumps(record.to_dict()).encode()


@pytest.mark.parametrize("error", [SystemExit(3), RecursionError(), ValueError("x" * 10**6)])
def test_a_tool_that_fails_badly_is_only_a_result(engine, error):
    @tool
    def give() -> str:
        """Fail."""
        raise error

    record, _ = run(engine, call("{}", "give") + EOT, "\\boxed{1}" + EOT, tools=(give,))
    assert record.turns[0].error == "tool_error"
    assert type(error).__name__ in record.turns[0].result
    assert (len(record.turns[0].result) < 2200, record.answer) == (True, "1")


def test_an_agent_that_cannot_work_says_why(engine, model):
    with pytest.raises(UsageError, match="no tool"):
        Agent(tools=[], engine=engine, tool_choice="required")
    with pytest.raises(UsageError, match="open engine"):
        Agent(engine=engine, lora="x.gguf")
    with pytest.raises(UsageError, match="resolve_model"):
        Agent(model, lora="x.gguf")
    agent = Agent(tools=(each for each in [add]), engine=engine)
    assert agent.tools == [add]
    with pytest.raises(UsageError, match="must be a text"):
        agent.run(5)
    agent.close()
    with pytest.raises(UsageError, match="closed"):
        agent.run("2?")


def test_an_empty_system_prompt_is_kept_empty(engine):
    _, scripted = run(engine, "\\boxed{1}" + EOT, system="", tool_choice="none")
    text = b"".join(map(engine.tokenizer.piece, scripted.requests[0][0])).decode()
    assert "Solve the problem" not in text


def test_streams_that_are_not_read_leave_no_trace(engine):
    scripted = ScriptedEngine(engine.tokenizer, engine.chat_template, ["\\boxed{1}" + EOT] * 2)
    agent = Agent(tools=[add], engine=scripted)
    agent.run("1?")
    size = len(agent._transcript.ids)
    agent.stream("x", follow_up=True)
    assert len(agent._transcript.ids) == size
