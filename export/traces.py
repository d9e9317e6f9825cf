"""Token ids of tool trajectories, out of the files that running and training leave behind.

`sod-agent --trace FILE` writes events with the ids of everything the model read and wrote.
The trainer's `trajectories.jsonl` holds texts (unless rows carry ids); they are tokenised again
with the model's own vocabulary, behind the prompt that its template makes of the question.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.errors import ExportError
from export.files import reason
from runtime.engines.llama_bindings import clear_log, interrupts_deferred, last_error, llama
from runtime.engines.llama_tokenizer import LlamaTokenizer
from runtime.errors import ModelError
from runtime.models.gguf import inspect_gguf
from runtime.protocol import ChatTemplate, Message, Transcript, system_prompt
from runtime.sandbox import Sandbox
from runtime.tools.code_interpreter import code_interpreter_tool

if TYPE_CHECKING:
    from types import TracebackType

# Which ids an event adds to the conversation (runtime/events.py).
_IDS_OF = {
    "turn": "forced_ids",
    "turn_end": "sampled_ids",
    "tool_result": "appended_ids",
    "nudge": "appended_ids",
}
_MOST_TOKENS = 1 << 31  # llama_token is an int32
_LONGEST_LINE = 64 * 1024 * 1024  # bytes; a trace line of a full window is a thousandth of it


@dataclass
class Trajectory:
    """One whole conversation: `ids` it consists of, and which of them the model `sampled`."""

    ids: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)

    def add(self, ids: list[int], sampled: bool = False) -> None:
        self.ids += ids
        self.sampled += [sampled] * len(ids)


class Vocabulary:
    """The vocabulary and the chat template of a GGUF file, without its weights. Close it.

    Raises ModelError if the file is damaged or cannot be loaded.
    """

    def __init__(self, model: Path) -> None:
        inspect_gguf(model)  # llama.cpp ends the process over some damaged files
        self._lib, self.path = llama(), model
        params = self._lib.llama_model_default_params()
        params.vocab_only = True
        clear_log()
        with interrupts_deferred():
            self._model = self._lib.llama_model_load_from_file(os.fsencode(model), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {model}: {last_error()}")
        self.vocab: Any = self._lib.llama_model_get_vocab(self._model)  # llama.cpp's own
        self.tokenizer = LlamaTokenizer(self.vocab)

    def __enter__(self) -> Vocabulary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the C memory."""
        if self._model:
            self._lib.llama_model_free(self._model)
        self._model = None

    def prompt(self, question: str) -> list[int]:
        """The first prompt of the agent and of the trainer: system text, tool, question."""
        source = self._lib.llama_model_chat_template(self._model, None)
        template = ChatTemplate(
            source.decode("utf-8", "replace") if source else None,
            self.tokenizer.bos_text,
            self.tokenizer.eos_text,
        )
        tools = [code_interpreter_tool(Sandbox())]  # for its schema: nothing is started
        messages = [Message("system", system_prompt(tools)), Message("user", question)]
        return Transcript.open(self.tokenizer, template, messages, tools).ids

    def says(self, ids: list[int], text: str) -> bool:
        """Whether `ids` read `text`, as far as `text` goes."""
        pieces = [self.tokenizer.piece(token) for token in ids if not self.tokenizer.is_eog(token)]
        return b"".join(pieces).decode("utf-8", "replace").startswith(text)


def read_sequences(path: Path, vocabulary: Vocabulary | None = None) -> list[list[int]]:
    """The token ids of each conversation in `path`: prompt, sampled tokens, tool results.

    Raises what `read_trajectories` raises.
    """
    return [trajectory.ids for trajectory in read_trajectories(path, vocabulary)]


def read_trajectories(path: Path, vocabulary: Vocabulary | None = None) -> list[Trajectory]:
    """The conversations in a trace of `sod-agent` or in a run's `trajectories.jsonl`.

    With `vocabulary` every id must be one of it and every turn's ids must read what the trace
    says they read, so that another model's trace is refused. Texts without ids need it. A last
    line cut off by a kill is left out, as are trajectories that the sandbox failed.
    Raises ExportError, naming the line, if the file cannot be read or is not such a file.
    """
    reader = _Reader(path, vocabulary)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(_lines(file), start=1):
                reader.number = number
                reader.read(line)
    except OSError as error:
        raise ExportError(f"cannot read {path}: {reason(error)}") from error
    found = [trajectory for trajectory in reader.found if trajectory.ids]
    if not found:
        raise ExportError(
            f"{path} holds no trajectories: record some with `sod-agent --trace FILE`"
        )
    return found


