"""Servers with OpenAI's /v1/completions: vLLM, llama-cpp-python's llama_cpp.server, and others.

The chat endpoint is never used: it would render the conversation with the server's template and
parse the model's calls its own way, and the student would meet another protocol than in training.

vLLM takes and returns token ids; with a tokenizer file for the texts between them they are used.
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

from runtime.engines.base import FinishReason, Tokenizer
from runtime.engines.grammar import to_gbnf
from runtime.engines.servers.base import (
    Chunk,
    Holds,
    Request,
    Usage,
    choose_model,
    count,
    text_of,
    token_ids,
)
from runtime.engines.servers.http import Refusal, Remote
from runtime.engines.servers.text_tokenizer import TextTokenizer
from runtime.engines.servers.vocabulary import Vocabulary
from runtime.errors import EngineError, ModelError

DEFAULT_CTX = 4096
_FINISH = {"stop": FinishReason.EOG, "length": FinishReason.LENGTH}
NO_TEMPLATE = (
    "{kind} does not tell the model's chat template: ChatML is used. "
    "--tokenizer FILE.gguf gives the right one"
)
STAND_INS = "{kind} takes and gives text: the ids in records and traces are stand-ins"
NO_GRAMMAR = "{kind} cannot hold tool calls to their schema: they are only checked afterwards"


class CompletionsServer:
    """Implements `runtime.engines.servers.base.Server`.

    Raises ModelError if the model is not served, EngineError for a server that fails.
    """

    def __init__(
        self,
        remote: Remote,
        model: str | None,
        models: list[dict[str, Any]],
        vocabulary: Vocabulary | None,
        n_ctx: int | None,
    ) -> None:
        self._remote = remote
        self.model = choose_model([row["id"] for row in models], model, remote.url)
        row = next(row for row in models if row["id"] == self.model)
        self._flavour = _flavour(remote, row)
        version = _vllm_version(remote) if self._flavour == "vllm" else ""
        self.kind = {"vllm": f"vLLM {version}".strip(), "llama_cpp": "llama_cpp.server"}.get(
            self._flavour, "this server"
        )
        self._old_vllm = _is_older(version, (0, 11))
        self.holds = Holds.NOTHING if self._flavour == "other" else Holds.GRAMMAR
        window = count(row.get("max_model_len"))
        self.n_ctx = min(window or n_ctx or DEFAULT_CTX, n_ctx or window or DEFAULT_CTX)
        self.chat_template = None if vocabulary is None else vocabulary.chat_template
        self._exact = self._flavour == "vllm" and vocabulary is not None
        self._text_tokenizer = TextTokenizer(
            () if vocabulary is None else vocabulary.tokenizer.special_texts()
        )
        self._vocabulary = vocabulary
        self.notes = self._what_is_missing()
        if self._exact:
            self._check_vocabulary()

    @property
    def tokenizer(self) -> Tokenizer:
        if self._exact and self._vocabulary is not None:
            return self._vocabulary.tokenizer
        return self._text_tokenizer

    def complete(self, request: Request) -> Generator[Chunk, None, None]:
        """See `Server.complete`."""
        events = self._remote.events("/v1/completions", self._body(request))
        try:
            yield from self._chunks(events)
        finally:
            if isinstance(events, Generator):
                events.close()

    def _body(self, request: Request) -> dict[str, Any]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "prompt": list(request.ids) if self._exact else self._text_tokenizer.text(request.ids),
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        grammar = None if request.constraint is None else to_gbnf(request.constraint)
        if self._flavour == "llama_cpp":
            body |= {"top_k": sampling.top_k, "min_p": 0.0, "repeat_penalty": 1.0}
            if grammar is not None:
                body["grammar"] = grammar
        elif self._flavour == "vllm":
            body |= {"top_k": sampling.top_k or -1, "min_p": 0.0, "repetition_penalty": 1.0}
            if self._exact:
                body["return_token_ids"] = True
            if grammar is not None and self._old_vllm:
                body["guided_grammar"] = grammar
            elif grammar is not None:
                body["structured_outputs"] = {"grammar": grammar}
        return body

    def _chunks(self, events: Iterator[dict[str, Any]]) -> Generator[Chunk, None, None]:
        finish: str | None = None
        usage: Usage | None = None
        for event in events:
            usage = _usage(event.get("usage")) or usage
            choices = event.get("choices")
            choice = choices[0] if isinstance(choices, list) and choices else {}
            if not isinstance(choice, dict):
                raise EngineError(f"{self._remote.url} sent a choice that is no JSON object")
            text = text_of(choice.get("text") or "")
            if self._exact:
                ids = token_ids(choice.get("token_ids") or [])
                if text and not ids:
                    raise EngineError(
                        f"{self.kind} returns no token ids (0.10.2 and newer do): "
                        "leave --tokenizer away"
                    )
                text = b"".join(map(self.tokenizer.piece, ids)).decode("utf-8", "replace")
            else:
                ids = self._text_tokenizer.encode(text, special=False)
            if ids:
                yield Chunk(ids, text, usage)
            finish = choice.get("finish_reason") or finish
        if finish not in _FINISH:
            why = "before its end" if finish is None else f"with {str(finish)[:40]!r}"
            raise EngineError(f"{self._remote.url} closed the stream {why}")
        yield Chunk(usage=usage, finish=_FINISH[finish])

    def _what_is_missing(self) -> list[str]:
        notes = []
        if not self._exact:
            notes.append(STAND_INS)
        if self._vocabulary is None:
            notes.append(NO_TEMPLATE)
        if self.holds is Holds.NOTHING:
            notes.append(NO_GRAMMAR)
        return [note.format(kind=self.kind) for note in notes]

    def _check_vocabulary(self) -> None:
        """Raise ModelError if the tokenizer file is not that of the served model."""
        probe = "<|im_start|>user\nGrüße, 17 * 23?"
        body = {"model": self.model, "prompt": probe, "add_special_tokens": False}
        answer = self._remote.post("/tokenize", body)
        theirs = answer.get("tokens") if isinstance(answer, dict) else None
        if theirs != self.tokenizer.encode(probe, special=True):
            raise ModelError(f"--tokenizer is not the tokenizer of {self.model!r} on {self.kind}")


def list_models(remote: Remote) -> list[dict[str, Any]]:
    """The rows of /v1/models. Raises EngineError if there is no such thing."""
    answer = remote.get("/v1/models")
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise EngineError(f"{remote.url} is no model server that is known here")
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _flavour(remote: Remote, row: dict[str, Any]) -> str:
    if row.get("owned_by") == "vllm":
        return "vllm"
    try:
        answer = remote.post("/extras/tokenize/count", {"input": "x"})
    except Refusal:
        return "other"
    return "llama_cpp" if isinstance(answer, dict) and count(answer.get("count")) else "other"


def _vllm_version(remote: Remote) -> str:
    try:
        answer = remote.get("/version")
    except Refusal:
        return ""
    version = answer.get("version") if isinstance(answer, dict) else None
    found = re.match(r"\d+\.\d+(\.\d+)?", version) if isinstance(version, str) else None
    return found[0] if found else ""


def _is_older(version: str, than: tuple[int, int]) -> bool:
    parts = version.split(".")
    return len(parts) > 1 and (int(parts[0]), int(parts[1])) < than


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    details = value.get("prompt_tokens_details")
    return Usage(
        prompt=count(value.get("prompt_tokens")),
        cached=count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        generated=count(value.get("completion_tokens")),
    )
