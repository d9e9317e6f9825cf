"""What our engines and the agent cost on top of the bare library: llama.cpp or ONNX Runtime.

Decoding: agent and bare loop evaluate the same tokens after the same prompt, one at a time, in
turns (agent, bare, agent, bare, ...). The agent also samples, checks tool calls against their
schema, turns tokens into text and yields events; the bare loop does nothing but evaluate, with
`llama_decode` or, for a folder of `python -m export.onnx`, with onnxruntime-genai's generator.
Prefill: the engine and the bare loop evaluate the same 512 tokens.

    python -m benchmarks.decode_overhead [--model NAME] [--rounds N]
"""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from benchmarks.report import Figure, median, show
from runtime import Agent
from runtime.engines import open_engine
from runtime.engines.base import Engine, Sampling
from runtime.engines.llama_bindings import llama
from runtime.events import RunStarted, TurnFinished
from runtime.models import resolve_model

QUESTION = "Tell me how an engine works, at length."
TOKENS = 256
PREFILL = 512


class Bare(Protocol):
    """The fewest calls that evaluate a prompt and then tokens one by one."""

    name: str

    def tokens_per_s(self, prompt: list[int], tokens: list[int]) -> tuple[float, float]:
        """The speeds of evaluating `prompt` in one go, and `tokens` after it one at a time."""
        ...


class BareLlama:
    """`llama_decode` alone."""

    name = "llama_decode"

    def __init__(self, path: Path, n_ctx: int, n_threads: int) -> None:
        self._lib = lib = llama()
        self._model = lib.llama_model_load_from_file(
            os.fsencode(path), lib.llama_model_default_params()
        )
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_threads, params.n_threads_batch = n_ctx, n_threads, n_threads
        params.no_perf = True
        self._context = lib.llama_init_from_model(self._model, params)

    def tokens_per_s(self, prompt: list[int], tokens: list[int]) -> tuple[float, float]:
        lib, context = self._lib, self._context
        lib.llama_memory_clear(lib.llama_get_memory(context), False)
        batch = (lib.llama_token * len(prompt))(*prompt)
        started = time.perf_counter()
        lib.llama_decode(context, lib.llama_batch_get_one(batch, len(prompt)))
        lib.llama_synchronize(context)
        prefilled = time.perf_counter()
        one = (lib.llama_token * 1)()
        for token in tokens:
            one[0] = token
            lib.llama_decode(context, lib.llama_batch_get_one(one, 1))
        ended = time.perf_counter()
        return len(prompt) / (prefilled - started), len(tokens) / (ended - prefilled)


class BareGenai:
    """onnxruntime-genai's generator alone, given the tokens instead of choosing them."""

    name = "onnxruntime-genai"

    def __init__(self, path: Path, n_ctx: int, n_threads: int) -> None:
        import onnxruntime_genai

        self._genai: Any = onnxruntime_genai
        config = self._genai.Config(str(path))
        threads = {"session_options": {"intra_op_num_threads": n_threads}}
        config.overlay(json.dumps({"model": {"decoder": threads}}))
        self._model = self._genai.Model(config)
        self._n_ctx = n_ctx

    def tokens_per_s(self, prompt: list[int], tokens: list[int]) -> tuple[float, float]:
        params = self._genai.GeneratorParams(self._model)
        params.set_search_options(max_length=self._n_ctx, do_sample=False)
        generator = self._genai.Generator(self._model, params)
        started = time.perf_counter()
        generator.append_tokens(prompt)
        prefilled = time.perf_counter()
        for token in tokens:
            generator.append_tokens([token])
        ended = time.perf_counter()
        return len(prompt) / (prefilled - started), len(tokens) / (ended - prefilled)


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
    """Ratios ours / bare: decoding greedily and at temperature 1, and prefill; medians."""
    found = resolve_model(model)
    engine = open_engine(found.engine_for(None), found.path, n_ctx=1024)
    n_threads: int = engine.n_threads  # type: ignore[attr-defined]  # of every engine in process
    kind = BareGenai if engine.name == "onnx" else BareLlama
    bare: Bare = kind(found.path, engine.n_ctx, n_threads)
    figures = []
    for name, temperature in (("greedy", 0.0), ("temperature 1", 1.0)):
        with Agent(engine=engine, max_tokens=TOKENS + 64, temperature=temperature) as agent:
            pairs = []
            for _ in range(rounds + 1):
                prompt, sampled, agent_speed = agent_run(agent)
                pairs.append((agent_speed, bare.tokens_per_s(prompt, sampled[:-1])[1]))
        what = f"agent decode speed / bare {bare.name}, {name}"
        figures.append(_figure(what, pairs, f"{len(sampled)} tokens", aim=0.97))
    pairs = []
    for number in range(rounds + 1):
        prompt = _random_prompt(engine, number)
        pairs.append((engine_prefill(engine, prompt), bare.tokens_per_s(prompt, [])[0]))
    figures.append(_figure(f"engine prefill speed / bare {bare.name}", pairs, f"{PREFILL} tokens"))
    engine.close()
    return figures


def engine_prefill(engine: Engine, prompt: list[int]) -> float:
    """Tokens/s of evaluating `prompt`, of which nothing is in the cache."""
    generation = engine.generate(prompt, max_tokens=1, sampling=Sampling())
    list(generation)
    return generation.stats.prefilled / generation.stats.prefill_s


def _random_prompt(engine: Engine, number: int) -> list[int]:
    rng = random.Random(number)
    words = [engine.tokenizer.encode(chr(97 + number), special=False)[0]]  # a beginning of its own
    vocabulary = engine.tokenizer.encode("".join(map(chr, range(33, 127))), special=False)
    return words + rng.choices(vocabulary, k=PREFILL - 1)


def _figure(
    name: str, pairs: list[tuple[float, float]], detail: str, aim: float | None = None
) -> Figure:
    pairs = pairs[1:]  # the first round warms caches and clocks up
    ratio = median([ours / bare for ours, bare in pairs])
    speeds = " against ".join(f"{median(column):.0f}" for column in zip(*pairs, strict=True))
    return Figure(
        name,
        ratio,
        "x",
        "" if aim is None else f"{aim} or more",
        None if aim is None else ratio >= aim,
        f"{speeds} tokens/s, {detail}, {len(pairs)} rounds",
    )


def main(
    model: Annotated[str | None, typer.Option(help="GGUF, ONNX folder or registry name.")] = None,
    rounds: Annotated[int, typer.Option(help="Pairs to time.", min=1)] = 7,
) -> None:
    show("What engine and agent cost", measure(model, rounds))


if __name__ == "__main__":
    typer.run(main)
