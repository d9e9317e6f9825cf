"""What one call of the sandbox gives back: a typed value, never an exception.

`Kind` separates the program's own faults, which the model can mend, from ours, which it cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """How a call ended (a closed set)."""

    OK = "ok"
    USER_ERROR = "user_error"  # the program raised, exited with a status, or crashed
    TIMEOUT = "timeout"  # stopped by the clock
    MEMORY = "memory"  # ran into the memory limit
    INFRA = "infra"  # our failure, or a tier this machine cannot offer


@dataclass(frozen=True)
class Result:
    """`output` is what was printed, in order, stderr included; `error` is None only if kind is ok.

    `seconds` is the wall time of the whole call. `tier` is "monty" or "cpython", or "parser" for
    a program that is not Python and therefore ran nowhere.
    """

    output: str
    error: str | None
    kind: Kind
    seconds: float
    tier: str


@dataclass(frozen=True)
class TierReport:
    """One tier on this machine: `detail` is one line, `mechanisms` what confines a program."""

    name: str
    available: bool
    detail: str
    mechanisms: tuple[str, ...] = ()
