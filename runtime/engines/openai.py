"""The engine over a model server: llama-server, vLLM, Ollama, llama_cpp.server and their like.

The transcript is the same as with the engines that run here: rendered by our own template code,
extended token by token, and sent as a raw completion. The server keeps the KV cache; what it says
about it is in the stats. `runtime/engines/servers/` knows what each kind of server can do.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from runtime.engines.base import (
    Constraint,
    FinishReason,
    GenerationStats,
    Sampling,
    Tokenizer,
)
from runtime.engines.servers.base import Chunk, Holds, Request, Server, Usage
from runtime.engines.servers.closing import CallEnd
from runtime.engines.servers.connect import connect
from runtime.engines.servers.http import Remote
from runtime.engines.servers.vocabulary import Vocabulary
from runtime.errors import EngineError, UsageError
from runtime.models.cache import offline

_MOST_BYTES = 256  # a token has fewer; a server that sends more is not doing what it was asked
_DRAIN = 4  # events to wait for the server's own last word, once a call is complete


class OpenAIEngine:
    """Implements `runtime.engines.base.Engine`.

    `model` is its name at the server (default: the only one there); `tokenizer` a GGUF file with
    the vocabulary and chat template of that model, for servers that do not tell them; `n_ctx`
    makes the window smaller, in tokens; `api_key` is sent as a bearer token (default: the
    environment's SOD_AGENT_API_KEY or OPENAI_API_KEY).
    Raises EngineError if the server cannot be used, ModelError if it does not serve the model,
    UsageError for arguments that make no sense.
    """

    name = "openai"
    lora_path: str | None = None

    def __init__(
        self,
        base_url: str,
        *,
        model: str | None = None,
        tokenizer: Path | None = None,
        n_ctx: int | None = None,
        api_key: str | None = None,
    ) -> None:
        self._writer: OpenAIGeneration | None = None
        self._server: Server | None = None
        self._vocabulary: Vocabulary | None = None
        self._remote = Remote(base_url, api_key)
        if offline() and not self._remote.is_local:
            raise UsageError("SOD_AGENT_OFFLINE allows servers on this machine only")
        if n_ctx is not None and n_ctx < 1:
            raise UsageError(f"--ctx must be a number of tokens, not {n_ctx}")
        started = time.perf_counter()
        try:
            if tokenizer is not None:
                self._vocabulary = Vocabulary(tokenizer)
            server = connect(self._remote, model, self._vocabulary, n_ctx)
        except BaseException:
            self.close()
            raise
        if n_ctx is not None and n_ctx > server.n_ctx:
            self.close()
            raise UsageError(f"--ctx {n_ctx} is more than the server's window of {server.n_ctx}")
        self._server = server
        self.load_s = time.perf_counter() - started
        self.model_path, self.model_name = self._remote.url, _short_name(server.model)
        self.n_ctx = n_ctx or server.n_ctx
        self.chat_template = server.chat_template
        self.tokenizer: Tokenizer = server.tokenizer

    @property
    def kind(self) -> str:
        """What answers at the address, such as `llama-server`."""
        return self._open().kind

    @property
    def notes(self) -> list[str]:
        """What this server cannot do and what that means, one line each."""
        notes = list(self._open().notes)
        if self._remote.key_in_the_clear:
            notes.append("the API key goes over the network unencrypted: https would hide it")
        return notes

    def generate(
        self,
        ids: Sequence[int],
        *,
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None = None,
        keep: int = 0,
    ) -> OpenAIGeneration:
        """See `Engine.generate`. `keep` is the server's own affair."""
        server = self._open()
        if not ids:
            raise UsageError("there is nothing to continue: the prompt is empty")
        if self._writer is not None:
            self._writer.close()
        self._writer = OpenAIGeneration(
            server, ids, max_tokens, sampling, constraint, len(ids) <= self.n_ctx
        )
        return self._writer

    def score(self, ids: Sequence[int], start: int = 1) -> NoReturn:
        """Raises EngineError: servers give the likeliest few tokens, not all logits."""
        raise EngineError("a model server gives no full logits: compare the model file itself")

    def close(self) -> None:
        """Close the connection; the server goes on."""
        if self._writer is not None:
            self._writer.close()
        self._remote.close()
        if self._vocabulary is not None:
            self._vocabulary.close()
        self._server = None

    def _open(self) -> Server:
        if self._server is None:
            raise EngineError("the engine is closed")
        return self._server


class OpenAIGeneration:
    """Implements `runtime.engines.base.Generation`."""

    def __init__(
        self,
        server: Server,
        ids: Sequence[int],
        max_tokens: int,
        sampling: Sampling,
        constraint: Constraint | None,
        fits: bool,
    ) -> None:
        self.finish = FinishReason.CLOSED
        self.stats = GenerationStats()
        self.called_at = time.perf_counter()
        self._server, self._prompt, self._max_tokens = server, list(ids), max_tokens
        self._sampling, self._constraint, self._fits = sampling, constraint, fits
        held = _held(constraint, server.holds)
        self._request = Request(self._prompt, max_tokens, sampling, held)
        self._end = (
            None if constraint is None else CallEnd(constraint, lenient=held is not constraint)
        )
        self._chunks: Generator[Chunk, None, None] | None = None
        self._ready: deque[int] = deque()
        self._bytes_left = max(1, max_tokens) * _MOST_BYTES
        self._over: FinishReason | None = None  # why it ends, once what is ready is given out
        self._closed = False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        try:
            while not self._ready:
                if self._closed:
                    raise StopIteration
                if self._over is not None:
                    self.finish = self._over
                    self.close()
                    raise StopIteration
                self._pull()
        except BaseException:
            self.close()
            raise
        token = self._ready.popleft()
        if not self._ready and self._over is not None:
            self.finish = self._over
            self.close()
        return token

    def _pull(self) -> None:
        """Take one more chunk from the server; sets `_over` when there is nothing to come."""
        if self._max_tokens <= 0:
            self._over = FinishReason.LENGTH
            return
        if not self._fits:
            self._over = FinishReason.CONTEXT
            return
        if self._chunks is None:
            self._chunks = self._server.complete(self._request)
        chunk = next(self._chunks, None)
        if chunk is None:
            raise EngineError(f"{self._server.kind} closed the stream before its end")
        self._count(chunk)
        ids = chunk.ids
        if self._end is not None and self._end.feed(chunk.text):
            ids = self._until_end(chunk)
            self._over = FinishReason.CONSTRAINT
            self._drain()
        elif chunk.finish is not None:
            self._over = chunk.finish
            ids = [*ids, *self._closing_text()]
        self._ready.extend(ids)

    def _until_end(self, chunk: Chunk) -> list[int]:
        """The ids of `chunk` up to where the call closes: no grammar may have stopped the model."""
        assert self._end is not None
        inside = self._end.cut(chunk.text).rstrip()
        if len(inside) == len(chunk.text.rstrip()):
            return chunk.ids
        kept, size, wanted = 0, 0, len(inside.encode())
        while size < wanted and kept < len(chunk.ids):
            size += len(self._server.tokenizer.piece(chunk.ids[kept]))
            kept += 1
        return chunk.ids[:kept]

    def _closing_text(self) -> list[int]:
        """What must follow a call's complete JSON, where the server holds only JSON."""
        if self._server.holds is not Holds.JSON or self._request.constraint is None:
            return []
        if self._end is None or not self._end.json_is_complete:
            return []
        self._over = FinishReason.CONSTRAINT
        gap = "" if self._end.ends_in_blank else "\n"
        closes = f"{gap}{self._request.constraint.closes}"
        return self._server.tokenizer.encode(closes, special=False)

    def _drain(self) -> None:
        """Let the server finish by itself: under a grammar only the end of its turn is left.

        Cut off instead, it might still be busy with this request when the next one comes, and
        give that one a slot without its KV cache.
        """
        if self._request.constraint is None or self._chunks is None:
            return
        generated = self.stats.generated
        for _ in range(_DRAIN):
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._count(chunk)
        self.stats.generated = generated

    def _count(self, chunk: Chunk) -> None:
        stats, now = self.stats, time.perf_counter()
        self._bytes_left -= len(chunk.text)
        if self._bytes_left < 0:
            raise EngineError(f"{self._server.kind} sends more than it was asked for")
        if not chunk.ids and chunk.finish is None:
            return
        if stats.generated == 0 and chunk.ids:
            stats.ttft_s = now - self.called_at
            self._first = now
        if chunk.ids:
            stats.generated += 1
            stats.decode_s = now - self._first
        self._note(chunk.usage or Usage(), len(chunk.ids))

    def _note(self, usage: Usage, ids: int) -> None:
        """What the server says of its work; where it says nothing, what can be seen from here."""
        stats = self.stats
        if usage.generated is not None:
            stats.generated = usage.generated
        prompt = len(self._prompt) if usage.prompt is None else usage.prompt
        stats.reused = min(usage.cached or 0, prompt)
        stats.prefilled = prompt - stats.reused
        stats.evaluated = stats.prefilled + max(0, stats.generated - 1)
        stats.prefill_s = stats.ttft_s if usage.prefill_s is None else usage.prefill_s
        if usage.decode_s is not None:
            stats.decode_s = usage.decode_s

    def close(self) -> None:
        """End the request; the server stops writing."""
        self._closed = True
        if self._chunks is not None:
            self._chunks.close()
            self._chunks = None

    def __del__(self) -> None:
        self.close()


def _held(constraint: Constraint | None, holds: Holds) -> Constraint | None:
    """`constraint`, if the server can hold it."""
    if constraint is None or holds is Holds.GRAMMAR:
        return constraint
    opened = constraint.opened and constraint.schema is not None
    return constraint if holds is Holds.JSON and opened else None


def _short_name(model: str) -> str:
    """A model's name for records: a file's without its folder and ending."""
    if model.endswith(".gguf"):
        model = model.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gguf")
    return "".join(char if char.isprintable() else "?" for char in model)[:200]
