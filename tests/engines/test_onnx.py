"""The ONNX engine on the nano teacher, a real model that calls tools: the same as llama.cpp's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from runtime import Agent
from runtime.engines import open_engine
from runtime.engines.base import Constraint, FinishReason, Sampling, ScoringEngine
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.local import SCORE_BATCH
from runtime.engines.onnx import OnnxEngine
from runtime.engines.onnx_grammar import Guide
from runtime.errors import EngineError, ModelError, UsageError
from runtime.models import resolve_model
from tests.export.nano import nano_gguf
from train.nano.data import problems

from .test_constraint import CALL, CLOSE, OPEN, SCHEMA

GREEDY = Sampling()
QUESTION = "<|im_start|>user\nStart with 52. Add 7. What is the result?<|im_end|>\n"
PROMPT = QUESTION + "<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def engine(nano_onnx):
    engine = OnnxEngine(nano_onnx("fp32"), n_threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    engine = LlamaCppEngine(nano_gguf(tmp_path_factory.mktemp("gguf")), n_threads=1)
    yield engine
    engine.close()


def write(engine, ids, n, sampling=GREEDY, **more):
    generation = engine.generate(ids, max_tokens=n, sampling=sampling, **more)
    return list(generation), generation


def ask(engine, count=6, **settings):
    """What the agent does with generated problems, clocks left out."""
    runs = []
    for problem in problems(count, 5, "eval"):
        with Agent("nano", engine=engine, max_tokens=400, **settings) as agent:
            record = agent.run(problem.prompt())
        turns = [(turn.text, turn.tool, turn.arguments, turn.result) for turn in record.turns]
        runs.append((turns, record.answer, asdict(record.tokens)))
    return runs


def test_the_agent_does_the_same_on_both_engines(engine, llama):
    ours = ask(engine)
    assert ours == ask(llama)
    assert sum(len(turns) for turns, _, _ in ours) > 12


def test_the_tokenizers_agree(engine, llama):
    ours, theirs = engine.tokenizer, llama.tokenizer
    texts = ["Grüße, 世界 🌍", "a\n\n\tb  c", "x" * 300, "", "12 * 99 = 1188", PROMPT + CALL]
    texts += [problem.prompt() for problem in problems(40, 1, "train")]
    for text in texts:
        for special in (True, False):
            assert ours.encode(text, special=special) == theirs.encode(text, special=special)
    for token in range(ours.n_vocab):
        assert ours.piece(token) == theirs.piece(token)
        assert ours.is_eog(token) == theirs.is_eog(token)
    assert ours.special_texts() == theirs.special_texts()
    assert (ours.bos_text, ours.eos_text, ours.add_bos) == ("", "<|im_end|>", False)
    assert engine.chat_template == llama.chat_template


def test_a_second_turn_evaluates_only_what_is_new(engine, nano_onnx):
    first = engine.tokenizer.encode("<|im_start|>user\nA fresh start.<|im_end|>\n", special=True)
    out, generation = write(engine, first, 12)
    assert generation.stats.prefilled == len(first) - generation.stats.reused
    second = first + out + engine.tokenizer.encode("<|im_end|>\n" + PROMPT, special=True)
    warm, generation = write(engine, second, 40)
    # The last sampled token has not been evaluated yet.
    assert generation.stats.reused == len(first) + len(out) - 1
    assert generation.stats.evaluated == generation.stats.prefilled + len(warm) - 1
    cold = OnnxEngine(nano_onnx("fp32"), n_threads=1)
    expected, generation = write(cold, second, 40)
    cold.close()
    assert warm == expected and generation.stats.reused == 0


def test_a_diverging_prompt_cuts_the_cache_back(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    expected, _ = write(engine, ids, 20)
    write(engine, ids[:4] + engine.tokenizer.encode("something else", special=False), 4)
    again, generation = write(engine, ids, 20)
    assert again == expected and 4 <= generation.stats.reused < len(ids)


def test_two_generations_may_take_turns(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    other = engine.tokenizer.encode(PROMPT.replace("52", "31"), special=True)
    expected = write(engine, ids, 8)[0], write(engine, other, 8)[0]
    one = engine.generate(ids, max_tokens=8, sampling=GREEDY)
    two = engine.generate(other, max_tokens=8, sampling=GREEDY)
    assert tuple(map(list, zip(*zip(one, two, strict=True), strict=True))) == expected


def test_a_prefix_is_kept_on_disk_for_the_next_process(nano_onnx, tmp_path):
    text = "<|im_start|>system\n" + "You are a calculator. " * 12 + "<|im_end|>\n"
    results = []
    for _ in range(2):
        engine = OnnxEngine(nano_onnx("fp32"), n_threads=1, prefix_folder=tmp_path)
        prefix = engine.tokenizer.encode(text, special=True)
        ids = prefix + engine.tokenizer.encode(PROMPT, special=True)
        out, generation = write(engine, ids, 12, keep=len(prefix))
        results.append((out, generation.stats.reused))
        engine.close()
    assert results == [(results[0][0], 0), (results[0][0], len(prefix))]


def test_a_seed_repeats_and_another_differs(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    drawn = [
        write(engine, ids, 30, Sampling(temperature=1.5, top_p=0.95, seed=seed))[0]
        for seed in (7, 7, 8, 2**32 - 1, 2**32 - 1, -1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[3] == drawn[4] == drawn[5]
    assert write(engine, ids, 12, Sampling(temperature=5, top_k=1))[0] == write(engine, ids, 12)[0]


def test_tokens_are_drawn_as_often_as_they_are_likely(engine):
    ids = engine.tokenizer.encode("<|im_start|>user\n", special=True)
    (row,) = engine.score([*ids, 0], len(ids))
    for temperature, top_p in ((1.0, 1.0), (2.0, 1.0), (1.0, 0.7)):
        wanted = np.exp((row - row.max()) / temperature)
        wanted /= wanted.sum()
        order = np.argsort(-wanted)
        cut = order[np.searchsorted(wanted[order].cumsum(), top_p) + 1 :]
        wanted[cut] = 0
        wanted /= wanted.sum()
        found = np.zeros_like(wanted)
        for seed in range(600):
            sampling = Sampling(temperature=temperature, top_p=top_p, seed=seed)
            found[write(engine, ids, 1, sampling)[0][0]] += 1 / 600
        assert not found[wanted == 0].any()
        assert np.abs(found - wanted).max() < 0.08  # four standard deviations at a half


@pytest.mark.parametrize("seed", range(6))
def test_an_opened_call_is_valid_json_of_the_schema(engine, seed):
    ids = engine.tokenizer.encode(PROMPT + OPEN + "\n", special=True)
    held = Constraint(OPEN, CLOSE, SCHEMA, opened=True)
    hot = Sampling(temperature=2.0, seed=seed)
    out, generation = write(engine, ids, 300, hot, constraint=held)
    text = b"".join(map(engine.tokenizer.piece, out)).decode()
    if generation.finish is FinishReason.LENGTH:  # a long string: valid as far as it goes
        assert text.lstrip().startswith("{")
        return
    assert generation.finish is FinishReason.CONSTRAINT and text.endswith(CLOSE)
    jsonschema.validate(json.loads(text.removesuffix(CLOSE)), SCHEMA)
    assert generation.stats.rejected > 0


def test_free_text_is_free_and_a_forbidden_tag_is_not_written(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    free, _ = write(engine, ids, 60)
    assert OPEN.encode() in b"".join(map(engine.tokenizer.piece, free))
    schema = {"type": "object"}  # allows what it wants to write
    held, generation = write(engine, ids, 60, constraint=Constraint(OPEN, CLOSE, schema))
    assert held == free[: len(held)] and generation.finish is FinishReason.CONSTRAINT
    assert generation.stats.rejected == 0
    never, generation = write(engine, ids, 60, constraint=Constraint(OPEN, CLOSE, None))
    assert OPEN.encode() not in b"".join(map(engine.tokenizer.piece, never))
    assert generation.stats.rejected > 0


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("no call at all <tool <tool_cal <<tool_call no", True),
        (f"before {OPEN}\n{CALL}\n{CLOSE}", True),
        (f"<<tool<{OPEN}{CALL}{CLOSE}", True),
        (f'{OPEN}\n{{"name": "run", "arguments": {{"code": "</tool_call>\\n1"}}}}\n{CLOSE}', True),
        (f"{OPEN}not json", False),
        (f'{OPEN}\n{{"name": "rm"', False),
        (f'{OPEN}\n{{"name": "add", "arguments": {{"a": "2"', False),
        (f'{OPEN}\n{{"name": "run", "arguments": {{"code": "raw\nnewline"', False),
        (f"{OPEN}\n{CALL}\n{CLOSE} more", False),
        (f"{OPEN}{' ' * 9}{CALL}", False),
    ],
)
def test_the_grammar_follows_the_tag_however_tokens_cut_it(engine, text, allowed):
    guide = Guide(engine.vocabulary, Constraint(OPEN, CLOSE, SCHEMA))
    for token in engine.tokenizer.encode(text, special=True):
        assert guide.mask()[token] == guide.allows(token)
        if not guide.allows(token):
            assert not allowed
            return
        guide.accept(token)
    assert allowed


def test_a_schema_that_is_none_is_one_line(engine):
    with pytest.raises(EngineError, match="do not make a valid grammar") as error:
        engine.generate(
            [1], max_tokens=1, sampling=GREEDY, constraint=Constraint(OPEN, CLOSE, {"type": "no"})
        )
    assert "\n" not in str(error.value)


def test_scores_are_what_is_drawn_from(engine):
    assert isinstance(engine, ScoringEngine)
    ids = engine.tokenizer.encode(PROMPT * 4, special=True)
    out, _ = write(engine, ids, 24)
    assert len(ids) > SCORE_BATCH
    rows = list(engine.score(ids + out, len(ids)))
    assert [int(row.argmax()) for row in rows] == out and rows[0].dtype == np.float32
    assert len(list(engine.score(ids, 1))) == len(ids) - 1
    assert write(engine, ids, 24)[0] == out
    with pytest.raises(UsageError, match="scoring starts at 1"):
        engine.score(ids, 0)


def test_the_window_ends(nano_onnx):
    engine = OnnxEngine(nano_onnx("fp32"), n_ctx=64, n_threads=1)
    ids = engine.tokenizer.encode(PROMPT, special=True)
    ids = ids[:1] * (50 - len(ids)) + ids
    out, generation = write(engine, ids, 100)
    assert generation.finish is FinishReason.CONTEXT and len(ids) + len(out) == engine.n_ctx + 1
    out, generation = write(engine, ids * 2, 5)
    assert (out, generation.finish, generation.stats.evaluated) == ([], FinishReason.CONTEXT, 0)
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        write(engine, ids, 1)
    with pytest.raises(UsageError, match="does not fit this model's window of 1024"):
        OnnxEngine(nano_onnx("fp32"), n_ctx=5000)


def test_a_bad_token_is_an_engine_error_and_the_engine_goes_on(engine):
    ids = engine.tokenizer.encode(PROMPT, special=True)
    expected, _ = write(engine, ids, 8)
    with pytest.raises(EngineError, match="failed to evaluate") as error:
        write(engine, [*ids, 10**6], 8)
    assert "\n" not in str(error.value)
    assert write(engine, ids, 8)[0] == expected


# Folders -----------------------------------------------------------------------------------------


@pytest.fixture
def copy(nano_onnx, tmp_path):
    return Path(shutil.copytree(nano_onnx("int4"), tmp_path / "copy"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change(path: Path, **fields: object) -> None:
    content = json.loads(path.read_text())
    content["model"]["decoder"].update(fields)
    path.write_text(json.dumps(content))


DAMAGES = {
    "no weights": (lambda f: (f / "onnx/model_q4.onnx_data").unlink(), "lacks onnx/model_q4"),
    "cut weights": (lambda f: cut(f / "onnx/model_q4.onnx_data"), "is damaged: it has"),
    "cut graph": (lambda f: cut(f / "onnx/model_q4.onnx"), "is damaged: it has"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "lacks tokenizer.json"),
    "no genai config": (lambda f: (f / "genai_config.json").unlink(), "has no genai_config.json"),
    "cut manifest": (lambda f: cut(f / "sod.json"), "it is not JSON"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_one_line(copy, damage):
    spoil, message = DAMAGES[damage]
    spoil(copy)
    with pytest.raises(ModelError, match=message):
        resolve_model(str(copy))


FOREIGN = {
    "cut weights": (lambda f: cut(f / "onnx/model_q4.onnx_data"), "ONNX Runtime cannot load"),
    "cut graph": (lambda f: cut(f / "onnx/model_q4.onnx"), "ONNX Runtime cannot load"),
    "cut tokenizer": (lambda f: cut(f / "tokenizer.json"), "tokenizer.json is damaged"),
    "other shapes": (
        lambda f: change(f / "genai_config.json", head_size=32),
        "are not of one model",
    ),
    "other heads": (
        lambda f: change(f / "genai_config.json", num_key_value_heads=4),
        "are not of one model",
    ),
    "more layers": (
        lambda f: change(f / "genai_config.json", num_hidden_layers=9),
        "is not a text-generation graph",
    ),
    "huge": (lambda f: change(f / "genai_config.json", head_size=1 << 40), "is not from 1 to"),
    "outside": (
        lambda f: change(f / "genai_config.json", filename="../../etc/passwd"),
        "names a file outside of it",
    ),
}


@pytest.mark.parametrize("damage", FOREIGN)
def test_a_folder_without_our_manifest_is_checked_all_the_same(copy, damage):
    (copy / "sod.json").unlink()
    spoil, message = FOREIGN[damage]
    spoil(copy)
    with pytest.raises(ModelError, match=message) as error:
        OnnxEngine(copy)
    assert "\n" not in str(error.value)


def test_what_the_model_is_chooses_the_engine(nano_onnx, model):
    found = resolve_model(str(nano_onnx("int4")))
    assert (found.name, found.source, found.info.file_type) == ("int4", "folder", "int4")
    assert (found.info.architecture, found.info.context_length) == ("qwen3", 1024)
    assert found.engine_for(None) == found.engine_for("onnx") == "onnx"
    assert model.engine_for(None) == "llama.cpp"
    with pytest.raises(UsageError, match=r"--engine llama\.cpp does not run"):
        found.engine_for("llama.cpp")
    with pytest.raises(UsageError, match="--engine onnx does not run"):
        model.engine_for("onnx")
    with pytest.raises(ModelError, match="--lora is for GGUF models"):
        resolve_model(str(nano_onnx("int4")), lora="x.gguf")
    with pytest.raises(UsageError, match="--lora is for GGUF models"):
        open_engine("onnx", nano_onnx("int4"), lora=Path("x.gguf"))


def test_another_protocol_version_is_refused(copy):
    manifest = copy / "sod.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"protocol_version": 99}))
    with pytest.raises(ModelError, match="version 99 of the protocol"):
        Agent(str(copy))


def test_the_command_answers_a_problem(nano_onnx, tmp_path):
    problem = problems(3, 11, "eval")[0]
    folder = str(nano_onnx("int4"))
    command = [sys.executable, "-m", "runtime.cli.main", "--model", folder, "--json"]
    done = subprocess.run([*command, problem.prompt()], capture_output=True, text=True, check=False)
    record = json.loads(done.stdout)
    assert (record["engine"], done.returncode) == ("onnx", 0), done.stderr
    assert record["turns"][0]["tool"] == "code_interpreter"
    assert record["tokens"]["evaluated"] <= record["tokens"]["prompt"] + 400
    bad = subprocess.run(
        [*command[:-2], str(tmp_path), "x"], capture_output=True, text=True, check=False
    )
    assert bad.returncode == 2 and bad.stdout == ""
    assert bad.stderr.count("\n") == 1 and "without an ONNX model" in bad.stderr


def test_what_is_missing_is_told_with_the_command_that_mends_it(nano_onnx):
    code = (
        "import sys; from pathlib import Path; sys.modules['onnxruntime'] = None\n"
        "from runtime.engines import open_engine; from runtime.errors import UsageError\n"
        f"try: open_engine('onnx', Path({str(nano_onnx('int4'))!r}))\n"
        "except UsageError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "the ONNX engine needs onnxruntime: run `pip install 'sod-agent[onnx]'`\n"


def test_the_engine_is_imported_only_when_it_is_used():
    code = (
        "import sys, runtime.cli.main, runtime.agent, runtime.engines.llama_cpp\n"
        "bad = set(sys.modules) & {'onnxruntime', 'tokenizers', 'llguidance', 'numpy'}\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
