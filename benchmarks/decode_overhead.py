"""What the agent costs on top of llama.cpp: its decode speed against a bare `llama_decode` loop.

Both evaluate the same tokens after the same prompt, one at a time, in turns (agent, bare, agent,
bare, ...). The agent also samples, checks tool calls against their schema, turns tokens into text
and yields events; the bare loop does nothing but `llama_decode`.

    python -m benchmarks.decode_overhead [--model NAME] [--rounds N]
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.report import Figure, median, show
from runtime import Agent
from runtime.engines.llama_bindings import llama
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.events import RunStarted, TurnFinished
from runtime.models import resolve_model

QUESTION = "Tell me how an engine works, at length."
TOKENS = 256


class BareLoop:
    """The fewest calls that evaluate tokens one by one."""

    def __init__(self, path: Path, n_ctx: int, n_threads: int) -> None:
        self._lib = lib = llama()
        self._model = lib.llama_model_load_from_file(
            os.fsencode(path), lib.llama_model_default_params()
        )
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_threads, params.n_threads_batch = n_ctx, n_threads, n_threads
        params.no_perf = True
        self._context = lib.llama_init_from_model(self._model, params)

    def tokens_per_s(self, prompt: list[int], tokens: list[int]) -> float:
        """Evaluate `prompt`, then `tokens` one at a time; the speed of the latter."""
        lib, context = self._lib, self._context
        lib.llama_memory_clear(lib.llama_get_memory(context), False)
        batch = (lib.llama_token * len(prompt))(*prompt)
        lib.llama_decode(context, lib.llama_batch_get_one(batch, len(prompt)))
        one = (lib.llama_token * 1)()
        started = time.perf_counter()
        for token in tokens:
            one[0] = token
            lib.llama_decode(context, lib.llama_batch_get_one(one, 1))
        return len(tokens) / (time.perf_counter() - started)


def agent_run(agent: Agent) -> tuple[list[int], list[int], float]:
    """Prompt ids, sampled ids and decode tokens/s of the first turn."""
    prompt: list[int] = []
    for event in agent.stream(QUESTION):
        if isinstance(event, RunStarted):
            prompt = event.prompt_ids
        elif isinstance(event, TurnFinished):
            sampled = event.sampled_ids
            return prompt, sampled, (len(sampled) - 1) / event.decode_s
    raise AssertionError("the run had no turn")


def measure(model: str | None = None, rounds: int = 7) -> list[Figure]:
    """Ratios agent / bare, greedy and at temperature 1; the median of the rounds."""
    path = resolve_model(model).path
    engine = LlamaCppEngine(path, n_ctx=1024)
    bare = BareLoop(path, engine.n_ctx, engine.n_threads)
    figures = []
    for name, temperature in (("greedy", 0.0), ("temperature 1", 1.0)):
        with Agent(engine=engine, max_tokens=TOKENS + 64, temperature=temperature) as agent:
            pairs = []
            for _ in range(rounds + 1):
                prompt, sampled, agent_speed = agent_run(agent)
                pairs.append((agent_speed, bare.tokens_per_s(prompt, sampled[:-1])))
        pairs = pairs[1:]  # the first round warms caches and clocks up
        ratio = median([agent_speed / bare_speed for agent_speed, bare_speed in pairs])
        speeds = " against ".join(f"{median(column):.0f}" for column in zip(*pairs, strict=True))
        figures.append(
            Figure(
                f"agent decode speed / bare llama_decode, {name}",
                ratio,
                "x",
                "0.97 or more",
                ratio >= 0.97,
                f"{speeds} tokens/s, {len(sampled)} tokens, {rounds} rounds",
            )
        )
    engine.close()
    return figures


def main(
    model: Annotated[str | None, typer.Option(help="GGUF or registry name.")] = None,
    rounds: Annotated[int, typer.Option(help="Pairs to time.", min=1)] = 7,
) -> None:
    show("Decode overhead of the agent", measure(model, rounds))


if __name__ == "__main__":
    typer.run(main)
