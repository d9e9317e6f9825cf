"""An offline tool-using agent for small machines: `from runtime import Agent, tool`.

    from runtime import Agent, tool

    @tool
    def fahrenheit(celsius: float) -> float:
        '''Convert degrees Celsius to Fahrenheit.'''
        return celsius * 9 / 5 + 32

    record = Agent(tools=[fahrenheit]).run("How hot is 35 degrees Celsius in Fahrenheit?")
    print(record.answer)

This package is the leaf of the project: it never imports torch, transformers, train or export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.agent import Agent
    from runtime.protocol import Tool, tool

__all__ = ["Agent", "Tool", "tool"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Lazy, so that `sod-agent --version` and the sandbox worker do not pay for the rest.
    if name == "Agent":
        from runtime.agent import Agent

        return Agent
    if name in ("Tool", "tool"):
        from runtime import protocol

        return getattr(protocol, name)
    raise AttributeError(f"module 'runtime' has no attribute '{name}'")
