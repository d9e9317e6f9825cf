"""The form that every kind of server is brought into."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from runtime.engines.base import Constraint, FinishReason, Sampling, Tokenizer
from runtime.errors import EngineError, ModelError


class Holds(str, Enum):
    """What a server can hold the model to while it writes (a closed set)."""

    GRAMMAR = "grammar"  # a whole `Constraint`
    JSON = "json"  # a JSON schema from the first token on, so only a call that is already opened
    NOTHING = "nothing"


@dataclass(frozen=True)
class Request:
    """One completion. `constraint` is one that the server holds, or None."""

    ids: Sequence[int]
    max_tokens: int
    sampling: Sampling
    constraint: Constraint | None


@dataclass
class Usage:
    """What a server says of its work so far; tokens as counts, times in seconds, None: not told."""

    prompt: int | None = None  # tokens of the prompt
    cached: int | None = None  # of them, found in the server's KV cache
    generated: int | None = None
    prefill_s: float | None = None
    decode_s: float | None = None


@dataclass
class Chunk:
    """A piece of what the model writes. `finish` is set in the last one."""

    ids: list[int] = field(default_factory=list)
    text: str = ""
    usage: Usage | None = None
    finish: FinishReason | None = None


class Server(Protocol):
    """A connected server and the one model on it that is asked."""

    kind: str  # for people: "llama-server", "vLLM 0.11.0"
    model: str
    n_ctx: int
    chat_template: str | None
    holds: Holds
    notes: list[str]  # what is missing and what that means, one line each

    @property
    def tokenizer(self) -> Tokenizer: ...

    def complete(self, request: Request) -> Generator[Chunk, None, None]:
        """Stream one completion; closing the generator closes the request.

        Raises EngineError if the server fails or says something that cannot be.
        """
        ...


def count(value: Any) -> int | None:
    """A number of tokens out of a server's JSON, if it is one."""
    return value if type(value) is int and 0 <= value < 2**31 else None


def seconds(value: Any, unit: float) -> float | None:
    """A duration out of a server's JSON, where one `unit` is that many seconds."""
    return value * unit if type(value) in (int, float) and value >= 0 else None


def token_ids(value: Any) -> list[int]:
    """A list of token ids out of a server's JSON. Raises EngineError for anything else."""
    if isinstance(value, list) and all(count(item) is not None for item in value):
        return value
    raise EngineError("the server sent token ids that are none")


def text_of(value: Any) -> str:
    """A text out of a server's JSON. Raises EngineError for anything else."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half of a surrogate pair is no text
    raise EngineError("the server sent a text that is none")


def choose_model(names: Sequence[str], wanted: str | None, url: str) -> str:
    """The model of that name, or the only one. Raises ModelError if that is none."""
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is not None and wanted in names:
        return wanted
    listed = ", ".join(name[:80] for name in names[:10]) or "none"
    if wanted is None and names:
        raise ModelError(f"{url} serves several models, choose one by --model: {listed}")
    raise ModelError(f"{url} serves no model {wanted or ''!r}; it serves: {listed}")
