"""One agent behind the command line: opens it, shows its events, writes its trace."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from runtime.agent import CODE_INTERPRETER, Agent
from runtime.cli import interrupt
from runtime.cli.server import ServerOptions
from runtime.cli.view import LiveView
from runtime.errors import UsageError
from runtime.events import Event, RunFinished, TextDelta
from runtime.models import StderrProgress, resolve_model
from runtime.protocol import Tool, load_tools
from runtime.record import RunRecord


class Session:
    """Owns the `Agent` for one call of `sod-agent`; use it in a `with` block."""

    def __init__(
        self,
        *,
        as_json: bool,
        trace: Path | None,
        model: str | None,
        lora: str | None,
        tools_file: Path | None,
        settings: dict[str, Any],
        server: ServerOptions | None = None,
        **engine: Any,
    ) -> None:
        if trace is not None:
            _check_writable(trace)
        tools: list[Tool | str] = [CODE_INTERPRETER]
        if tools_file is not None:
            with redirect_stdout(sys.stderr):  # standard output is for the answer alone
                tools += load_tools(str(tools_file))
        self.view = None if as_json else LiveView(sys.stderr)
        self._server = None if server is None else server.connect(model, lora, engine)
        if self._server is not None:
            self._show(self._server.notes)
            self.agent = Agent(self._server.model_name, tools, engine=self._server, **settings)
        else:
            with StderrProgress() as progress:
                resolved = resolve_model(model, lora=lora, on_progress=progress)
            self._show(resolved.notes)
            self.agent = Agent(resolved, tools, **engine, **settings)
        self._trace_path = trace
        self._trace_file: TextIO | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._trace_file is not None:
            self._trace_file.close()
        self.agent.close()
        if self._server is not None:
            self._server.close()

    def _show(self, notes: Sequence[str]) -> None:
        if self.view is not None:
            for note in notes:
                self.view.note(note)

    def ask(self, question: str, *, follow_up: bool = False) -> RunRecord:
        """Run one question to its end, shown live. Ctrl-C ends the run, not the program."""
        events = self.agent.stream(question, follow_up=follow_up)
        pending: Event | None = None
        while True:
            try:
                interrupt.check()
                with redirect_stdout(sys.stderr):  # a tool may print
                    event = pending or next(events)
                pending = None
                self._handle(event)
            except KeyboardInterrupt:
                interrupt.forget()
                # Not raised inside the loop's generator but here: hand it in.
                pending = events.throw(KeyboardInterrupt())
                continue
            if isinstance(event, RunFinished):
                return event.record

    def _handle(self, event: Event) -> None:
        if self.view is not None:
            try:
                self.view.show(event)
            except OSError:  # nobody watches any more; the answer still counts
                self.view = None
        if self._trace_path is not None and not isinstance(event, TextDelta):
            self._write_trace(self._trace_path, event)

    def _write_trace(self, path: Path, event: Event) -> None:
        row = {"at": round(time.time(), 6), **event.to_dict()}
        try:
            if self._trace_file is None:  # not before: a bad model leaves no empty trace behind
                self._trace_file = path.open("w", encoding="utf-8")
            self._trace_file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._trace_file.flush()
        except OSError as error:
            self._trace_file = None
            raise UsageError(f"--trace {path} cannot be written: {error.strerror}") from error


def _check_writable(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"--trace {path} is a folder: name a file in it")
    if not folder.is_dir():
        raise UsageError(f"--trace: there is no folder {folder}")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"--trace: cannot write {path}")
