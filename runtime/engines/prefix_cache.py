"""KV states of prompt beginnings on disk, so that a new process need not evaluate them again.

System prompt and tools are the same for every question. Evaluating their 300 tokens is most of
the time to the first token on a laptop; reading their state back takes milliseconds. A file's name
is a hash of everything its state depends on, so a stale one is never found. All of this is only
an optimisation: where the folder cannot be used, prompts are evaluated as if it were empty.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.engines.llama_bindings import llama

KEPT = 8  # files; a state of 300 tokens has 7 MB for a 135M model, 35 MB for Qwen3-0.6B
_DIGEST = hashlib.sha256().digest_size
MIN_TOKENS = 32  # a shorter prefix is evaluated about as fast as it is read


class PrefixCache:
    """States of sequence 0 of one llama.cpp context; `facts` are what they depend on."""

    def __init__(self, folder: Path, *facts: object) -> None:
        self._folder = folder
        self._facts = repr(facts).encode()

    def restore(self, context: Any, ids: Sequence[int]) -> bool:
        """Put the state of exactly `ids` into the empty KV cache of `context`, if it is here."""
        path = self._path(ids)
        if len(ids) < MIN_TOKENS or not path.is_file():
            return False
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            digest, state = content[:_DIGEST], content[_DIGEST:]
            # llama.cpp aborts the process on a damaged state, so it never gets to see one.
            if hashlib.sha256(state).digest() == digest:
                os.utime(path)  # the oldest file is the first to go
                buffer = (ctypes.c_uint8 * len(state)).from_buffer_copy(state)
                return bool(llama().llama_state_seq_set_data(context, buffer, len(state), 0))
            path.unlink()
        return False

    def store(self, context: Any, ids: Sequence[int]) -> None:
        """Save the state of `ids`, which are all that the KV cache of `context` holds."""
        if len(ids) < MIN_TOKENS:
            return
        buffer = (ctypes.c_uint8 * llama().llama_state_seq_get_size(context, 0))()
        size = llama().llama_state_seq_get_data(context, buffer, len(buffer), 0)
        state = memoryview(buffer)[:size]
        path = self._path(ids)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.write_bytes(hashlib.sha256(state).digest() + state)
            part.replace(path)
            self._prune()
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _path(self, ids: Sequence[int]) -> Path:
        digest = hashlib.sha256(self._facts + repr(list(ids)).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.kv"

    def _prune(self) -> None:
        newest_first = sorted(self._folder.glob("*.kv"), key=lambda file: -file.stat().st_mtime)
        for file in newest_first[KEPT:]:
            file.unlink()
