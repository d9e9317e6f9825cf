"""`Agent`: a model, its tools and its settings, ready for questions.

One class serves the command line, the Python API, the benchmarks and the trainer's parity test.
`Agent.stream` yields what happens as typed events (events.py), `Agent.run` returns the record at
the end (record.py); the loop itself is in loop.py.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines import open_engine
from runtime.engines.base import Engine
from runtime.errors import ModelError, UsageError
from runtime.events import (
    Event,
    RunFinished,
)
from runtime.loop import Run
from runtime.models import ResolvedModel, cache_dir, resolve_model
from runtime.protocol import (
    PROTOCOL_VERSION,
    ChatTemplate,
    Message,
    Tool,
    Transcript,
    system_prompt,
    worked_example,
)
from runtime.record import RunRecord
from runtime.settings import Settings
from runtime.tools.code_interpreter import code_interpreter_tool

if TYPE_CHECKING:
    from runtime.sandbox import Sandbox

CODE_INTERPRETER = "code_interpreter"


class Agent:
    """A model with its tools, ready for questions. Close it, or use it in a `with` block.

    `model` is a GGUF file, an ONNX folder, a Hugging Face id or a name of the registry (None: the
    default).
    `tools` are `@tool` functions; the string "code_interpreter" stands for the sandboxed one.
    `engine` is the name of one (None: the one that runs the model), or an open engine, which
    several agents can share and the caller closes; `model` is then only a name. Keyword settings
    are those of `Settings`.
    Raises ModelError for a model that cannot be had, UsageError for settings that make no sense.
    """

    def __init__(
        self,
        model: str | ResolvedModel | None = None,
        tools: Sequence[Tool | str] = (CODE_INTERPRETER,),
        *,
        engine: str | Engine | None = None,
        lora: str | None = None,
        n_ctx: int | None = None,
        n_threads: int | None = None,
        **settings: Any,
    ) -> None:
        try:
            self.settings = Settings(**settings)
        except TypeError as error:
            raise UsageError(f"Agent: {error}".replace("Settings.__init__() ", "")) from None
        tools = list(tools)
        self._closed = False
        self._owns_engine = engine is None or isinstance(engine, str)
        self.sandbox = _sandbox() if CODE_INTERPRETER in tools else None
        try:
            self.tools = [self._tool(item) for item in tools]
            _check_tools(self.tools, self.settings)
            if self.sandbox is not None:
                self.sandbox.warm(cpython=False)  # costs nothing while the model loads
            self._open_model(model, engine, lora, n_ctx, n_threads)
            tokenizer = self.engine.tokenizer
            self._template = ChatTemplate(
                self.engine.chat_template, tokenizer.bos_text, tokenizer.eos_text
            )
        except BaseException:
            self.close()
            raise
        self._transcript: Transcript | None = None
        self._common: list[int] | None = None  # what the prompts of all questions begin with

    def _open_model(
        self,
        model: str | ResolvedModel | None,
        engine: str | Engine | None,
        lora: str | None,
        n_ctx: int | None,
        n_threads: int | None,
    ) -> None:
        untrained = False
        if engine is None or isinstance(engine, str):
            if isinstance(model, ResolvedModel):
                if lora is not None:
                    raise UsageError("the model is resolved already: give `lora` to resolve_model")
                found = model
            else:
                found = resolve_model(model, lora=lora)
            _check_protocol(found)
            self.model_name, untrained = found.name, found.untrained
            self.engine = open_engine(
                found.engine_for(engine),
                found.path,
                lora=found.lora,
                n_ctx=n_ctx,
                n_threads=n_threads,
                prefix_folder=cache_dir() / "prefixes",
            )
        else:
            if (lora, n_ctx, n_threads) != (None, None, None) or isinstance(model, ResolvedModel):
                raise UsageError("an open engine has its model, lora, n_ctx and n_threads already")
            self.model_name = model or Path(engine.model_path).stem
            self.engine = engine
        if self.settings.example is None:
            # Where the model may also answer at once, it would copy the example's answer.
            shown = untrained and self.settings.tool_choice == "required"
            self.settings = replace(self.settings, example=shown)

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model and stop the sandbox. No run is possible afterwards."""
        self._closed = True
        if self._owns_engine and hasattr(self, "engine"):
            self.engine.close()
        if self.sandbox is not None:
            self.sandbox.close()

    def warm_up(self) -> None:
        """Start the slower tier of the sandbox too, in the background."""
        if self.sandbox is not None:
            self.sandbox.warm()

    def run(self, question: str, *, follow_up: bool = False) -> RunRecord:
        """Answer one question. `follow_up` goes on with the previous conversation."""
        for event in self.stream(question, follow_up=follow_up):
            if isinstance(event, RunFinished):
                return event.record
        raise AssertionError("a run always ends with RunFinished")

    def stream(self, question: str, *, follow_up: bool = False) -> Generator[Event, None, None]:
        """The same, as events while they happen; the last one is `RunFinished`.

        Ctrl-C (KeyboardInterrupt) while the model writes or a tool runs ends the run with
        `StopReason.INTERRUPTED` and a record of what there is.
        """
        if not isinstance(question, str):
            raise UsageError(f"the question must be a text, not {type(question).__name__}")
        if not question.strip():
            raise UsageError("the question is empty")
        if self._closed:
            raise UsageError("this agent is closed")
        return Run(self, question, follow_up).events()

    def open_transcript(self, question: str, follow_up: bool) -> tuple[Transcript, int]:
        """The transcript that ends in `question`, and how much of it any question's has too."""
        if follow_up and self._transcript is not None:
            self._transcript.add_user(question)
            return self._transcript, 0
        self._transcript = self._first_prompt(question)
        return self._transcript, self._shared_prefix(self._transcript.ids)

    def offered_tools(self) -> list[Tool]:
        """The tools a run may call under the present settings."""
        return [] if self.settings.tool_choice == "none" else self.tools

    def _tool(self, item: Tool | str) -> Tool:
        if isinstance(item, Tool):
            return item
        if item == CODE_INTERPRETER and self.sandbox is not None:
            return code_interpreter_tool(self.sandbox)
        raise UsageError(f"{item!r} is not a tool: decorate the function with @tool")

    def _shared_prefix(self, ids: Sequence[int]) -> int:
        """How many of the first `ids` any other question's prompt has too."""
        if self._common is None:
            one, other = (self._first_prompt(question).ids for question in ("A", "1"))
            pairs = zip(one, other, strict=False)
            shared = next((n for n, (a, b) in enumerate(pairs) if a != b), 0)
            self._common = one[:shared]
        return len(self._common) if list(ids[: len(self._common)]) == self._common else 0

    def _system(self, tools: Sequence[Tool]) -> str:
        own = self.settings.system
        return system_prompt(tools) if own is None else own

    def _first_prompt(self, question: str) -> Transcript:
        tools = self.offered_tools()
        messages = [Message("system", self._system(tools))]
        if self.settings.example and any(tool.name == CODE_INTERPRETER for tool in tools):
            messages += worked_example()
        messages.append(Message("user", question))
        return Transcript.open(
            self.engine.tokenizer,
            self._template,
            messages,
            tools,
            thinking=self.settings.thinking,
        )


def _sandbox() -> Sandbox:
    from runtime.sandbox import Sandbox

    return Sandbox()


def _check_protocol(model: ResolvedModel) -> None:
    version = model.info.protocol_version
    if version not in (None, PROTOCOL_VERSION):
        raise ModelError(
            f"{model.path} was trained on version {version} of the protocol, and this sod-agent "
            f"speaks version {PROTOCOL_VERSION}: use the release that it was made with"
        )


def _check_tools(tools: Sequence[Tool], settings: Settings) -> None:
    if not tools and settings.tool_choice == "required":
        raise UsageError("tool_choice is required, but there is no tool")
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two tools are called '{name}'")
