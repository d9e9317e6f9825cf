"""The engine over a real llama-server: the same ids, text and record as with llama.cpp here.

The model is the shipped nano teacher, which solves problems with tools; the tokenizer and the ids
of characters that take several tokens are tested on the default model.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runtime.agent import Agent
from runtime.engines.base import Constraint, FinishReason, Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.openai import OpenAIEngine
from runtime.errors import EngineError, ModelError, UsageError
from runtime.events import RunFinished, TextDelta

OPEN, CLOSE = "<tool_call>", "</tool_call>"
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"const": "run"},
        "arguments": {
            "type": "object",
            "properties": {"code": {"type": "string"}},
            "required": ["code"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "arguments"],
    "additionalProperties": False,
}
CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
PROBLEM = "A book costs 17 and a cake costs 5. Tom buys 8 books and 4 cakes. How much is it?"
SUM = "What is the remainder when the sum of 66 and 78 is divided by 17?"
ODD = "Print 'Grüße<|im_end|> 🌍' with Python."
GREEDY = Sampling()
COMMAND = [sys.executable, "-m", "runtime.cli.main", "--engine", "openai"]


@contextmanager
def running(*command: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that a server prints first, and its process."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http"), "the server did not start"
            yield address, process
        finally:
            process.kill()


@contextmanager
def xllamacpp_server(model: Path, *key: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    pytest.importorskip("xllamacpp")
    script = Path(__file__).with_name("llama_server.py")
    with running(sys.executable, str(script), str(model), *key) as server:
        yield server


@contextmanager
def llama_server_binary(model: Path) -> Iterator[str]:
    """The program itself, where it is on PATH."""
    program = shutil.which("llama-server")
    if program is None:
        pytest.skip("there is no llama-server on PATH")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [program, "-m", str(model), "--port", port, "-c", "1024", "-np", "1", "-t", "1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture(scope="module", params=["xllamacpp", "llama-server"])
def url(request, nano) -> Iterator[str]:
    if request.param == "xllamacpp":
        with xllamacpp_server(nano) as (address, _):
            yield address
    else:
        with llama_server_binary(nano) as address:
            give_up = time.monotonic() + 60
            while time.monotonic() < give_up:
                try:
                    urllib.request.urlopen(address + "/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield address


@pytest.fixture(scope="module")
def remote(url) -> Iterator[OpenAIEngine]:
    engine = OpenAIEngine(url)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def here(nano) -> Iterator[LlamaCppEngine]:
    """The same model in this process; one thread, like the server's."""
    with closing(LlamaCppEngine(nano, n_ctx=1024, n_threads=1)) as engine:
        yield engine


@pytest.fixture(scope="module")
def big(model_path) -> Iterator[OpenAIEngine]:
    """A server of the default model."""
    with xllamacpp_server(model_path) as (address, _), closing(OpenAIEngine(address)) as engine:
        yield engine


def write(engine, text, n, sampling=GREEDY, **kwargs):
    ids = engine.tokenizer.encode(text, special=True)
    generation = engine.generate(ids, max_tokens=n, sampling=sampling, **kwargs)
    return list(generation), generation


def text_of(engine, ids) -> str:
    return b"".join(engine.tokenizer.piece(token) for token in ids).decode()


def test_the_server_tells_what_it_serves(remote, here, nano):
    assert remote.kind == "llama-server"
    assert remote.model_name == nano.stem
    assert remote.n_ctx == 1024
    assert remote.chat_template == (here.chat_template or "").rstrip("\n")
    assert remote.notes == []


def test_the_tokenizer_is_that_of_llama_cpp(remote, here):
    theirs, ours = remote.tokenizer, here.tokenizer
    for text in (CHAT.format(ODD), "héllo 🌍<|im_end|> x", "x" * 2000, "a\n\n\tb", "", "\ud800"):
        for special in (True, False):
            ids = theirs.encode(text, special=special)
            assert ids == ours.encode(text, special=special) or text == "\ud800"
            assert [theirs.piece(i) for i in ids] == [ours.piece(i) for i in ids]
    for name in ("bos_text", "eos_text", "bos_id", "add_bos"):
        assert getattr(theirs, name) == getattr(ours, name), name
    assert theirs.is_eog(ours.encode("<|im_end|>", special=True)[0])
    assert theirs.special_texts() == ours.special_texts()


def test_ids_of_characters_in_several_tokens_are_found_again(big, model_path):
    """The server's stream names only the last of them."""
    birds = CHAT.format("Repeat: 🐦🐦🐦🐦") + "🐦🐦"
    theirs, generation = write(big, birds, 8)
    assert text_of(big, theirs).startswith("🐦")
    with closing(LlamaCppEngine(model_path, n_ctx=256, n_threads=1)) as engine:
        assert theirs == write(engine, birds, 8)[0]
    # The limit inside a character: that token was sampled, and the server never names it.
    cut, generation = write(big, birds, 9)
    assert (cut, generation.stats.generated, generation.finish) == (theirs, 9, FinishReason.LENGTH)


