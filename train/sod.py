"""`python -m train.sod`: distil a tool-using student, step by step, on its own trajectories.

With no arguments it runs the nano preset, the whole pipeline in minutes on a CPU.
"""

from __future__ import annotations

from train.config import RunConfig
from train.config_io import config_command, main

HELP = """Distil a tool-using student from a teacher, step by step, on its own trajectories (SOD).

With no arguments: the nano preset, minutes on two CPU cores, no download. It leaves the student,
metrics.jsonl, checkpoints, lock.json and report.html in the run's folder.
"""


def run(config: RunConfig, resume: bool) -> int:
    from train.pipeline import run as run_pipeline

    return run_pipeline(config, resume)


app = config_command(run, HELP)

if __name__ == "__main__":
    main("train.sod", app)
