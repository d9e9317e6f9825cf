"""The runtime's sandbox under training load: retried, counted, and proved alive before each step.

A sandbox that is dead looks, to a trainer that does not ask, like a student whose programs print
nothing; the student then learns not to call it. So our own failures are told apart from the
program's (`Kind.INFRA`), tried again, and if they last, the rollout is marked and never learned
from. A canary asks every tier a question with a known answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import cast

from runtime.protocol import Tool
from runtime.sandbox import Kind, Result, Sandbox
from runtime.sandbox.sandbox import TIERS
from runtime.tools.code_interpreter import code_interpreter_tool
from train.errors import TrainingError

INFRA = Kind.INFRA.value
_PAUSES = (0.1, 0.5)  # seconds before the second and the third try

# The first is what Monty runs, the second needs CPython (classes are not Monty's).
_CANARIES = {
    "monty": "print(6 * 7)",
    "cpython": "class A:\n    x = 42\nprint(A.x)",
}


class TrainingSandbox:
    """Has the runtime sandbox's `run`, and the tool made from it. Thread-safe.

    Raises SandboxUnavailable or UsageError where `runtime.sandbox.Sandbox` does.
    """

    def __init__(
        self, workers: int, timeout: float, tiers: Sequence[str] = TIERS, retries: int = 2
    ) -> None:
        self._workers, self._tiers, self._retries = workers, tuple(tiers), retries
        self._lock = threading.Lock()
        self._sandbox = Sandbox(self._tiers, workers=workers)
        self._seen: set[str] = set()  # tiers that have answered
        self.calls = self.retried = self.failed = 0
        # The tool only needs `run`; with this object behind it, a restart reaches it too.
        self.tool: Tool = code_interpreter_tool(cast(Sandbox, self), timeout)

    def run(self, code: str, timeout: float = 10.0) -> Result:
        """`Sandbox.run`, tried again when the sandbox itself failed."""
        result = self._try(code, timeout)
        with self._lock:
            self.calls += 1
        for pause in _PAUSES[: self._retries]:
            if result.kind is not Kind.INFRA:
                return result
            with self._lock:
                self.retried += 1
            time.sleep(pause)
            result = self._try(code, timeout)
        if result.kind is Kind.INFRA:
            with self._lock:
                self.failed += 1
        return result

    def _try(self, code: str, timeout: float) -> Result:
        from runtime.errors import SandboxUnavailable

        try:
            return self._sandbox.run(code, timeout)
        except (SandboxUnavailable, OSError, RuntimeError) as error:
            return Result("", f"{type(error).__name__}: {error}", Kind.INFRA, 0.0, "none")

    def canary(self) -> None:
        """Prove that every tier this machine has still answers; restart the sandbox once if not.

        Raises TrainingError if it stays dead.
        """
        problem = self._ask_all()
        if problem is None:
            return
        self.restart()
        problem = self._ask_all()
        if problem is not None:
            raise TrainingError(
                f"the sandbox is dead: {problem}. Nothing was learned from it. Check memory and "
                "process limits with `sod-agent doctor`, then continue with --resume"
            )

    def restart(self) -> None:
        """Fresh workers. Programs that are running end with an infrastructure failure."""
        old, self._sandbox = self._sandbox, Sandbox(self._tiers, workers=self._workers)
        old.close()

    def close(self) -> None:
        self._sandbox.close()

    def _ask_all(self) -> str | None:
        """What is wrong with a tier, None if all is well. One that answered before must again."""
        for tier in self._sandbox.describe():
            if not tier.available:
                if tier.name in self._seen:
                    return f"the {tier.name} tier is gone: {_one_line(tier.detail)}"
                continue
            result = self._try(_CANARIES[tier.name], 10.0)
            if result.kind is not Kind.OK or result.output.strip() != "42":
                said = _one_line(result.error or result.output or "nothing")
                return f"the {tier.name} tier was asked for 42 and answered {said!r}"
            self._seen.add(tier.name)
        return None if self._seen else "none of its tiers can run on this machine"


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]
