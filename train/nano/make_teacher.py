"""Makes the shipped teacher, train/nano/teacher: `python -m train.nano.make_teacher`.

A larger model of random weights learns from many solved problems, then by GRPO from its own
rollouts; about twenty minutes on two CPU cores. The tokenizer is trained first; the student uses
it too.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from train.config_io import load_config, main
from train.models import NANO_TEACHER

SEED = 7  # not that of a student's run, whose problems should be new to the teacher too
SETTINGS = {
    "seed": SEED,
    "sft_examples": 16384,
    "sft_epochs": 1.0,
    "sft_lr": 2e-3,
    "sft_schedule": "cosine",
    "sft_batch": 16,
    "steps": 10,
    "eval_every": 5,
    "lr": 1e-4,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help="Make the nano tokenizer and teacher again.")
def make(
    output: Annotated[Path, typer.Option(help="Where the teacher goes.")] = NANO_TEACHER,
) -> int:
    from runtime.sandbox import Sandbox
    from runtime.tools.code_interpreter import code_interpreter_tool
    from train.nano.model import random_model, train_tokenizer
    from train.pipeline import run
    from train.run_folder import replaced

    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        with Sandbox() as sandbox:
            tokenizer = train_tokenizer(code_interpreter_tool(sandbox))
        tokenizer.save_pretrained(work / "start")
        random_model("teacher", SEED).save_pretrained(work / "start")
        flags = {
            **SETTINGS,
            "method": "grpo",
            "student": str(work / "start"),
            "output": str(work / "run"),
        }
        code = run(load_config("nano", None, flags), resume=False)
        if code == 0:
            with replaced(output) as part:
                shutil.copytree(work / "run" / "student", part, dirs_exist_ok=True)
            shutil.copy(work / "run" / "metrics.jsonl", output / "training.jsonl")
        return code


if __name__ == "__main__":
    main("train.nano.make_teacher", app)
