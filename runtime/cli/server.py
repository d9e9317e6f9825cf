"""`--engine openai`: which flags go with it, and which do not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import UsageError

if TYPE_CHECKING:
    from runtime.engines.openai import OpenAIEngine


@dataclass(frozen=True)
class ServerOptions:
    """`base_url` of the server; `tokenizer`: a GGUF file with what the server does not tell."""

    base_url: str
    tokenizer: Path | None = None

    @classmethod
    def from_flags(
        cls, engine: str | None, base_url: str | None, tokenizer: Path | None
    ) -> ServerOptions | None:
        """The options, or None for an engine that runs here.

        Raises UsageError for flags that do not go together.
        """
        if engine != "openai":
            for flag, value in (("--base-url", base_url), ("--tokenizer", tokenizer)):
                if value is not None:
                    raise UsageError(f"{flag} goes with --engine openai")
            return None
        if base_url is None:
            raise UsageError("--engine openai needs --base-url, such as http://127.0.0.1:8080")
        return cls(base_url, tokenizer)

    def connect(self, model: str | None, lora: str | None, engine: dict[str, Any]) -> OpenAIEngine:
        """The engine; `engine` holds the flags of engines that run here.

        Raises UsageError, EngineError or ModelError.
        """
        from runtime.engines.openai import OpenAIEngine

        for flag, value in (("--lora", lora), ("--threads", engine.get("n_threads"))):
            if value is not None:
                raise UsageError(f"{flag} is the server's affair: set it where the server starts")
        return OpenAIEngine(
            self.base_url, model=model, tokenizer=self.tokenizer, n_ctx=engine.get("n_ctx")
        )
