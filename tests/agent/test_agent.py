"""The whole agent on the real model: a real call, real counters, a trace that can be replayed."""

from __future__ import annotations

import json

import pytest

from runtime import Agent, tool
from runtime.engines.base import Constraint, Sampling
from runtime.events import Nudged, RunStarted, ToolReturned, TurnFinished, TurnStarted
from runtime.protocol import TOOL_CALL_CLOSE, TOOL_CALL_OPEN, calls_schema
from runtime.record import StopReason


@tool
def double(number: int) -> int:
    """Double a number.

    Args:
        number: What to double.
    """
    return 2 * number


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_trace_holds_every_token_and_replays(engine, temperature):
    """The events alone rebuild each prompt; engine and seeds then sample the same tokens."""
    agent = Agent(
        tools=[double],
        engine=engine,
        tool_choice="required",
        temperature=temperature,
        seed=11,
        max_tokens=160,
        max_turns=4,
    )
    events = list(agent.stream("Double 21."))
    assert any(isinstance(event, ToolReturned) and event.error is None for event in events)
    trace = [json.loads(json.dumps(event.to_dict())) for event in events if event.kind != "text"]
    schema = calls_schema([double])
    ids: list[int] = []
    replayed = 0
    for row in trace:
        if row["event"] == RunStarted.kind:
            ids = list(row["prompt_ids"])
        elif row["event"] in (ToolReturned.kind, Nudged.kind):
            ids += row["appended_ids"]
        elif row["event"] == TurnStarted.kind:
            seed, opened = row["seed"], bool(row["forced_ids"])
            ids += row["forced_ids"]
        elif row["event"] == TurnFinished.kind:
            if row["turn"] == 1:
                constraint = Constraint(TOOL_CALL_OPEN, TOOL_CALL_CLOSE, schema, opened=opened)
                again = engine.generate(
                    ids,
                    max_tokens=len(row["sampled_ids"]),
                    sampling=Sampling(temperature, seed=seed),
                    constraint=constraint,
                )
                assert list(again) == row["sampled_ids"]
                replayed += 1
            ids += row["sampled_ids"]
    assert replayed == 1
    assert ids == agent._transcript.ids


def test_the_record_counts_each_token_once(engine):
    agent = Agent(tools=[double], engine=engine, tool_choice="required", max_tokens=200)
    record = agent.run("What is twice 300?")
    transcript = agent._transcript
    assert record.turns[0].tool == "double"
    assert record.turns[0].result == str(2 * record.turns[0].arguments["number"])
    tokens = record.tokens
    assert tokens.generated == sum(transcript.sampled)
    assert tokens.evaluated <= len(transcript.ids)  # each token once, the last one not at all
    again = agent.run("What is twice 300?")
    assert [turn.text for turn in again.turns] == [turn.text for turn in record.turns]
    assert again.tokens.reused > again.tokens.prompt // 2  # tools and system were in the cache
    row = record.to_dict()
    json.dumps(row)
    assert set(row) == {
        *("answer", "stop_reason", "model", "engine", "turns", "tokens", "timings"),
        "peak_rss_mb",
    }
    assert set(row["timings"]) == {
        *("load_s", "ttft_s", "prefill_tokens_per_s", "decode_tokens_per_s", "tool_s", "total_s"),
    }
    assert row["peak_rss_mb"] > 50


def test_the_default_agent_runs_real_code_in_the_real_sandbox(engine):
    with Agent(engine=engine, tool_choice="required", example=True) as agent:
        record = agent.run("What is 17 * 23?")
    turn = record.turns[0]
    assert (turn.tool, turn.error) == ("code_interpreter", None)
    assert "17 * 23" in turn.arguments["code"]
    assert turn.result == "391"
    assert (record.answer, record.stop_reason) == ("391", StopReason.ANSWERED)
