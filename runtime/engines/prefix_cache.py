"""KV states of prompt beginnings on disk, so that a new process need not evaluate them again.

System prompt and tools are the same for every question. Evaluating their 300 tokens is most of
the time to the first token on a laptop; reading their state back takes milliseconds. A file's name
is a hash of everything its state depends on, so a stale one is never found. All of this is only
an optimisation: where the folder cannot be used, prompts are evaluated as if it were empty.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

KEPT = 8  # files; a state of 300 tokens has 7 MB for a 135M model, 35 MB for Qwen3-0.6B
_DIGEST = hashlib.sha256().digest_size
MIN_TOKENS = 32  # a shorter prefix is evaluated about as fast as it is read


class PrefixCache:
    """States of prompt beginnings; `facts` are what they depend on."""

    def __init__(self, folder: Path, *facts: object) -> None:
        self._folder = folder
        self._facts = repr(facts).encode()

    def wants(self, length: int) -> bool:
        """Whether the state of `length` tokens is worth a file."""
        return length >= MIN_TOKENS

    def load(self, ids: Sequence[int]) -> memoryview | None:
        """The state of exactly `ids`, whole as it was stored; None if it is not here."""
        path = self._path(ids)
        if not self.wants(len(ids)) or not path.is_file():
            return None
        with contextlib.suppress(OSError):
            content = memoryview(path.read_bytes())
            digest, state = content[:_DIGEST], content[_DIGEST:]
            # llama.cpp aborts the process on a damaged state, so it never gets to see one.
            if hashlib.sha256(state).digest() == digest:
                os.utime(path)  # the oldest file is the first to go
                return state
            path.unlink()
        return None

    def store(self, ids: Sequence[int], state: bytes | memoryview) -> None:
        """Keep the state of `ids`."""
        path = self._path(ids)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("wb") as file:
                file.write(hashlib.sha256(state).digest())
                file.write(state)
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
