"""Finds out what kind of server answers at an address."""

from __future__ import annotations

import time
from typing import Any

from runtime.engines.servers.base import Server
from runtime.engines.servers.completions import CompletionsServer, list_models
from runtime.engines.servers.http import Refusal, Remote
from runtime.engines.servers.llama_server import LlamaServer, read_props
from runtime.engines.servers.ollama import OllamaServer
from runtime.engines.servers.vocabulary import Vocabulary

LOADING_S = 120.0  # a large model from a slow disk


def connect(
    remote: Remote, model: str | None, vocabulary: Vocabulary | None, n_ctx: int | None
) -> Server:
    """The server and its `model` (None: the only one it serves).

    `vocabulary` says what the server does not tell; `n_ctx` bounds the window, in tokens.
    Raises EngineError if nothing usable answers, ModelError if the model is not served.
    """
    if props := _await_props(remote):
        return LlamaServer(remote, model, props)
    if version := _ollama_version(remote):
        return OllamaServer(remote, model, version, vocabulary, n_ctx)
    return CompletionsServer(remote, model, list_models(remote), vocabulary, n_ctx)


def _await_props(remote: Remote) -> dict[str, Any]:
    """What `read_props` gives; a server that is still loading its model is waited for."""
    give_up = time.monotonic() + LOADING_S
    while True:
        try:
            return read_props(remote)
        except Refusal as refusal:
            if refusal.status != 503 or time.monotonic() > give_up:
                raise
        time.sleep(0.2)


def _ollama_version(remote: Remote) -> str:
    try:
        answer = remote.get("/api/version")
    except Refusal:
        return ""
    version = answer.get("version") if isinstance(answer, dict) else None
    return "".join(c for c in version if c.isprintable())[:20] if isinstance(version, str) else ""
