"""Trains the student: cold start, teacher, and SOD, step-wise on-policy distillation.

`python -m train.sod` runs the whole pipeline; `python -m train.sft` and `python -m train.teacher`
run its stages alone. The paper is arXiv 2605.07725. Everything the student meets here (prompts,
tools, sandbox, agent loop) is `runtime/`'s own, so that it meets the same on the device.
"""

from __future__ import annotations

from runtime.extras import require_extra

require_extra(
    "train", "train", "torch", "transformers", "trl", "peft", "datasets", "yaml", "math_verify"
)
