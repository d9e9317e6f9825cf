"""The command line: `sod-agent "question"` and `sod-agent doctor`.

Standard output carries the answer and nothing else, standard error everything a person watches.
Exit code 0 with an answer, 1 without one, 2 for bad usage or a bad model. This file only turns
flags into an `Agent` and its events into files and screens.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from runtime import __version__, entry
from runtime.cli import interrupt
from runtime.errors import UsageError
from runtime.settings import Settings, ToolChoice

HELP = """Solve a problem with a small language model and a sandboxed Python tool, offline.

The answer goes to standard output; what the model writes, its tool calls and their results are
shown on standard error. Called bare on a terminal it starts a conversation. `sod-agent doctor`
checks this machine.
"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
doctor_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"sod-agent {__version__}")
        raise typer.Exit


@app.command(help=HELP)
def solve(
    question: Annotated[
        str | None, typer.Argument(help="The problem; - reads it from standard input.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the answer.")
    ] = False,
    trace: Annotated[
        Path | None, typer.Option(help="Write every event, token ids included, as JSON lines.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="GGUF file, ONNX folder, Hugging Face id or a name from the registry."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="What runs the model: llama.cpp, onnx, or openai for a model server.",
            show_default="by the model",
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Of a model server, for --engine openai.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="GGUF file with the vocabulary of the server's model.")
    ] = None,
    lora: Annotated[str | None, typer.Option(help="LoRA adapter (GGUF) on top of it.")] = None,
    max_turns: Annotated[
        int, typer.Option(help="Turns of the model at most.")
    ] = Settings.max_turns,
    max_tokens: Annotated[
        int, typer.Option(help="Tokens it may write in all.")
    ] = Settings.max_tokens,
    temperature: Annotated[
        float, typer.Option(help="0 always takes the likeliest token.")
    ] = Settings.temperature,
    top_p: Annotated[float, typer.Option(help="Nucleus sampling.")] = Settings.top_p,
    seed: Annotated[int, typer.Option(help="Of the sampling.")] = Settings.seed,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads.", show_default="physical cores", min=1)
    ] = None,
    ctx: Annotated[
        int | None, typer.Option(help="Window in tokens.", show_default="at most 4096", min=256)
    ] = None,
    tools: Annotated[
        Path | None, typer.Option(help="Python file with @tool functions, beside the built-in.")
    ] = None,
    tool_choice: Annotated[
        ToolChoice,
        typer.Option(help="Whether the first turn must call a tool, or none may."),
    ] = Settings.tool_choice,
    system: Annotated[str | None, typer.Option(help="Replace the system prompt.")] = None,
    thinking: Annotated[bool, typer.Option("--thinking", help="Let it think first.")] = False,
    no_grammar: Annotated[
        bool, typer.Option("--no-grammar", help="Do not hold tool calls to their schema.")
    ] = False,
    example: Annotated[
        bool | None,
        typer.Option(
            "--example/--no-example",
            help="Show the model one worked tool call.",
            show_default="if it is not trained on tools",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True)
    ] = False,
) -> int:
    from runtime.cli.server import ServerOptions
    from runtime.cli.session import Session
    from runtime.cli.view import printable

    interactive = question is None and sys.stdin.isatty()
    if interactive and as_json:
        raise UsageError("--json needs a question")
    if not interactive:
        question = _read_question(question)
    session = Session(
        as_json=as_json,
        trace=trace,
        model=model,
        engine=engine,
        lora=lora,
        tools_file=tools,
        n_threads=threads,
        n_ctx=ctx,
        server=ServerOptions.from_flags(engine, base_url, tokenizer),
        settings={
            "max_turns": max_turns,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
            "tool_choice": tool_choice,
            "system": system,
            "thinking": thinking,
            "grammar": not no_grammar,
            "example": example,
        },
    )
    with session:
        if question is None:
            from runtime.cli.repl import converse

            return converse(session)
        record = session.ask(question)
    if as_json:
        print(json.dumps(record.to_dict(), ensure_ascii=False))
    elif record.answer is not None:
        print(printable(record.answer))
    return 0 if record.answer is not None else 1


@doctor_app.command(help="Check this machine: engine, model, sandbox, cache; say what is missing.")
def doctor(
    model: Annotated[str | None, typer.Option(help="The model to look for.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    from runtime.cli.doctor import examine, show

    report = examine(model)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        show(report)
    return 0 if report["ok"] else 1


def _read_question(question: str | None) -> str:
    if question not in (None, "-"):
        text = question or ""
    else:
        try:
            text = sys.stdin.read()
        except UnicodeDecodeError:
            raise UsageError("standard input is not text in this locale's encoding") from None
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("the question is not text in this locale's encoding")
    if not text.strip():
        raise UsageError("the question is empty")
    return text.strip()


def main() -> None:
    """Entry point of the `sod-agent` command."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller, as with 2>&-
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    interrupt.install()
    args = sys.argv[1:]
    command, args = (doctor_app, args[1:]) if args[:1] == ["doctor"] else (app, args)
    entry.main("sod-agent", command, args)


if __name__ == "__main__":
    main()