def _lines(file: Any) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


class _Reader:
    """Collects trajectories from the lines of one file."""

    def __init__(self, path: Path, vocabulary: Vocabulary | None) -> None:
        self.path, self.vocabulary, self.number = path, vocabulary, 0
        self.found: list[Trajectory] = []
        self._forced: list[int] = []

    def read(self, line: bytes) -> None:
        """Take one line; raises ExportError if it is malformed."""
        if not line.strip():
            return
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if not line.endswith(b"\n"):
                return  # cut off by a kill
            raise self._wrong("is not JSON") from error
        if not isinstance(row, dict):
            raise self._wrong("is not an object")
        if isinstance(row.get("event"), str):
            self._read_event(row)
        elif isinstance(row.get("segments"), list):
            self._read_rollout(row)
        else:
            raise self._wrong("is neither an event of a trace nor a trajectory of a training run")

    def _read_event(self, row: dict[str, Any]) -> None:
        kind = row["event"]
        if kind == "run":
            prompt = self._ids(row, "prompt_ids")
            before = self.found[-1] if self.found else None
            if row.get("follow_up") is True and before and prompt[: len(before.ids)] == before.ids:
                before.add(prompt[len(before.ids) :])  # its prompt is the conversation so far
            else:
                self.found.append(Trajectory())
                self.found[-1].add(prompt)
        elif kind in _IDS_OF:
            ids = self._ids(row, _IDS_OF[kind])
            if not self.found:
                raise self._wrong("comes before the beginning of a run")
            self.found[-1].add(ids, sampled=kind == "turn_end")
            if kind == "turn":
                self._forced = ids
            elif kind == "turn_end":
                self._check_text(self._forced + ids, row.get("text"))

    def _read_rollout(self, row: dict[str, Any]) -> None:
        if row.get("infra"):
            return
        trajectory = Trajectory()
        if "prompt_ids" in row:
            trajectory.add(self._ids(row, "prompt_ids"))
        else:
            question = row.get("question")
            if not isinstance(question, str):
                raise self._wrong("has no question")
            trajectory.add(self._needed().prompt(question))
        for segment in row["segments"]:
            if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
                raise self._wrong("has a segment without a text")
            if "ids" in segment:
                ids = self._ids(segment, "ids")
                self._check_text(ids, segment["text"])
            else:
                ids = self._needed().tokenizer.encode(segment["text"], special=True)
            trajectory.add(ids, sampled=segment.get("kind") == "student")
        self.found.append(trajectory)

    def _needed(self) -> Vocabulary:
        if self.vocabulary is None:
            raise self._wrong("holds texts, not token ids: they need a model's vocabulary")
        return self.vocabulary

    def _ids(self, row: dict[str, Any], name: str) -> list[int]:
        ids = row.get(name)
        if not isinstance(ids, list) or any(type(token) is not int for token in ids):
            raise self._wrong(f"has no list of token ids as '{name}'")
        known = self.vocabulary.tokenizer.n_vocab if self.vocabulary else _MOST_TOKENS
        bad = next((token for token in ids if not 0 <= token < known), None)
        if bad is not None:
            whose = f"the {known} of {self.vocabulary.path}" if self.vocabulary else "any model's"
            raise self._wrong(
                f"has token id {bad}, which is not one of {whose}: give traces of the same model"
            )
        return ids

    def _check_text(self, ids: list[int], text: object) -> None:
        if self.vocabulary is None or not isinstance(text, str):
            return
        if not self.vocabulary.says(ids, text):
            raise self._wrong(
                f"is of another model: its token ids do not read its text in {self.vocabulary.path}"
            )

    def _wrong(self, how: str) -> ExportError:
        return ExportError(f"{self.path}, line {self.number} {how}")
