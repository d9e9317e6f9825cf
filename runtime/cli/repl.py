"""The conversation that `sod-agent` holds when it is called bare on a terminal."""

from __future__ import annotations

import sys
from contextlib import suppress

from runtime.cli import interrupt
from runtime.cli.session import Session
from runtime.cli.view import printable
from runtime.errors import UsageError

_HELP = """Type a problem. What comes after builds on it, until:
  /new    start a new conversation
  /tools  list the tools the model may call
  /help   this text
  /quit   leave (or Ctrl-D); Ctrl-C stops the model"""


def converse(session: Session) -> int:
    """Read questions until the end of input; answers go to stdout. Returns the exit code."""
    with suppress(ImportError):
        import readline  # noqa: F401  (line editing and history for input())
    agent = session.agent
    agent.warm_up()  # while the person types
    print(f"{agent.model_name} on {agent.engine.name}. /help for help.", file=sys.stderr)
    follow_up = False
    while True:
        try:
            line = _read_line().strip()
        except EOFError:
            print(file=sys.stderr)
            return 0
        except KeyboardInterrupt:
            interrupt.forget()
            print(file=sys.stderr)
            continue
        if line in ("/quit", "/exit"):
            return 0
        if line == "/new":
            follow_up = False
            print("New conversation.", file=sys.stderr)
        elif line == "/tools":
            for tool in agent.tools:
                print(f"{tool.name}: {tool.description}", file=sys.stderr)
        elif line.startswith("/"):
            print(_HELP, file=sys.stderr)
        elif line:
            follow_up = _ask(session, line, follow_up)


def _read_line() -> str:
    if sys.stdout.isatty():
        return input("> ")
    print("> ", end="", file=sys.stderr, flush=True)  # stdout is for answers
    return input()


def _ask(session: Session, line: str, follow_up: bool) -> bool:
    """Whether the next question can build on this one."""
    try:
        record = session.ask(line, follow_up=follow_up)
    except UsageError as error:
        print(f"sod-agent: {error}", file=sys.stderr)
        return follow_up
    if record.answer is not None:
        print(printable(record.answer), flush=True)
    return True
