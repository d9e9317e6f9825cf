"""`python -m benchmarks.accuracy --problems FILE.jsonl`: what a model solves on this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.accuracy.ask import Plan, ask, setup
from benchmarks.accuracy.report import progress, show
from benchmarks.accuracy.store import AccuracyError, Samples
from benchmarks.accuracy.summary import summarise
from benchmarks.grading import same_answer
from benchmarks.problems import Problem, load_problems
from benchmarks.report import machine
from runtime import entry
from runtime.cli import interrupt
from runtime.errors import UsageError
from runtime.models import StderrProgress, resolve_model
from runtime.sandbox import Sandbox
from runtime.settings import Settings, ToolChoice

NAME = "benchmarks.accuracy"
HELP = """Run a file of problems through the agent and say how many it solves, and why not the rest.

A line is an object with `question`, `answer`, `domain` (math, science, code), and optionally `id`,
`family` ("group: name"), `choices`, `tests`. Every sample is kept with its record: the same command
goes on where it stopped. The table, or one object with --json, goes to standard output.
"""
SAMPLED = 0.7  # temperature of more than one sample
_FOLDER = Path("runs", "accuracy")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=HELP)
def run(
    problems: Annotated[Path, typer.Option(help="JSON lines with question, answer, domain.")],
    model: Annotated[
        str | None,
        typer.Option(help="GGUF file, ONNX folder, Hugging Face id or a name of the registry."),
    ] = None,
    lora: Annotated[str | None, typer.Option(help="LoRA adapter (GGUF) on top of it.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Answers to each problem.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    temperature: Annotated[
        float | None, typer.Option(show_default=f"0, or {SAMPLED} for more samples than one")
    ] = None,
    seed: Annotated[int, typer.Option(help="The samples' seeds are derived from it.")] = 0,
    max_turns: Annotated[int, typer.Option(help="Turns of the model.")] = Settings.max_turns,
    max_tokens: Annotated[
        int, typer.Option(help="Tokens it may write for a problem.")
    ] = Settings.max_tokens,
    tool_choice: Annotated[
        ToolChoice, typer.Option(help="Whether the first turn must call a tool, or none may.")
    ] = Settings.tool_choice,
    ctx: Annotated[
        int | None, typer.Option(help="Window in tokens.", show_default="at most 4096", min=256)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, show_default="physical cores, 1 for a tiny model")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of the samples.", show_default=f"{_FOLDER}/PROBLEMS-MODEL"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False,
) -> None:
    if temperature is None:
        temperature = 0.0 if samples == 1 else SAMPLED
    if samples > 1 and temperature == 0:
        raise UsageError("--samples above 1 needs a --temperature above 0: all would be the same")
    settings = Settings(
        max_turns=max_turns,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        tool_choice=tool_choice,
    )
    every = load_problems(problems)
    with StderrProgress() as download:
        resolved = resolve_model(model, lora=lora, on_progress=download)
    plan = Plan(resolved, every[:limit], settings, samples, ctx, threads)
    about = setup(plan, every, problems)
    folder = output or _FOLDER / _file_name(f"{problems.stem}-{resolved.name}")
    console = Console(stderr=True)
    with Samples(folder, about) as kept:
        for note in (*resolved.notes, f"samples are kept in {kept.path}"):
            console.print(note, highlight=False, markup=False, soft_wrap=True)
        figures = _measure(plan, kept, console)
        path = kept.path
    report = {
        "benchmark": "accuracy",
        **about,
        "model_path": str(resolved.path),
        "lora_path": None if resolved.lora is None else str(resolved.lora),
        "problems_file": str(problems),
        "samples_file": str(path),
        "machine": machine(),
        **figures,
    }
    if as_json:
        print(json.dumps(report))
    else:
        show(report, Console())


def _measure(plan: Plan, kept: Samples, console: Console) -> dict[str, Any]:
    known = len(kept.rows())
    total = len(plan.runs())
    try:
        with progress(console, total) as report:
            rows = ask(plan, kept, report)
        with Sandbox() as sandbox:

            def same(one: str, other: str, problem: Problem) -> bool:
                return same_answer(one, other, problem, sandbox)

            figures = summarise(plan.problems, rows, plan.samples, same)
    except KeyboardInterrupt:
        done = len(kept.rows())
        raise entry.Interrupted(
            f"interrupted; {done} samples are kept ({done - known} of them new): the same command "
            "goes on from there"
        ) from None
    if not figures["problems"]:
        raise AccuracyError(
            "every sample was lost to the sandbox or the engine: run `sod-agent doctor`"
        )
    return figures


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "model"


def main() -> None:
    """Run the command and exit: 0 when measured, 2 for what cannot be, 130 after Ctrl-C."""
    interrupt.install()
    entry.main(NAME, app, after_interrupt="nothing was asked yet", kill_interrupts=True)


if __name__ == "__main__":
    main()
