"""The step weights of a full batch: our tensor program against the published Python loop.

The published code (YoungZ365/SOD, verl/trainer/ppo/ray_trainer.py, Apache-2.0) walks over every
token of every row to find the steps, then over the steps. `published_loop` is our own text of that
procedure, read in the copy that EasyOPD carries (easyopd/methods/sod/core.py); like it, it reads
each mask entry twice. Both contenders see the same tensors in the same process, in turns, and must
agree before anything is timed. One thread each, unless --threads says otherwise: the loop cannot
use more.

    python -m benchmarks.training.step_weights [--rows N] [--tokens N] [--rounds N] [--threads N]
        [--save FILE]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks.report import Figure, median, save, show
from train.step_weights import step_weights

AIM = 100
# Ours are so short that one call a round would time the scheduler.
CALLS = 10


def published_loop(
    student_logps: Tensor,
    teacher_logps: Tensor,
    mask: Tensor,
    epsilon: float = 1e-6,
    delta: float = 0.2,
) -> Tensor:
    """(B, T) weights by the published procedure; the arguments are those of `step_weights`."""
    gaps = (student_logps - teacher_logps).abs()
    weights = torch.zeros_like(mask, dtype=torch.float32)
    for row in range(mask.shape[0]):
        spans = _spans(mask[row])
        divergences = []
        for start, end in spans:
            counts = mask[row, start:end]
            divergences.append((gaps[row, start:end] * counts).sum().item() / counts.sum().item())
        product = 1.0
        for step, (start, end) in enumerate(spans):
            if step > 0:
                product *= (divergences[step - 1] + epsilon) / (divergences[step] + epsilon)
            weights[row, start:end] = min(product, 1 + delta) if step > 0 else 1.0
    return weights


def _spans(mask: Tensor) -> list[tuple[int, int]]:
    """First token and the token after the last of each run of ones, read token by token."""
    spans = []
    start: int | None = None
    for at in range(mask.shape[0]):
        if mask[at].item() == 1 and start is None:
            start = at
        elif mask[at].item() == 0 and start is not None:
            spans.append((start, at))
            start = None
    if start is not None:
        spans.append((start, mask.shape[0]))
    return spans


def batch(rows: int, tokens: int, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Log-probabilities of student and teacher and a mask of about `steps` runs of ones a row."""
    generator = torch.Generator().manual_seed(0)
    student, teacher = torch.empty(2, rows, tokens).exponential_(generator=generator).neg_()
    # A turn is some student tokens, then a tool result; rows differ in where each begins.
    turn = tokens // steps
    offset = torch.randint(0, turn, (rows, 1), generator=generator)
    place = (torch.arange(tokens) + offset) % turn
    mask = (place < 0.7 * turn).long()
    return student, teacher, mask


def seconds(call: Callable[[], Tensor], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def measure(rows: int = 64, tokens: int = 20480, steps: int = 16, rounds: int = 5) -> list[Figure]:
    """Medians over `rounds` rounds, each of one published call and ten of each of ours."""
    student, teacher, mask = batch(rows, tokens, steps)
    contenders: dict[str, Callable[[], Tensor]] = {
        "published": lambda: published_loop(student, teacher, mask),
        "ours": lambda: step_weights(student, teacher, mask),
        # The offset of a row may cut one step in two, at its ends.
        "bounded": lambda: step_weights(student, teacher, mask, max_steps=steps + 1),
    }
    expected = contenders["published"]()
    worst = max(float((contenders[name]() - expected).abs().max()) for name in ("ours", "bounded"))
    if worst > 1e-5:
        raise SystemExit(f"error: the weights differ by {worst:.2g}, so the times mean nothing")
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(seconds(call, 1 if name == "published" else CALLS))
    middle = {name: median(values) for name, values in times.items()}
    figures = [
        Figure(
            "published loop",
            middle["published"] * 1000,
            "ms",
            detail=f"{rows} x {tokens} tokens, about {steps} steps a row, {rounds} rounds",
        )
    ]
    for name, label in (("ours", "ours"), ("bounded", "ours, most steps known")):
        ratio = middle["published"] / middle[name]
        detail = f"{middle[name] * 1000:.1f} ms, {torch.get_num_threads()} thread(s), "
        figures.append(
            Figure(
                f"published loop / {label}",
                ratio,
                "x",
                f"{AIM} times",
                ratio >= AIM,
                detail + f"weights agree to {worst:.1g}",
            )
        )
    return figures


def main(
    rows: Annotated[int, typer.Option(help="Trajectories.", min=1)] = 64,
    tokens: Annotated[int, typer.Option(help="Tokens of each.", min=2)] = 20480,
    steps: Annotated[int, typer.Option(help="Steps of each, about.", min=1)] = 16,
    rounds: Annotated[int, typer.Option(help="Rounds to time.", min=1)] = 5,
    threads: Annotated[int, typer.Option(help="Threads of PyTorch.", min=1)] = 1,
    save_to: Annotated[Path | None, typer.Option("--save", help="JSON file of figures.")] = None,
) -> None:
    torch.set_num_threads(threads)
    figures = measure(rows, tokens, steps, rounds)
    show("Step weights of a batch", figures)
    if save_to is not None:
        save(save_to, "step weights", figures)


if __name__ == "__main__":
    typer.run(main)
