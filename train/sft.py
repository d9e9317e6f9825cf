"""`python -m train.sft`: the cold start alone, from solved problems to a model that calls tools."""

from __future__ import annotations

from train.config import RunConfig
from train.config_io import config_command, main

HELP = """Train a model on solved problems (the cold start) and evaluate it.

The result, in the run's folder, is what --student of train.sod takes with --no-cold-start.
"""


def run(config: RunConfig, resume: bool) -> int:
    from train.pipeline import run as run_pipeline

    return run_pipeline(config, resume, goal="cold start")


app = config_command(run, HELP, fixed={"method": "sft", "cold_start": True})

if __name__ == "__main__":
    main("train.sft", app)
