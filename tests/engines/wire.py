"""Servers on loopback that speak a documented wire format, for what cannot be installed here.

`Wire` answers with what a test's handler says. `vllm` and `ollama` put the real llama.cpp engine
behind those servers' formats; neither was recorded from, or compared with, the real server.
vLLM: entrypoints/openai/completion/{protocol,serving}.py and entrypoints/serve/tokenize/.
Ollama: docs/api.md.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runtime.engines.base import Constraint, Sampling
from runtime.engines.grammar import to_gbnf
from runtime.engines.llama_cpp import LlamaCppEngine

Answer = dict[str, Any] | list[Any] | bytes | Iterator[bytes]
Handler = Callable[[str, dict[str, Any]], tuple[int, Answer]]


class Wire:
    """`handler(path, body)` gives a status and JSON, raw bytes or a stream of them."""

    def __init__(self, handler: Handler) -> None:
        wire = self
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.closed_early = threading.Event()

        class Speaker(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, body: dict[str, Any]) -> None:
                wire.requests.append((self.path, body))
                wire.headers.append(dict(self.headers))
                status, answer = handler(self.path, body)
                self.send_response(status)
                if isinstance(answer, Iterator):
                    self.end_headers()
                    try:
                        for line in answer:
                            self.wfile.write(line)
                            self.wfile.flush()
                    except OSError:
                        wire.closed_early.set()
                else:
                    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Speaker)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def posted(self, path: str) -> list[dict[str, Any]]:
        return [body for asked, body in self.requests if asked == path]

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def sse(events: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for event in events:
        yield b": ping\n\n"
        yield b"data: " + json.dumps(event).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def vllm(
    engine: LlamaCppEngine, constraints: Iterable[Constraint] = (), version: str = "0.11.0"
) -> Handler:
    """vLLM's format over `engine`. A grammar must be that of one of `constraints`."""
    known = {to_gbnf(constraint): constraint for constraint in constraints}

    def complete(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        prompt = body["prompt"]
        ids = prompt if isinstance(prompt, list) else engine.tokenizer.encode(prompt, special=True)
        grammar = (body.get("structured_outputs") or {}).get("grammar")
        sampling = Sampling(body["temperature"], body["top_p"], max(0, body["top_k"]), body["seed"])
        generation = engine.generate(
            ids,
            max_tokens=body["max_tokens"],
            sampling=sampling,
            constraint=known[grammar] if grammar else None,
        )
        for token in generation:
            eog = engine.tokenizer.is_eog(token)
            text = "" if eog else engine.tokenizer.piece(token).decode("utf-8", "replace")
            choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": None}
            if body.get("return_token_ids"):
                choice["token_ids"] = [token]
            yield {"object": "text_completion", "choices": [choice]}
        reason = "length" if generation.finish.value == "length" else "stop"
        yield {"choices": [{"index": 0, "text": "", "finish_reason": reason}]}
        usage = {"prompt_tokens": len(ids), "completion_tokens": generation.stats.generated}
        details = {"cached_tokens": generation.stats.reused}
        yield {"choices": [], "usage": {**usage, "prompt_tokens_details": details}}

    def handler(path: str, body: dict[str, Any]) -> tuple[int, Answer]:
        if path == "/version":
            return 200, {"version": version}
        if path == "/v1/models":
            row = {"id": "org/model", "object": "model", "owned_by": "vllm", "max_model_len": 2048}
            return 200, {"object": "list", "data": [row]}
        if path == "/tokenize":
            ids = engine.tokenizer.encode(body["prompt"], special=True)
            return 200, {"count": len(ids), "max_model_len": 2048, "tokens": ids}
        if path == "/v1/completions":
            return 200, sse(complete(body))
        return 404, {"detail": "Not Found"}

    return handler


def ollama(
    engine: LlamaCppEngine,
    constraint: Constraint | None = None,
    names: Iterable[str] = ("m:latest",),
) -> Handler:
    """Ollama's format over `engine`; `format` must be the schema of `constraint`."""

    def generate(body: dict[str, Any]) -> Iterator[bytes]:
        options = body["options"]
        ids = engine.tokenizer.encode(body["prompt"], special=True)
        held = constraint if "format" in body else None
        assert held is None or body["format"] == held.schema
        generation = engine.generate(
            ids,
            max_tokens=options["num_predict"],
            sampling=Sampling(options["temperature"], options["top_p"], seed=options["seed"]),
            constraint=held,
        )
        text = ""
        for token in generation:
            piece = engine.tokenizer.piece(token).decode("utf-8", "replace")
            text += piece
            if engine.tokenizer.is_eog(token) or (held is not None and "</" in text):
                break  # with a format, the answer ends where its JSON does
            row = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "response": piece}
            yield json.dumps({**row, "done": False}).encode() + b"\n"
        reason = "length" if generation.finish.value == "length" else "stop"
        last = {
            "model": body["model"],
            "response": "",
            "done": True,
            "done_reason": reason,
            "prompt_eval_count": len(ids),
            "prompt_eval_duration": 1_000_000,
            "eval_count": generation.stats.generated,
            "eval_duration": 2_000_000,
        }
        yield json.dumps(last).encode() + b"\n"

    def handler(path: str, body: dict[str, Any]) -> tuple[int, Answer]:
        if path == "/api/version":
            return 200, {"version": "0.12.6"}
        if path == "/api/tags":
            return 200, {"models": [{"name": name, "model": name} for name in names]}
        if path == "/api/show" and body["model"] in names:
            facts = {"general.architecture": "llama", "llama.context_length": 8192}
            return 200, {"template": "{{ .Prompt }}", "model_info": facts}
        if path == "/api/generate" and body["model"] in names:
            return 200, generate(body)
        return 404, {"error": f"model '{body.get('model')}' not found"} if body else b"404"

    return handler
