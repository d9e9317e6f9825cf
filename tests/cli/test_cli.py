"""`sod-agent` as a person runs it: a real process, the real model, the real sandbox."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "runtime.cli.main"]
SHORT = ["--tool-choice", "required", "--max-tokens", "160", "--max-turns", "3", "--ctx", "1024"]


def sod_agent(*args: str, stdin: str | None = None, **kwargs) -> subprocess.CompletedProcess[str]:
    source = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run(
        [*COMMAND, *args], capture_output=True, text=True, timeout=90, **source, **kwargs
    )


def test_the_answer_alone_is_on_stdout():
    done = sod_agent("Print 6 * 7 with Python.", *SHORT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stdout.count("\n") == 1
    assert "code_interpreter" in done.stderr  # what the model wrote
    assert "ms)" in done.stderr  # its result, with the time it took
    assert "tokens evaluated" in done.stderr


def test_the_question_from_stdin_and_json_alone_on_stdout(tmp_path):
    trace = tmp_path / "trace.jsonl"
    done = sod_agent("-", "--json", "--trace", str(trace), *SHORT, stdin="Print 6 * 7.\n")
    record = json.loads(done.stdout)
    assert done.returncode == (0 if record["answer"] is not None else 1)
    assert done.stderr == ""
    assert record["turns"][0]["tool"] == "code_interpreter"
    assert set(record["turns"][0]) >= {"text", "arguments", "result", "error", "seconds"}
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    assert rows[0]["event"] == "run" and rows[0]["question"] == "Print 6 * 7."
    assert rows[0]["prompt_ids"]
    assert rows[-1]["event"] == "end" and rows[-1]["record"] == record
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert all("seed" in row for row in rows if row["event"] == "turn")
    assert all(row["sampled_ids"] for row in rows if row["event"] == "turn_end")


def test_a_seed_gives_the_same_run():
    args = ("--json", "--temperature", "0.8", "--seed", "5", *SHORT, "Print 2 + 2.")
    first, second = (json.loads(sod_agent(*args).stdout) for _ in range(2))
    assert [turn["text"] for turn in first["turns"]] == [turn["text"] for turn in second["turns"]]


def test_no_answer_is_exit_code_1():
    done = sod_agent("What is 2 + 2?", "--max-tokens", "1", "--ctx", "1024")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "token budget" in done.stderr


def test_own_tools(tmp_path):
    file = tmp_path / "tools.py"
    file.write_text(
        "from runtime import tool\nprint('noise')\n\n@tool\ndef moon_phase(day: int) -> str:\n"
        '    """Tell the phase of the moon."""\n    return "full"\n'
    )
    trace = tmp_path / "trace.jsonl"
    done = sod_agent("Moon?", "--json", "--tools", str(file), "--trace", str(trace), *SHORT)
    assert json.loads(done.stdout)["turns"][0]["tool"]  # what it prints does not get in between
    offered = json.loads(trace.read_text().splitlines()[0])["tools"]
    names = [tool["function"]["name"] for tool in offered]
    assert names == ["code_interpreter", "moon_phase"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--max-turns", "0", "q"], "max_turns must be at least 1"),
        (["--max-tokens", "-5", "q"], "max_tokens must be at least 1"),
        (["--temperature", "-1", "q"], "temperature must be 0 or more"),
        (["--temperature", "warm", "q"], "--temperature"),
        (["--top-p", "2", "q"], "top_p"),
        (["--ctx", "10", "q"], "--ctx"),
        (["--ctx", "100000000", "q"], "window"),
        (["--threads", "0", "q"], "--threads"),
        (["--threads", "100000", "q"], "--threads"),
        (["--temperature", "inf", "q"], "temperature"),
        (["caf\udce9"], "encoding"),
        (["--engine", "abacus", "q"], "unknown engine 'abacus'"),
        (["--tool-choice", "maybe", "q"], "--tool-choice"),
        (["--model", "no-such-model", "q"], "no such model 'no-such-model'"),
        (["--model", "/etc/passwd", "q"], "GGUF"),
        (["--model", "missing.gguf", "q"], "missing.gguf"),
        (["--lora", "missing.gguf", "q"], "missing.gguf"),
        (["--tools", "missing.py", "q"], "missing.py"),
        (["--trace", "/nowhere/trace.jsonl", "q"], "/nowhere"),
        (["--trace", "/", "q"], "folder"),
        (["--no-such-flag", "q"], "--no-such-flag"),
        (["one", "two"], "two"),
        (["   "], "empty"),
        ([], "empty"),
        (["doctor", "extra"], "extra"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(args, says, tmp_path):
    done = sod_agent(*args, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("sod-agent: ")
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_under_the_trace_is_one_line(full_disk):
    done = sod_agent("q", "--trace", str(full_disk))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_a_bad_model_leaves_no_trace_file(tmp_path):
    trace = tmp_path / "trace.jsonl"
    assert sod_agent("q", "--model", "/etc/passwd", "--trace", str(trace)).returncode == 2
    assert not trace.exists()


def test_broken_tools_file_is_one_line(tmp_path):
    file = tmp_path / "tools.py"
    for source in ("def f(:\n", "x = 1\n", "raise SystemExit(3)\n", "import no_such_module\n"):
        file.write_text(source)
        done = sod_agent("q", "--tools", str(file))
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1 and "tools.py" in done.stderr


@pytest.fixture
def long_story() -> Iterator[subprocess.Popen[str]]:
    """A run that takes minutes, to be interrupted."""
    process = subprocess.Popen(
        [*COMMAND, "Write a very long story.", "--max-tokens", "4000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("after", [0.0, 0.03, 0.08, 0.15, 0.25])
def test_ctrl_c_during_start(after, long_story):
    process = long_story
    maps = Path(f"/proc/{process.pid}/maps")
    while "libllama" not in maps.read_text():  # by then the program handles Ctrl-C itself
        time.sleep(0.001)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode in (1, 130)
    assert out == "" and "Traceback" not in err and "ignored" not in err


@pytest.mark.parametrize("redirect", ["2>&-", "2>{full}", "2>/dev/null", "<&-"])
def test_the_answer_survives_closed_streams(redirect, full_disk):
    redirect = redirect.format(full=full_disk)
    command = " ".join(f"'{part}'" for part in [*COMMAND, "What is 17 * 23?", *SHORT])
    done = subprocess.run(["sh", "-c", f"{command} {redirect}"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "391\n")


def test_a_full_disk_under_stdout_is_one_line(full_disk):
    command = " ".join(f"'{part}'" for part in [*COMMAND, "--version"])
    done = subprocess.run(["sh", "-c", f"{command} >{full_disk}"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_the_question_that_does_not_fit_is_named():
    done = sod_agent("why " * 3000, "--ctx", "1024")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the prompt has" in done.stderr and "--ctx" in done.stderr


def test_a_ctrl_c_lost_in_a_callback_still_ends_the_run():
    # As importlib's do: Python drops what a weak reference's callback raises.
    code = (
        "import os, signal, sys, weakref\n"
        "class Module: pass\n"
        "def callback(_): os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.argv = ['sod-agent', 'Write a very long story.', '--max-tokens', '4000']\n"
        "from runtime.cli import interrupt, main\n"
        "interrupt.install()\n"
        "module = Module(); gone = weakref.ref(module, callback); del module\n"
        "print('went on', file=sys.stderr)\n"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "went on" in done.stderr  # it was lost
    assert (done.returncode, done.stdout) in ((1, ""), (130, ""))


def test_ctrl_c_ends_cleanly(long_story):
    process = long_story
    time.sleep(0.2)
    assert process.stderr is not None
    process.stderr.read(20)  # it has begun to write
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert process.returncode == 1
    assert out == ""
    assert "interrupted" in err and "Traceback" not in err


def test_a_conversation_on_a_terminal():
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "--tool-choice", "none", "--max-tokens", "80", "--ctx", "1024"],
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(child)
    try:
        seen = read_until(parent, "> ")
        assert "/help" in seen
        os.write(parent, b"/tools\n")
        assert "code_interpreter" in read_until(parent, "> ")
        os.write(parent, b"What is 2 + 2?\n")
        assert "tokens evaluated" in read_until(parent, "> ", after="tokens evaluated")
        os.write(parent, b"And 3 + 3?\n")
        read_until(parent, "> ", after="tokens evaluated")
        os.write(parent, b"/quit\n")
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        os.close(parent)


def read_until(fd: int, end: str, after: str = "") -> str:
    text = ""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([fd], [], [], 0.2)[0]:
            text += os.read(fd, 4096).decode("utf-8", "replace")
        if after in text and text[text.find(after) :].endswith(end):
            return text
    raise AssertionError(text)


def test_version_and_help():
    assert sod_agent("--version").stdout.startswith("sod-agent ")
    text = sod_agent("--help").stdout
    for flag in ("--json", "--trace", "--lora", "--no-grammar", "--tool-choice", "--thinking"):
        assert flag in text


def test_doctor():
    done = sod_agent("doctor", "--json")
    report = json.loads(done.stdout)
    names = [check["name"] for check in report["checks"]]
    assert {"engine llama.cpp", "model", "cache"} <= set(names)
    assert any(name.startswith("sandbox") for name in names)
    assert done.returncode == (0 if report["ok"] else 1)
    text = sod_agent("doctor").stdout
    assert "llama-cpp-python" in text and "cache" in text
    missing = sod_agent("doctor", "--model", "no-such-model")
    assert missing.returncode == 1
    assert "no such model" in missing.stdout


def test_nothing_is_sent_over_the_network():
    """Every socket that is not a local pipe would raise."""
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('network')\n"
        "socket.socket.connect = refuse; socket.create_connection = refuse\n"
        "socket.getaddrinfo = refuse\n"
        f"sys.argv = ['sod-agent', 'Print 1.', *{SHORT!r}]\n"
        "from runtime.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert done.returncode in (0, 1), done.stderr
    assert "network" not in done.stderr
