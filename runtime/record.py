"""What a run leaves behind: the object that `Agent.run` returns and `--json` prints."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class StopReason(str, Enum):
    """Why the loop ended (a closed set, shared by the CLI, training metrics and benchmarks).

    After all but `ANSWERED` the loop asks for the answer once more, so there may be one.
    """

    ANSWERED = "answered"  # the model put an answer in \boxed{} by itself
    END_OF_TURN = "end_of_turn"  # the model ended its turn with neither a call nor an answer
    MAX_TURNS = "max_turns"  # the turn budget is spent
    MAX_TOKENS = "max_tokens"  # the token budget is spent
    CONTEXT_FULL = "context_full"  # the window is full; nothing was dropped from it
    INTERRUPTED = "interrupted"  # Ctrl-C
    ENGINE_ERROR = "engine_error"  # the engine failed; what came before it is kept


@dataclass
class TurnRecord:
    """One assistant turn. `text` is the raw text of the model, malformed calls included."""

    text: str = ""
    forced: bool = False  # the loop opened this turn with \boxed{ to get an answer out
    tool: str | None = None
    arguments: dict[str, Any] | None = None
    result: str | None = None
    error: str | None = None  # what kind of failure the result reports, if it is one
    seconds: float | None = None  # in the tool

    def to_dict(self) -> dict[str, Any]:
        """The text, and what there is of the rest."""
        row = asdict(self)
        if self.tool is not None:
            return {key: value for key, value in row.items() if key != "forced" or value}
        return {key: value for key, value in row.items() if value or key == "text"}


@dataclass
class TokenCounts:
    """`evaluated` tokens went through the network; `reused` ones were found in the KV cache."""

    prompt: int = 0
    evaluated: int = 0
    reused: int = 0
    generated: int = 0


@dataclass
class Timings:
    """Seconds and tokens per second. `ttft_s`: from the question to the first sampled token."""

    load_s: float = 0.0
    ttft_s: float | None = None
    prefill_tokens_per_s: float | None = None
    decode_tokens_per_s: float | None = None
    tool_s: float = 0.0
    total_s: float = 0.0


@dataclass
class RunRecord:
    """One question, from the first prompt to the answer."""

    answer: str | None
    stop_reason: StopReason
    model: str
    engine: str
    turns: list[TurnRecord] = field(default_factory=list)
    tokens: TokenCounts = field(default_factory=TokenCounts)
    timings: Timings = field(default_factory=Timings)
    peak_rss_mb: float = 0.0
    message: str | None = None  # the engine's error, if that ended the run

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        row = asdict(self)
        row["turns"] = [turn.to_dict() for turn in self.turns]
        row["stop_reason"] = self.stop_reason.value
        if self.message is None:
            del row["message"]
        return row


def peak_rss_mb() -> float:
    """The highest resident memory of this process so far, in MiB; 0 where it is not known."""
    # Linux's getrusage starts with the peak of the process that spawned this one.
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
