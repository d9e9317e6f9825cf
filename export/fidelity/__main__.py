"""`python -m export.fidelity REF CANDIDATE...`: what each candidate lost against the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.problems import load_problems
from export.card import put_fidelity
from export.command import Display, main
from export.fidelity.figures import Fidelity
from export.fidelity.measure import Plan, measure
from export.fidelity.problems import (
    MAX_TOKENS,
    MAX_TURNS,
    RUN_FILE,
    find_problems,
    settings_for,
)
from export.fidelity.report import show, write_html, write_json
from export.fidelity.store import Store
from export.source import find_source
from export.traces import Trajectory, Vocabulary, read_trajectories
from runtime.models.cache import cache_dir
from runtime.settings import ToolChoice

HELP = """Replay the same problems and trajectories through a reference and candidates.

Models are GGUF files, ONNX folders or Hugging Face folders. What was measured is kept, so a run
that was interrupted goes on where it was. Tables go to standard output.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=HELP)
def run(
    reference: Annotated[str, typer.Argument(help="The model before its conversion.")],
    candidates: Annotated[list[str], typer.Argument(help="The models made from it.")],
    problems: Annotated[
        Path | None,
        typer.Option(
            help="JSON lines with question, answer, domain.",
            show_default=f"{RUN_FILE} of the model's run",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    trajectories: Annotated[
        Path | None,
        typer.Option(
            help="A trace to compare tokens on.", show_default="what the reference answers"
        ),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Also write JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page.")] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Write the figures into the candidates' model cards.")
    ] = False,
    max_turns: Annotated[
        int | None, typer.Option(min=1, show_default=f"the run's, or {MAX_TURNS}")
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            min=1, help="Written in a run at most.", show_default=f"the run's, or {MAX_TOKENS}"
        ),
    ] = None,
    tool_choice: Annotated[ToolChoice, typer.Option()] = "auto",
    grammar: Annotated[bool, typer.Option(help="Hold calls to their schema.")] = True,
    example: Annotated[bool, typer.Option("--example", help="Show one worked call.")] = False,
    ctx: Annotated[int | None, typer.Option(min=1, help="Window, for all models.")] = None,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    speed: Annotated[bool, typer.Option(help="Measure decoding too.")] = True,
    work: Annotated[
        Path | None, typer.Option(help="Folder of kept results.", show_default="cache folder")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Use kept results.")] = True,
) -> None:
    first, *others = [find_source(name) for name in (reference, *candidates)]
    found = find_problems(problems, first)
    agent = settings_for(found, max_turns, max_tokens)
    agent = replace(agent, tool_choice=tool_choice, grammar=grammar, example=example)
    plan = Plan(
        problems=load_problems(found, limit),
        settings=agent,
        trajectories=None if trajectories is None else _read(trajectories, first),
        n_ctx=ctx,
        n_threads=threads,
        speed=speed,
    )
    store = Store((work or cache_dir() / "fidelity") if resume else None)
    fidelity = measure(first, others, plan, store, Display())
    if json_out is not None:
        write_json(fidelity, json_out)
    if html is not None:
        write_html(fidelity, html)
    if card:
        _fill_cards(fidelity)
    show(fidelity, Console())


def _fill_cards(fidelity: Fidelity) -> None:
    for model in fidelity.candidates:
        own = replace(fidelity, candidates=[model])
        if not put_fidelity(Path(model.path), own):
            Display().say(f"{model.path} has no card to write into: export it again")


def _read(trace: Path, reference: Path) -> list[Trajectory]:
    if reference.suffix != ".gguf":
        return read_trajectories(trace)
    with Vocabulary(reference) as vocabulary:
        return read_trajectories(trace, vocabulary)


if __name__ == "__main__":
    main("export.fidelity", app, after_interrupt="what was measured is kept: run it again")
