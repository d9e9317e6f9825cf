"""The fidelity table: every type of export of one model, against the model in float16.

`nano` is the shipped teacher; its held-out problems are generated. `smollm2` is the default model,
packaged in Q4_1: its reference is that file's weights in float16, so they lie on a grid of 16
steps already, and the 4-bit rows are of a second rounding. It was never trained on tools: it is
shown one call, must begin with one, and multiplies two numbers. Rows of neither model all fit the
256-wide blocks of K-quants; llama.cpp takes other types for those weights.

The on-policy importance matrix is made of the reference's own trajectories on other problems.

    python -m benchmarks.export.fidelity_table [--model nano,smollm2] [--problems N]
        [--types q8_0,q4_0] [--onnx int8,int4] [--work FOLDER] [--save FILE]
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.export.imatrix import record
from benchmarks.model_files import libraries
from benchmarks.problems import Problem
from benchmarks.report import machine
from export.command import Display
from export.fidelity.measure import Plan, measure
from export.fidelity.report import show
from export.fidelity.store import Store
from export.files import replacing
from export.gguf import export_gguf
from export.imatrix import calibrate
from runtime.models import resolve_model
from runtime.settings import Settings
from train.nano.data import problems as generated

TYPES = "q8_0,q5_k_m,q4_k_m,q4_0,iq4_nl"
CALIBRATED = "q4_k_m,q4_0"
_TEACHER = Path(__file__).parents[2] / "train" / "nano" / "teacher"
_AGENT: dict[str, dict[str, Any]] = {
    "nano": {"max_turns": 7, "max_tokens": 200},
    "smollm2": {"max_turns": 2, "max_tokens": 96, "tool_choice": "required", "example": True},
}


def problems_for(model: str, count: int, seed: int) -> list[Problem]:
    """Held-out problems for seed 1, others for another."""
    if model == "nano":
        drawn = generated(count, seed, "eval" if seed == 1 else "train")
        return [Problem(p.id, p.domain, p.question, p.answer, p.tests, p.choices) for p in drawn]
    rng = random.Random(seed)
    pairs = [(rng.randint(11, 99), rng.randint(11, 99)) for _ in range(count)]
    return [
        Problem(f"product-{n}", "math", f"What is {a} * {b}?", str(a * b))
        for n, (a, b) in enumerate(pairs)
    ]


def candidates(
    model: str,
    folder: Path,
    types: list[str],
    calibrated: list[str],
    onnx: list[str],
    calibration: int,
    threads: int | None,
    display: Display,
) -> list[Path]:
    """Every export, made if `folder` has it not yet; the first is the reference."""
    source = _TEACHER if model == "nano" else resolve_model(None).path
    reference = folder / f"{model}-f16.gguf"
    if not reference.exists():
        export_gguf(source, reference, type="f16", display=display)
    made = [reference]
    for type in types:
        made.append(folder / f"{model}-{type}.gguf")
        if not made[-1].exists():
            export_gguf(reference, made[-1], type=type, display=display)
    if calibrated:
        matrix = folder / f"{model}.imatrix"
        trace = folder / f"{model}-calibration.jsonl"
        if not trace.exists():
            asked = [problem.prompt() for problem in problems_for(model, calibration, 2)]
            record(reference, asked, trace, _AGENT[model], threads, display)
        if not matrix.exists():
            with display.stage("importance") as progress:
                calibrate(reference, trace, matrix, n_threads=threads, on_progress=progress)
    for type in calibrated:
        made.append(folder / f"{model}-{type}-on-policy.gguf")
        if not made[-1].exists():
            export_gguf(reference, made[-1], type=type, imatrix=matrix, display=display)
    for precision in onnx:
        from export.onnx import export_onnx

        made.append(folder / f"{model}-onnx-{precision}")
        if not made[-1].exists():
            given = source if model == "nano" else reference
            export_onnx(given, made[-1], precision=precision, display=display)  # type: ignore[arg-type]
    return made


def main(
    model: Annotated[str, typer.Option(help="By commas.")] = "nano,smollm2",
    problems: Annotated[int, typer.Option(min=2, help="Held-out problems.")] = 200,
    calibration: Annotated[int, typer.Option(min=1, help="Problems to calibrate on.")] = 60,
    types: Annotated[str, typer.Option(help="Types of llama.cpp, by commas.")] = TYPES,
    calibrated: Annotated[str, typer.Option(help="Those made on-policy too.")] = CALIBRATED,
    onnx: Annotated[str, typer.Option(help="Precisions of ONNX, by commas.")] = "int8,int4",
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    speed: Annotated[bool, typer.Option(help="Measure decoding too.")] = True,
    work: Annotated[Path, typer.Option(help="Exports and results are kept here.")] = Path("work"),
    save_to: Annotated[Path | None, typer.Option("--save", help="Also write as JSON.")] = None,
) -> None:
    work.mkdir(parents=True, exist_ok=True)
    display = Display()
    rows: dict[str, Any] = {}
    if unknown := set(_split(model)) - set(_AGENT):
        raise typer.BadParameter(f"no model {', '.join(unknown)}: {', '.join(_AGENT)}")
    for name in _split(model):
        made = candidates(
            name, work, _split(types), _split(calibrated), _split(onnx), calibration, threads,
            display,
        )  # fmt: skip
        plan = Plan(
            problems_for(name, problems, 1),
            Settings(**_AGENT[name]),
            n_threads=threads,
            speed=speed,
        )
        found = measure(made[0], made[1:], plan, Store(work / "results"), display)
        show(found, Console())
        rows[name] = _named(found.to_dict())
        if save_to is not None:
            _save(save_to, rows)


def _named(row: dict[str, Any]) -> dict[str, Any]:
    """Models by their names: where they lay says nothing elsewhere."""
    for model in (row["reference"], *row["candidates"]):
        model["path"] = Path(model["path"]).name
    return row


def _split(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


def _save(out: Path, rows: dict[str, Any]) -> None:
    facts = {
        "benchmark": "fidelity",
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "libraries": libraries(),
        "models": rows,
    }
    with replacing(out) as part:
        part.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    typer.run(main)