@pytest.mark.parametrize("tool_choice", ["auto", "required", "none"])
@pytest.mark.parametrize("question", [PROBLEM, ODD])
def test_a_run_leaves_the_same_record(remote, here, question, tool_choice):
    runs = []
    for each in (remote, here):
        with Agent("model", engine=each, tool_choice=tool_choice, max_tokens=160) as agent:
            events = [e.to_dict() for e in agent.stream(question) if not isinstance(e, TextDelta)]
        runs.append(events)
    keys = ("event", "turn", "text", "prompt_ids", "sampled_ids", "forced_ids", "appended_ids")
    keys += ("finish", "tool", "arguments", "result", "error", "constraint")
    for row, other in zip(*runs, strict=True):
        assert [row.get(key) for key in keys] == [other.get(key) for key in keys]
    theirs, ours = (run[-1]["record"] for run in runs)
    for key in ("answer", "stop_reason", "model"):
        assert theirs[key] == ours[key]
    for key in ("prompt", "generated"):
        assert theirs["tokens"][key] == ours["tokens"][key]
    assert set(theirs) == set(ours) and set(theirs["timings"]) == set(ours["timings"])


def test_each_token_is_evaluated_once_over_many_turns(remote):
    text = "A fresh prefix of this test.\n" + CHAT.format(PROBLEM)
    ids = remote.tokenizer.encode(text, special=True)
    suffix = remote.tokenizer.encode("<|im_end|>\n<|im_start|>user\nAnd more?", special=True)
    for turn in range(3):
        generation = remote.generate(ids, max_tokens=8, sampling=GREEDY)
        new = list(generation)
        if turn:
            assert generation.stats.prefilled <= len(suffix) + 1  # and the last sampled token
        ids = [*ids, *new, *suffix]


def test_a_seed_repeats_and_another_seed_differs(remote):
    warm = Sampling(temperature=1.0, top_p=0.95, seed=7)
    first, _ = write(remote, CHAT.format(PROBLEM), 16, warm)
    assert write(remote, CHAT.format(PROBLEM), 16, warm)[0] == first
    assert write(remote, CHAT.format(PROBLEM), 16, Sampling(temperature=1.0, seed=8))[0] != first


@pytest.mark.parametrize("seed", range(3))
def test_an_opened_call_is_valid_json_of_the_schema(remote, seed):
    constraint = Constraint(OPEN, CLOSE, SCHEMA, opened=True)
    hot = Sampling(temperature=1.5, seed=seed)
    out, generation = write(
        remote, CHAT.format(PROBLEM) + OPEN + "\n", 120, hot, constraint=constraint
    )
    text = text_of(remote, out)
    if generation.finish is FinishReason.LENGTH:  # a long string: valid as far as it goes
        assert text.lstrip().startswith("{")
        return
    assert generation.finish is FinishReason.CONSTRAINT
    assert text.endswith(CLOSE)
    assert json.loads(text[: -len(CLOSE)])["name"] == "run"


def test_a_forbidden_tag_cannot_be_written(remote):
    assert OPEN in text_of(remote, write(remote, CHAT.format(PROBLEM), 20)[0])
    forbidden = Constraint(OPEN, CLOSE, None)
    out, _ = write(remote, CHAT.format(PROBLEM), 20, constraint=forbidden)
    assert OPEN not in text_of(remote, out)


def test_length_and_context_are_told_apart(remote):
    ids = remote.tokenizer.encode(CHAT.format(PROBLEM), special=True)
    none = remote.generate(ids, max_tokens=0, sampling=GREEDY)
    assert (list(none), none.finish) == ([], FinishReason.LENGTH)
    full = remote.generate(ids * 300, max_tokens=5, sampling=GREEDY)
    assert (list(full), full.finish) == ([], FinishReason.CONTEXT)
    edge = (ids * 300)[: remote.n_ctx - 8]
    out = remote.generate(edge, max_tokens=50, sampling=GREEDY)
    assert len(list(out)) <= 9
    assert out.finish in (FinishReason.CONTEXT, FinishReason.EOG)


