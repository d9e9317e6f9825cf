"""`python -m train.problems`: writes problem files, solved ones for the cold start among them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any

import typer

from runtime import entry
from runtime.sandbox import Sandbox
from train.data import Demonstration, Problem, load_problems
from train.problems.family import Drawn
from train.problems.generate import draws, problem
from train.problems.gsm8k import programs
from train.problems.overlap import all_grams, overlaps
from train.problems.trajectories import demonstrations

app = typer.Typer(add_completion=False)

# name of the evaluation file: which problems go into it
EVALUATIONS: dict[str, Callable[[Drawn], bool]] = {
    "one_step": lambda drawn: drawn.group == "one-step word problems",
    "two_step": lambda drawn: drawn.group == "two-step word problems",
    "multi_step": lambda drawn: drawn.group == "multi-step word problems",
    "no_tool": lambda drawn: drawn.group == "no tool" and drawn.reply != drawn.answer,
    "everyday": lambda drawn: "word problems" not in drawn.group and drawn.group != "no tool",
}
_NO_LIMIT = 1 << 30


@app.command()
def write(
    output: Annotated[Path, typer.Option(help="Folder for the files.")],
    count: Annotated[int, typer.Option(min=1, help="Generated training problems.")] = 20000,
    gsm8k: Annotated[
        str, typer.Option(help="GSM8K's training set, to add as programs: a file or hub id.")
    ] = "",
    gsm8k_count: Annotated[
        int, typer.Option(min=0, help="At most so many of them, the shortest; 0: all.")
    ] = 0,
    whole: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of one-program trajectories that go on to the answer."
        ),
    ] = 1.0,
    against: Annotated[
        list[str] | None, typer.Option(help="Test set with which no 13 words may be shared.")
    ] = None,
    evaluation: Annotated[int, typer.Option(min=1, help="Problems of an evaluation file.")] = 200,
    seed: Annotated[int, typer.Option(help="Same seed: same files.")] = 0,
) -> None:
    """Write solved.jsonl, train.jsonl and eval_*.jsonl; every program is run in the sandbox.

    Evaluation files hold families and wordings that training does not: eval_everyday has only
    families that training never meets, the others only wordings that it never meets.
    """
    from rich.console import Console
    from rich.progress import track

    say = Console(stderr=True)
    test = all_grams(each.question for source in against or [] for each in _load(source, "eval"))
    drawn = draws(count, seed, "train")
    public = programs(_load(gsm8k, "train")) if gsm8k else []
    public.sort(key=lambda each: len(each.question) + len(each.program))
    kept = [
        each
        for each in [*drawn, *public[: gsm8k_count or None]]
        if not overlaps(each.question, test)
    ]
    say.print(
        f"{len(drawn)} generated problems, {len(kept) - len(drawn)} more of GSM8K; "
        f"{len(drawn) + len(public[: gsm8k_count or None]) - len(kept)} left out for sharing 13 "
        f"words with {', '.join(against or []) or 'nothing'}"
    )
    random.Random(seed).shuffle(kept)
    output.mkdir(parents=True, exist_ok=True)
    TemporaryFile(dir=output).close()  # or else it fails after all programs were run
    with Sandbox() as sandbox:
        solved = list(
            track(
                demonstrations(kept, seed, sandbox, whole=whole),
                "running the programs",
                total=len(kept),
                console=say,
            )
        )
    _write(output / "solved.jsonl", map(_conversation, solved))
    _write(output / "train.jsonl", (_row(problem(each)) for each in kept if each.program))
    for name, rows in evaluations(evaluation, seed).items():
        _write(output / f"eval_{name}.jsonl", map(_row, rows))
    say.print(f"{output}: {len(solved)} trajectories")


def evaluations(count: int, seed: int) -> dict[str, list[Problem]]:
    """`count` problems for each evaluation file."""
    families = draws(60 * count, seed, "eval", held_out=True)
    wordings = draws(60 * count, seed, "eval", held_out=False)
    return {
        name: [
            problem(each) for each in (families if name == "everyday" else wordings) if wanted(each)
        ][:count]
        for name, wanted in EVALUATIONS.items()
    }


def _load(source: str, split: str) -> list[Problem]:
    return load_problems(source, _NO_LIMIT, 0, split)  # type: ignore[arg-type]


def _row(each: Problem) -> dict[str, Any]:
    return {name: value for name, value in asdict(each).items() if value}


def _conversation(solved: Demonstration) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [asdict(message) for message in solved.messages]
    for place in solved.not_learned:
        messages[place]["weight"] = 0
    return {"messages": messages}


def _write(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    part = file.with_name(f"{file.name}.part")
    with part.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    part.replace(file)


if __name__ == "__main__":
    entry.main(
        "train.problems", app, after_interrupt="files are written whole or not at all: run it again"
    )
