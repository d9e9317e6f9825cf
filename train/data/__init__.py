"""Training and evaluation data: JSON lines, Hugging Face datasets, or generated problems.

`GENERATED` and `GENERATED_DEMONSTRATIONS` are where generators register under a name.
"""

from __future__ import annotations

from train.data.demonstrations import GENERATED_DEMONSTRATIONS, load_demonstrations
from train.data.problems import Demonstration, Problem, data_hash
from train.data.rows import GENERATED, load_problems

__all__ = [
    "GENERATED",
    "GENERATED_DEMONSTRATIONS",
    "Demonstration",
    "Problem",
    "data_hash",
    "load_demonstrations",
    "load_problems",
]
