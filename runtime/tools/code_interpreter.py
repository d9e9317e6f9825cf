"""The one built-in tool: run a Python program in the sandbox and read what it printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.protocol import Tool, tool
from runtime.tools.outcome import ToolOutcome, shorten

if TYPE_CHECKING:
    from runtime.sandbox import Sandbox

TIMEOUT_S = 10.0


def code_interpreter_tool(sandbox: Sandbox, timeout: float = TIMEOUT_S) -> Tool:
    """The `code_interpreter` tool on `sandbox`; one call may take `timeout` seconds."""

    @tool
    def code_interpreter(code: str) -> ToolOutcome:
        """Run a Python program and return what it prints. Nothing is kept between calls.

        Args:
            code: The program.
        """
        result = sandbox.run(code, timeout=timeout)
        error = None if result.error is None else result.kind.value
        text = "\n".join(part.rstrip("\n") for part in (result.output, result.error) if part)
        return ToolOutcome(shorten(text) or "(nothing was printed)", error)

    return code_interpreter
