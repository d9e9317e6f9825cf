"""`python -m train.teacher`: make a teacher by GRPO, from rewards alone."""

from __future__ import annotations

from train.config import RunConfig
from train.config_io import config_command, main

HELP = """Train a teacher with GRPO: cold start, then rewards of its own rollouts.

--student names the model to start from. The result is what --teacher of train.sod takes.
"""


def run(config: RunConfig, resume: bool) -> int:
    from train.pipeline import run as run_pipeline

    return run_pipeline(config, resume)


app = config_command(run, HELP, fixed={"method": "grpo"})

if __name__ == "__main__":
    main("train.teacher", app)
