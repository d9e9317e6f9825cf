"""What a person watches on standard error: the model's text, its tool calls, their results.

Everything shown here is untrusted model output, so control characters never reach the terminal.
"""

from __future__ import annotations

import re
from typing import TextIO

from runtime.events import (
    Event,
    Nudged,
    RunFinished,
    TextDelta,
    ToolReturned,
    TurnFinished,
)
from runtime.protocol import TOOL_CALL_CLOSE, TOOL_CALL_OPEN
from runtime.record import RunRecord, StopReason

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STOPPED = {
    StopReason.END_OF_TURN: "the model did not box an answer by itself",
    StopReason.MAX_TURNS: "the turn budget is spent",
    StopReason.MAX_TOKENS: "the token budget is spent",
    StopReason.CONTEXT_FULL: "the context window is full",
    StopReason.INTERRUPTED: "interrupted",
    StopReason.ENGINE_ERROR: "the engine failed",
}


def printable(text: str) -> str:
    """`text` without what could move the cursor, recolour or reorder a terminal's line."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


class LiveView:
    """Prints events as they come: colours on a terminal, plain text into a file."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
        self._call = _CallText()
        self._at_line_start = True

    def note(self, text: str) -> None:
        self._line(f"note: {text}", "dim")

    def show(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._write(self._call.feed(event.text))
        elif isinstance(event, TurnFinished):
            self._write(self._call.finish())
            self._new_line()
        elif isinstance(event, ToolReturned):
            self._result(event)
        elif isinstance(event, Nudged):
            self._line("(asked for the final answer)", "dim")
        elif isinstance(event, RunFinished):
            self._summary(event.record)

    def _result(self, event: ToolReturned) -> None:
        mark, style = ("\N{BLACK LEFT-POINTING TRIANGLE}", "green")
        label = f"{event.seconds * 1000:.1f} ms"
        if event.error is not None:
            style, label = "yellow", f"{event.error}, {label}"
        self._line(f"{mark} {printable(event.result)}", style, end="")
        self._line(f"   ({label})", "dim")

    def _summary(self, record: RunRecord) -> None:
        self._new_line()
        parts = [f"{len(record.turns)} turn{'s' * (len(record.turns) != 1)}"]
        parts.append(f"{record.timings.total_s:.2f} s")
        if record.timings.decode_tokens_per_s:
            parts.append(f"{record.timings.decode_tokens_per_s:.0f} tokens/s")
        parts.append(f"{record.tokens.evaluated} tokens evaluated, {record.tokens.reused} reused")
        reason = _STOPPED.get(record.stop_reason)
        if reason:
            parts.insert(0, printable(record.message or reason))
        self._line(" · ".join(parts), "dim")

    def _write(self, text: str) -> None:
        if text:
            self._console.print(printable(text), end="", style="cyan" if self._call.open else None)
            self._at_line_start = text.endswith("\n")

    def _line(self, text: str, style: str, end: str = "\n") -> None:
        self._console.print(text, style=style, end=end)
        self._at_line_start = end == "\n"

    def _new_line(self) -> None:
        if not self._at_line_start:
            self._console.print()
            self._at_line_start = True


class _CallText:
    """Shows a tool call readably while it is written: marks for the tags, real line breaks."""

    def __init__(self) -> None:
        self._held = ""  # the start of a tag or of an escape sequence
        self.open = False

    def feed(self, delta: str) -> str:
        text, shown = self._held + delta, ""
        self._held = ""
        while text:
            if text.startswith(TOOL_CALL_OPEN):
                self.open, text = True, text[len(TOOL_CALL_OPEN) :].lstrip("\n")
                shown += "\N{BLACK RIGHT-POINTING TRIANGLE} "
            elif text.startswith(TOOL_CALL_CLOSE):
                self.open, text = False, text[len(TOOL_CALL_CLOSE) :]
            elif any(tag.startswith(text) for tag in (TOOL_CALL_OPEN, TOOL_CALL_CLOSE)) or (
                self.open and text == "\\"
            ):
                self._held = text
                break
            elif self.open and text[0] == "\\":
                shown += {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}.get(text[1], text[:2])
                text = text[2:]
            else:
                shown, text = shown + text[0], text[1:]
        return shown

    def finish(self) -> str:
        held, self._held, self.open = self._held, "", False
        return held