def test_a_generation_that_is_dropped_frees_the_server(big):
    expected, _ = write(big, CHAT.format("Name a colour."), 4)
    ids = big.tokenizer.encode(CHAT.format("Write a very long story."), special=True)
    generation = big.generate(ids, max_tokens=900, sampling=GREEDY)
    next(generation)
    generation.close()
    assert generation.finish is FinishReason.CLOSED
    assert list(generation) == []
    # There is one slot: it had to be free, here and after a request that the next one closes.
    assert write(big, CHAT.format("Name a colour."), 4)[0] == expected
    next(big.generate(ids, max_tokens=900, sampling=GREEDY))
    assert write(big, CHAT.format("Name a colour."), 4)[0] == expected


def test_bad_requests_are_one_line(remote, url):
    with pytest.raises(UsageError, match="nothing to continue"):
        remote.generate([], max_tokens=1, sampling=GREEDY)
    with pytest.raises(EngineError, match="no full logits"):
        remote.score([1, 2], 1)
    with pytest.raises(ModelError, match="serves no model 'other'; it serves: "):
        OpenAIEngine(url, model="other")
    with pytest.raises(UsageError, match="more than the server's window"):
        OpenAIEngine(url, n_ctx=1 << 20)
    with pytest.raises(EngineError, match=r"refused POST /completion \(400\)"):
        list(remote.generate([1 << 30], max_tokens=1, sampling=GREEDY))
    closed = OpenAIEngine(url)
    closed.close()
    with pytest.raises(EngineError, match="closed"):
        closed.generate([1], max_tokens=1, sampling=GREEDY)


def test_the_command_line_with_a_server(url, tmp_path):
    args = ["--base-url", url, "--json", "--trace", str(tmp_path / "trace")]
    done = subprocess.run([*COMMAND, *args, SUM], capture_output=True, text=True, timeout=90)
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert (record["answer"], record["engine"]) == ("8", "openai")
    assert record["turns"][0]["tool"] == "code_interpreter"


def test_ctrl_c_ends_the_run_and_the_request(big):
    url = big.model_path
    args = ["--base-url", url, "--tool-choice", "none", "--json", "--max-tokens", "800"]
    process = subprocess.Popen(
        [*COMMAND, *args, "Write a very long story."],
        stdout=subprocess.PIPE,
        text=True,
    )
    await_slot(url, busy=True)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["stop_reason"] == "interrupted"
    await_slot(url, busy=False)


def await_slot(url: str, *, busy: bool) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with urllib.request.urlopen(url + "/slots") as answer:
            slots = json.load(answer)
        if any(slot["is_processing"] for slot in slots) is busy:
            return
        time.sleep(0.05)
    raise AssertionError(f"the server never was {'busy' if busy else 'idle'}")


def test_a_server_that_dies_ends_the_run_with_its_reason(model_path):
    with xllamacpp_server(model_path) as (address, process):
        with closing(OpenAIEngine(address)) as engine:
            agent = Agent("m", [], engine=engine, tool_choice="none")
            for event in agent.stream("Write a very long story."):
                if isinstance(event, TextDelta) and process.poll() is None:
                    process.kill()
                    process.wait()
        assert isinstance(event, RunFinished)
        assert event.record.stop_reason.value == "engine_error"
        assert event.record.turns[0].text  # what came before it is kept
        message = event.record.message or ""
        assert address in message and "\n" not in message
        with pytest.raises(EngineError, match="no server answers at"):
            OpenAIEngine(address)


def test_a_key_is_asked_for_and_taken_from_the_environment(nano, monkeypatch):
    for name in ("SOD_AGENT_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with xllamacpp_server(nano, "s3cret") as (address, _):
        with pytest.raises(EngineError, match=r"\(401\): set SOD_AGENT_API_KEY"):
            OpenAIEngine(address)
        monkeypatch.setenv("OPENAI_API_KEY", "wrong")
        with pytest.raises(EngineError, match=r"\(401\): check OPENAI_API_KEY"):
            OpenAIEngine(address)
        monkeypatch.setenv("SOD_AGENT_API_KEY", "s3cret")
        with closing(OpenAIEngine(address)) as engine:
            assert len(write(engine, CHAT.format(PROBLEM), 2)[0]) == 2


def test_flags_that_do_not_go_together_are_one_line():
    def complaint(*args: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "runtime.cli.main", *args, "Hello"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "SOD_AGENT_OFFLINE": "1"},
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        return done.stderr

    server = ("--engine", "openai", "--base-url")
    assert "needs --base-url" in complaint("--engine", "openai")
    assert "goes with --engine openai" in complaint("--base-url", "http://127.0.0.1:1")
    assert "must be http://HOST:PORT" in complaint(*server, "localhost:8080")
    assert "the server's affair" in complaint(*server, "http://127.0.0.1:1", "--lora", "x.gguf")
    assert "no server answers at" in complaint(*server, "http://127.0.0.1:1")
    assert "this machine only" in complaint(*server, "http://192.0.2.1:8080")
