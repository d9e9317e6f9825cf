"""Runs untrusted Python programs: `Sandbox().run(code, timeout=10.0)` returns a typed `Result`.

Two tiers: Monty for what it can run, and a warm, confined CPython for the rest. README.md says
what is stopped, what is not, and why these mechanisms were chosen.
"""

from runtime.sandbox.result import Kind, Result, TierReport
from runtime.sandbox.sandbox import Sandbox

__all__ = ["Kind", "Result", "Sandbox", "TierReport"]
