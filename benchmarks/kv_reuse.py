"""Tokens evaluated over tokens in context, for a conversation of ten turns and more with tools.

1.0 means that each token went through the network once. Without KV reuse every turn would
evaluate the whole transcript again; that figure is given beside it.

    python -m benchmarks.kv_reuse [--model NAME]
"""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.report import Figure, show
from runtime import Agent
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.events import Nudged, RunFinished, RunStarted, ToolReturned, TurnFinished, TurnStarted
from runtime.models import resolve_model

QUESTIONS = [f"Use Python to print {n} * {n + 7}." for n in range(11, 19)]
TURNS = 10


def measure(model: str | None = None) -> list[Figure]:
    """Goes on asking in one conversation until it has `TURNS` turns."""
    evaluated = length = naive = turns = 0
    engine = LlamaCppEngine(resolve_model(model).path)  # without the prefix cache on disk
    with Agent(engine=engine, tool_choice="required", max_turns=3, max_tokens=220) as agent:
        for number, question in enumerate(QUESTIONS):
            for event in agent.stream(question, follow_up=number > 0):
                if isinstance(event, RunStarted):
                    length = len(event.prompt_ids)
                elif isinstance(event, TurnStarted):
                    length += len(event.forced_ids)
                    naive += length
                elif isinstance(event, TurnFinished):
                    length += len(event.sampled_ids)
                    naive += len(event.sampled_ids)
                    turns += 1
                elif isinstance(event, (ToolReturned, Nudged)):
                    length += len(event.appended_ids)
                elif isinstance(event, RunFinished):
                    evaluated += event.record.tokens.evaluated
            if turns >= TURNS:
                break
    engine.close()
    ratio = evaluated / length
    return [
        Figure(
            f"tokens evaluated / tokens in context, {turns} turns",
            ratio,
            "x",
            "1.0 times",
            ratio <= 1.005,
            f"{evaluated} of {length} tokens; without reuse {naive / length:.1f} times",
        )
    ]


def main(model: Annotated[str | None, typer.Option(help="GGUF or registry name.")] = None) -> None:
    show("KV reuse over turns", measure(model))


if __name__ == "__main__":
    typer.run(main)
