"""`python -m train.average`: the mean of two students, weight by weight.

A student trained on after another knows more of the new data and less of the old; the mean of both
often keeps most of each (WiSE-FT, arXiv 2109.01903, and model soups, arXiv 2203.05482). Both must
come from one base by fine-tuning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runtime import entry
from train.config import RunConfig
from train.errors import TrainingError

app = typer.Typer(add_completion=False)


@app.command()
def average(
    first: Annotated[str, typer.Argument(help="Folder, GGUF or Hugging Face id.")],
    second: Annotated[str, typer.Argument(help="Another student of the same base.")],
    output: Annotated[Path, typer.Option(help="Folder for the mean.")],
    weight: Annotated[float, typer.Option(min=0, max=1, help="Of the second.")] = 0.5,
) -> None:
    """Write (1 - weight) * FIRST + weight * SECOND as a student, with FIRST's tokenizer."""
    from train.models import load_policy, save_student

    config = RunConfig()
    model, tokenizer, _ = load_policy(first, config, 0)
    other, _, _ = load_policy(second, config, 0)
    ours, theirs = model.state_dict(), other.state_dict()
    shapes = [{name: each.shape for name, each in state.items()} for state in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise TrainingError(
            f"{first} and {second} have different weights: give two students of the same base"
        )
    # In place; weights that are tied come under two names and are averaged once.
    for own, its in {own.data_ptr(): (own, theirs[name]) for name, own in ours.items()}.values():
        if own.is_floating_point():
            own.lerp_(its, weight)
    save_student(model, tokenizer, output)
    print(output)


if __name__ == "__main__":
    entry.main("train.average", app)
