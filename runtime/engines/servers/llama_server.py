"""llama.cpp's llama-server: token ids in, token ids out, over its own /completion.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md

Its stream has one gap: tokens that end inside a character are not sent, the one that completes
the character comes with the text of all of them. `_fill` finds those ids again.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any
from urllib.parse import quote

from runtime.engines.base import FinishReason, Sampling, Tokenizer
from runtime.engines.grammar import to_gbnf
from runtime.engines.servers.base import (
    Chunk,
    Holds,
    Request,
    Usage,
    choose_model,
    count,
    seconds,
    text_of,
    token_ids,
)
from runtime.engines.servers.http import Refusal, Remote
from runtime.engines.servers.server_tokenizer import ServerTokenizer
from runtime.errors import EngineError

_LAST_FIELDS = ["content", "tokens", "stop", "stop_type", "truncated", "tokens_predicted"]


class LlamaServer:
    """Implements `runtime.engines.servers.base.Server`.

    Raises ModelError if the model is not served, EngineError for a server that fails.
    """

    holds = Holds.GRAMMAR

    def __init__(self, remote: Remote, model: str | None, props: dict[str, Any]) -> None:
        self._remote = remote
        self.notes: list[str] = []
        self._route: dict[str, Any] = {}
        names = _served(remote.get("/v1/models"))
        if props.get("role") == "router":
            self.model = choose_model(names, model, remote.url)
            self._route = {"model": self.model}
            props = read_props(remote, f"?model={quote(self.model, safe='')}")
        else:
            self.model = choose_model(names, model, remote.url)
        self.kind = "llama-server"
        window = count(props.get("default_generation_settings", {}).get("n_ctx"))
        if not window:
            raise EngineError(f"{remote.url} does not tell its window (n_ctx in /props)")
        self.n_ctx = window
        template = props.get("chat_template")
        self.chat_template = template if isinstance(template, str) and template else None
        texts = [props.get(key) for key in ("bos_token", "eos_token")]
        bos, eos = (text if isinstance(text, str) else "" for text in texts)
        self._tokenizer = ServerTokenizer(self._post, bos, eos)

    @property
    def tokenizer(self) -> Tokenizer:
        return self._tokenizer

    def complete(self, request: Request) -> Generator[Chunk, None, None]:
        """See `Server.complete`."""
        body = self._route | _sampling(request.sampling)
        body |= {
            "prompt": list(request.ids),
            "n_predict": request.max_tokens,
            "stream": True,
            "cache_prompt": True,
            "return_tokens": True,
            "timings_per_token": True,
            "response_fields": [*_LAST_FIELDS, "timings"],
        }
        if request.constraint is not None:
            body["grammar"] = to_gbnf(request.constraint)
        events = self._remote.events("/completion", body)
        try:
            yield from self._chunks(events)
        finally:
            if isinstance(events, Generator):
                events.close()

    def _chunks(self, events: Iterator[dict[str, Any]]) -> Generator[Chunk, None, None]:
        seen, held = 0, None  # `held`: a token without text, which may be the one that ends it all
        for event in events:
            text, ids = text_of(event.get("content", "")), token_ids(event.get("tokens", []))
            done = count(event.get("tokens_predicted")) or seen
            usage = _usage(event, done)
            if event.get("stop") is True:
                ended = event.get("stop_type") == "eos"
                if held is not None:
                    if ended:
                        self._tokenizer.learn_eog(held)
                    yield Chunk([held], usage=usage)
                cut = FinishReason.CONTEXT if event.get("truncated") else FinishReason.LENGTH
                yield Chunk(usage=usage, finish=FinishReason.EOG if ended else cut)
                return
            if held is not None:
                yield Chunk([held], self._tokenizer.piece(held).decode("utf-8", "replace"), usage)
                held = None
            missing = done - seen - len(ids)
            seen = max(done, seen + len(ids))
            if missing > 0:
                ids = self._fill(text, ids, missing)
            elif len(ids) == 1 and text:
                self._tokenizer.learn(ids[0], text.encode())
            elif len(ids) == 1:
                held = ids[0]
                continue
            yield Chunk(ids, text, usage)
        raise EngineError(f"{self._remote.url} closed the stream before its end")

    def _fill(self, text: str, ids: list[int], missing: int) -> list[int]:
        """The ids of `text`, of which only the last was sent.

        They are the server's own tokenisation of it. That is what the model sampled, unless it cut
        one character in an unusual way; then the text is right and the ids say it differently.
        """
        found = self._tokenizer.encode(text, special=False)
        if len(found) != missing + len(ids) or found[-len(ids) :] != ids:
            self.notes[:] = ["a character was sampled in an uncommon way: its ids are a guess"]
        return found

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._remote.post(path, self._route | body)


def read_props(remote: Remote, query: str = "") -> dict[str, Any]:
    """/props, as far as it is a llama-server's; {} where there is no such thing.

    Raises EngineError if the server is there and cannot answer.
    """
    try:
        props = remote.get(f"/props{query}")
    except Refusal as refusal:
        if refusal.status in (401, 403, 503):
            raise
        return {}
    if isinstance(props, dict) and (
        isinstance(props.get("default_generation_settings"), dict) or props.get("role") == "router"
    ):
        return props
    return {}


def _served(answer: Any) -> list[str]:
    rows = answer.get("data") if isinstance(answer, dict) else None
    names = [row.get("id") for row in rows or [] if isinstance(row, dict)]
    return [name for name in names if isinstance(name, str)]


def _sampling(sampling: Sampling) -> dict[str, Any]:
    # What is not named here is off: the server's own defaults penalise repetition, for one.
    return {
        "samplers": ["top_k", "temperature", "top_p"],
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
    }


def _usage(event: dict[str, Any], generated: int) -> Usage:
    timings = event.get("timings")
    timings = timings if isinstance(timings, dict) else {}
    fresh, cached = count(timings.get("prompt_n")), count(timings.get("cache_n"))
    return Usage(
        prompt=None if fresh is None else fresh + (cached or 0),
        cached=cached,
        generated=generated,
        prefill_s=seconds(timings.get("prompt_ms"), 1e-3),
        decode_s=seconds(timings.get("predicted_ms"), 1e-3),
    )
