"""What an engine is: token ids in, token ids out. It knows nothing of tools or messages.

Every engine (llama.cpp now, ONNX Runtime and OpenAI-compatible servers later) implements
`Engine`; the agent loop, the trainer's parity test and the benchmarks only see this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FinishReason(str, Enum):
    """Why one generation stopped (a closed set)."""

    EOG = "eog"  # the model sampled an end-of-generation token (it is yielded)
    CONSTRAINT = "constraint"  # the constraint is complete: nothing more may follow
    LENGTH = "length"  # max_tokens reached
    CONTEXT = "context"  # the context window is full
    CLOSED = "closed"  # the caller stopped it


@dataclass(frozen=True)
class Sampling:
    """How the next token is drawn. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 are off."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Constraint:
    """Free text, until the text `opens`; from there JSON valid under `schema`, then `closes`.

    When `closes` is complete the generation ends with `FinishReason.CONSTRAINT`.
    `opened`: the prompt already ends in `opens`, so the JSON starts at once.
    `schema` None: `opens` must not be written at all.
    """

    opens: str
    closes: str
    schema: dict[str, Any] | None
    opened: bool = False


@dataclass
class GenerationStats:
    """Counters of one generation: tokens as counts, times in seconds."""

    evaluated: int = 0  # tokens sent through the network, prefill and decode
    reused: int = 0  # prompt tokens found in the KV cache, or in its copy on disk
    generated: int = 0  # tokens sampled
    rejected: int = 0  # samples that the constraint refused, each drawn again under a mask
    prefilled: int = 0  # prompt tokens evaluated before the first sample
    prefill_s: float = 0.0
    decode_s: float = 0.0
    ttft_s: float = 0.0  # from the call to the first sampled token


class Generation(Protocol):
    """An iterator of sampled token ids that also tells how it ended.

    The last id it yields has not been evaluated: it is when generation goes on from it.
    """

    finish: FinishReason
    stats: GenerationStats
    called_at: float  # time.perf_counter() of the call

    def __iter__(self) -> Iterator[int]: ...

    def __next__(self) -> int: ...


class Tokenizer(Protocol):
    """Text to ids and back; `special` says whether control tokens in the text are parsed."""

    bos_text: str
    eos_text: str
    add_bos: bool
    bos_id: int | None

    def encode(self, text: str, *, special: bool) -> list[int]: ...

    def piece(self, token: int) -> bytes: ...

    def is_eog(self, token: int) -> bool: ...

    def special_texts(self) -> frozenset[str]:
        """Texts of control tokens, which must never be parsed out of untrusted content."""
        ...


class Engine(Protocol):
    """One loaded model with one KV cache. Not thread-safe."""

    name: str
    model_path: str
    lora_path: str | None
    n_ctx: int
    chat_template: str | None  # Jinja source from the model file: untrusted
    load_s: float

    @property
    def tokenizer(self) -> Tokenizer: ...

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> Generation:
        """Continue `ids`. The prefix shared with what was evaluated before is not evaluated again.

        The first `keep` ids begin other prompts too: an engine may keep their state on disk.

        Raises EngineError if the engine fails.
        """
        ...

    def close(self) -> None: ...


@runtime_checkable
class ScoringEngine(Engine, Protocol):
    """An engine that can also say how likely a text is. Servers cannot, nor can the trainer's."""

    def score(self, ids: Sequence[int], start: int) -> Iterator[NDArray[np.float32]]:
        """Teacher forcing: one row of raw logits (V,) for each of `ids[start:]`, in order.

        The row of `ids[i]` is what the model predicts after `ids[:i]`. Memory is bounded: rows
        come in chunks, and are the caller's to keep. What `generate` gives is not changed by it.

        Raises UsageError if `start` is not from 1 to the number of ids, or if the ids are more
        than the window; EngineError if the engine fails.
        """
        ...
