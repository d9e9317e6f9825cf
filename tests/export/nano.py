"""The nano teacher as GGUF, and the trace of what it does with some problems."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from runtime import Agent
from runtime.events import Event, TextDelta
from tests.train.gguf_writer import write_gguf
from train.nano.data import problems

TEACHER = Path(__file__).parents[2] / "train" / "nano" / "teacher"


def nano_gguf(folder: Path) -> Path:
    """The teacher in float32, by the tests' own writer."""
    model = AutoModelForCausalLM.from_pretrained(TEACHER, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    return write_gguf(folder / "nano.gguf", model, tokenizer)


def record(agent: Agent, questions: int, path: Path) -> Path:
    """Write what `sod-agent --trace` writes while the agent answers generated problems."""
    with path.open("w") as file:
        for problem in problems(questions, 7, "train"):
            for event in told(agent.stream(problem.prompt())):
                file.write(json.dumps({"at": 0.0, **event.to_dict()}) + "\n")
    return path


def told(events: Iterator[Event]) -> Iterator[Event]:
    """The events that get into a trace."""
    return (event for event in events if not isinstance(event, TextDelta))


def write_problems(file: Path, count: int) -> Path:
    """Held-out problems, as a training run leaves them in its folder."""
    rows = [asdict(problem) for problem in problems(count, 5, "eval")]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


def damaged_teacher(folder: Path, noise: float) -> Path:
    """A copy of the teacher with noise of `noise` times each matrix's own spread."""
    copy = folder / "damaged"
    shutil.copytree(TEACHER, copy)
    torch.manual_seed(0)
    weights = load_file(copy / "model.safetensors")
    noisy = {
        name: weight + noise * weight.std() * torch.randn_like(weight)
        if weight.ndim > 1
        else weight
        for name, weight in weights.items()
    }
    save_file(noisy, copy / "model.safetensors", metadata={"format": "pt"})
    return copy
