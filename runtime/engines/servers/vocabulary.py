"""What a server does not tell of its model, out of a GGUF file: tokenizer and chat template."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from runtime.engines.base import Tokenizer
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.errors import ModelError, UsageError
from runtime.models.gguf import inspect_gguf


class Vocabulary:
    """The vocabulary of the GGUF file at `path`; its weights are not read.

    Raises UsageError if it is no such file, ModelError if it is damaged.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UsageError(f"--tokenizer takes a GGUF file, and {path} is none")
        inspect_gguf(path)
        self._lib: Any = llama()
        params = self._lib.llama_model_default_params()
        params.vocab_only = True
        clear_log()
        with interrupts_deferred():
            self._model = self._lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}: {last_error()}")
        tokenizer = LlamaTokenizer(self._lib.llama_model_get_vocab(self._model))
        self.tokenizer: Tokenizer = tokenizer
        template = self._lib.llama_model_chat_template(self._model, None)
        self.chat_template: str | None = template.decode("utf-8", "replace") if template else None

    def close(self) -> None:
        if self._model:
            self._lib.llama_model_free(self._model)
        self._model = None
