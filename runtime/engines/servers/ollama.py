"""Ollama: raw completions over /api/generate. It has no tokenizer and no grammar to offer, only a
JSON schema for a whole answer, which is what a call that must come first needs.

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from runtime.engines.base import FinishReason, Tokenizer
from runtime.engines.servers.base import (
    Chunk,
    Holds,
    Request,
    Usage,
    choose_model,
    count,
    seconds,
    text_of,
)
from runtime.engines.servers.completions import DEFAULT_CTX, NO_TEMPLATE, STAND_INS
from runtime.engines.servers.http import Refusal, Remote
from runtime.engines.servers.text_tokenizer import TextTokenizer
from runtime.engines.servers.vocabulary import Vocabulary
from runtime.errors import EngineError, ModelError

_NANOSECOND = 1e-9


class OllamaServer:
    """Implements `runtime.engines.servers.base.Server`.

    Raises ModelError if the model is not there, EngineError for a server that fails.
    """

    holds = Holds.JSON

    def __init__(
        self,
        remote: Remote,
        model: str | None,
        version: str,
        vocabulary: Vocabulary | None,
        n_ctx: int | None,
    ) -> None:
        self._remote = remote
        self.kind = f"Ollama {version}"
        names = _local_models(remote)
        if model is not None and model not in names and f"{model}:latest" in names:
            model = f"{model}:latest"
        self.model = choose_model(names, model, remote.url)
        trained = self._trained_window()
        self.n_ctx = min(n_ctx or DEFAULT_CTX, trained or n_ctx or DEFAULT_CTX)
        self.chat_template = None if vocabulary is None else vocabulary.chat_template
        self._tokenizer = TextTokenizer(
            () if vocabulary is None else vocabulary.tokenizer.special_texts()
        )
        notes = [STAND_INS, *([NO_TEMPLATE] if vocabulary is None else [])]
        notes.append(
            "{kind} can hold a tool call to its schema only where one must come first "
            "(--tool-choice required); others are only checked afterwards"
        )
        self.notes = [note.format(kind=self.kind) for note in notes]

    @property
    def tokenizer(self) -> Tokenizer:
        return self._tokenizer

    def complete(self, request: Request) -> Generator[Chunk, None, None]:
        """See `Server.complete`."""
        sampling, constraint = request.sampling, request.constraint
        body: dict[str, Any] = {
            "model": self.model,
            "prompt": self._tokenizer.text(request.ids),
            "raw": True,
            "stream": True,
            "options": {
                "num_ctx": self.n_ctx,
                "num_predict": request.max_tokens,
                "temperature": sampling.temperature,
                "top_k": sampling.top_k,
                "top_p": sampling.top_p,
                "seed": sampling.seed,
                # The defaults penalise repetition, which training does not.
                "min_p": 0.0,
                "repeat_penalty": 1.0,
                "presence_penalty": 0.0,
                "frequency_penalty": 0.0,
            },
        }
        if constraint is not None:
            body["format"] = constraint.schema
        events = self._remote.events("/api/generate", body)
        try:
            yield from self._chunks(events)
        finally:
            if isinstance(events, Generator):
                events.close()

    def _chunks(self, events: Iterator[dict[str, Any]]) -> Generator[Chunk, None, None]:
        for event in events:
            text = text_of(event.get("response") or "")
            if text:
                yield Chunk(self._tokenizer.encode(text, special=False), text)
            if event.get("done") is True:
                cut = event.get("done_reason") == "length"
                finish = FinishReason.LENGTH if cut else FinishReason.EOG
                yield Chunk(usage=_usage(event), finish=finish)
                return
        raise EngineError(f"{self._remote.url} closed the stream before its end")

    def _trained_window(self) -> int | None:
        try:
            answer = self._remote.post("/api/show", {"model": self.model})
        except Refusal as refusal:
            raise ModelError(str(refusal)) from refusal
        facts = answer.get("model_info") if isinstance(answer, dict) else None
        facts = facts if isinstance(facts, dict) else {}
        return count(facts.get(f"{facts.get('general.architecture')}.context_length"))


def _local_models(remote: Remote) -> list[str]:
    answer = remote.get("/api/tags")
    rows = answer.get("models") if isinstance(answer, dict) else None
    names = [row.get("name") for row in rows or [] if isinstance(row, dict)]
    return [name for name in names if isinstance(name, str)]


def _usage(event: dict[str, Any]) -> Usage:
    return Usage(
        prompt=count(event.get("prompt_eval_count")),
        generated=count(event.get("eval_count")),
        prefill_s=seconds(event.get("prompt_eval_duration"), _NANOSECOND),
        decode_s=seconds(event.get("eval_duration"), _NANOSECOND),
    )
