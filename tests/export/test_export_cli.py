"""`python -m export.gguf`: what it finds, chooses, names, and how it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file

from export.command import main
from export.gguf import app
from export.source import find_source
from runtime.models.gguf import inspect_gguf
from tests.export.conftest import NANO


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]):
    """Runs the command in this process: exit code, standard output, lines of standard error."""

    def run(*args: str) -> tuple[int, str, list[str]]:
        with pytest.raises(SystemExit) as stopped:
            main("export.gguf", app, list(args))
        out, err = capsys.readouterr()
        return int(stopped.value.code or 0), out.strip(), err.splitlines()

    return run


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    """A copy of the nano teacher, to be damaged."""
    folder = tmp_path / "nano"
    shutil.copytree(NANO, folder)
    return folder


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_the_newest_student_is_exported_beside_itself(command, tmp_path, monkeypatch):
    for age, run in enumerate(["new", "old"]):
        shutil.copytree(NANO, tmp_path / "runs" / run / "student")
        file = tmp_path / "runs" / run / "student" / "model.safetensors"
        os.utime(file, (1e9 - age, 1e9 - age))
    monkeypatch.chdir(tmp_path)
    code, out, lines = command()
    assert code == 0
    path = tmp_path / "runs" / "new" / "student-q8_0.gguf"
    assert Path(out) == path
    assert inspect_gguf(path).file_type == "Q8_0"
    assert inspect_gguf(path).name == "new student"
    assert any("bits per weight" in line for line in lines)
    assert lines[-1].startswith(f"run it: sod-agent --model {path} ")
    files = {file.name for file in path.parent.iterdir()}
    assert files == {"student", "student-q8_0.gguf", "student-q8_0.md"}


def test_four_bits_say_what_was_chosen_and_why(command, nano, tmp_path):
    code, out, lines = command("--model", str(nano), "--q4", "--target", "arm")
    assert code == 0
    assert Path(out) == tmp_path / "nano-q4_0.gguf"
    assert lines[0].startswith("q4_0: ")
    assert "arm" in lines[0] or "dotprod" in lines[0]
    code, again, lines = command("--model", out, "--type", "IQ4_NL")
    assert code == 0
    assert Path(again) == tmp_path / "nano-iq4_nl.gguf"
    assert any("is Q4_0 already: what that lost stays lost" in line for line in lines)


def test_calibration_takes_traces(command, nano, tmp_path):
    ids = [1, *range(5, 60)]
    events = [
        {"event": "run", "prompt_ids": ids, "follow_up": False},
        {"event": "turn_end", "sampled_ids": [7, 8, 9, 2], "text": None},
    ]
    traces = tmp_path / "t.jsonl"
    traces.write_text("".join(json.dumps(event) + "\n" for event in events))
    out = tmp_path / "q.gguf"
    args = ["--model", str(nano), "--q4", "--calibrate", str(traces), "--out", str(out)]
    code, _, _ = command(*args, "--no-card")
    assert code == 0
    assert "quantize.imatrix.entries_count" in gguf.GGUFReader(out).fields
    assert sorted(file.name for file in tmp_path.iterdir()) == ["nano", "q.gguf", "t.jsonl"]


REFUSALS = {
    "no such model": (lambda nano: ["--model", str(nano / "nothing")], "no model at"),
    "no student": (lambda nano: [], "there is no student in"),
    "two types": (lambda nano: ["--model", str(nano), "--q4", "--f16"], "give one of --q4"),
    "unknown type": (lambda nano: ["--model", str(nano), "--type", "q9"], "has no type 'q9'"),
    "out is a folder": (lambda nano: ["--model", str(nano), "--out", str(nano)], "is a folder"),
    "no folder for out": (
        lambda nano: ["--model", str(nano), "--out", str(nano / "no" / "x.gguf")],
        "there is no folder",
    ),
    "lora-only alone": (lambda nano: ["--lora-only"], "needs the adapter"),
    "lora is a model": (lambda nano: ["--model", str(nano), "--lora", str(nano)], "not a LoRA"),
    "nothing to calibrate": (
        lambda nano: ["--model", str(nano), "--f16", "--calibrate", str(nano / "t.jsonl")],
        "nothing to calibrate",
    ),
    "unknown flag": (lambda nano: ["--q6"], "No such option"),
    "no traces": (
        lambda nano: ["--model", str(nano), "--q8", "--calibrate", str(nano / "no.jsonl")],
        "cannot read",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_usage_is_one_line(case, command, nano, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args, message = REFUSALS[case]
    refused(command, tmp_path, args(nano), message)


def refused(command, folder: Path, args: list[str], message: str) -> None:
    before = sorted(folder.rglob("*"))
    code, out, lines = command(*args)
    assert (code, out) == (2, "")
    told = [line for line in lines if line.startswith("export.gguf: ")]
    assert len(told) == 1 and told[0] == lines[-1]
    assert message in told[0]
    assert sorted(folder.rglob("*")) == before


def _truncate(nano: Path) -> None:
    with (nano / "model.safetensors").open("r+b") as file:
        file.truncate(100_000)


def _rewrite(nano: Path, **changes: torch.Tensor | None) -> None:
    file = nano / "model.safetensors"
    weights = load_file(file) | changes
    save_file({name: w for name, w in weights.items() if w is not None}, file)


def _lose_shard(nano: Path) -> None:
    (nano / "model.safetensors").unlink()
    index = {"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}
    (nano / "model.safetensors.index.json").write_text(json.dumps(index))


def _pickle(nano: Path) -> None:
    (nano / "model.safetensors").rename(nano / "pytorch_model.bin")


def _adapter(nano: Path) -> None:
    (nano / "config.json").rename(nano / "adapter_config.json")


def _remote_code(nano: Path) -> None:
    own = {"AutoConfig": "configuration_own.OwnConfig"}
    change(nano / "config.json", model_type="own", auto_map=own)
    (nano / "configuration_own.py").write_text("raise SystemExit('this code was run')\n")


def _other_tokenizer(nano: Path) -> None:
    file = nano / "tokenizer.json"
    rules = json.loads(file.read_text())
    rules["added_tokens"].append({**rules["added_tokens"][-1], "id": 768, "content": "<more>"})
    file.write_text(json.dumps(rules))


UP = "model.layers.1.mlp.up_proj.weight"
DAMAGES = {
    "no config": (lambda nano: (nano / "config.json").unlink(), "it has no config.json"),
    "broken config": (lambda nano: (nano / "config.json").write_text("{"), "is not JSON"),
    "unknown type": (lambda nano: change(nano / "config.json", model_type="own"), "cannot read"),
    "remote code": (_remote_code, "such code is not run"),
    "other architecture": (
        lambda nano: change(
            nano / "config.json", model_type="gpt2", architectures=["GPT2LMHeadModel"]
        ),
        "GPT2LMHeadModel cannot be exported to GGUF yet",
    ),
    "no heads": (
        lambda nano: change(nano / "config.json", num_attention_heads=0),
        r"config.json says \(0, 128\)",
    ),
    "endless layers": (
        lambda nano: change(nano / "config.json", num_hidden_layers=10**9, layer_types=None),
        "config.json makes no sense|cannot read",
    ),
    "negative window": (
        lambda nano: change(nano / "config.json", max_position_embeddings=-5),
        "config.json makes no sense|cannot read",
    ),
    "rope without its factor": (
        lambda nano: change(
            nano / "config.json", rope_parameters={"rope_type": "linear", "rope_theta": 1e4}
        ),
        "config.json makes no sense|cannot read",
    ),
    "quantised": (
        lambda nano: change(nano / "config.json", quantization_config={"quant_method": "gptq"}),
        "is quantised already",
    ),
    "no weights": (lambda nano: (nano / "model.safetensors").unlink(), "no model.safetensors"),
    "pickled weights": (_pickle, "they can run code"),
    "an adapter": (_adapter, "is a LoRA adapter: give its base as --model"),
    "truncated": (_truncate, "is damaged"),
    "lost shard": (_lose_shard, "lacks model-00001-of-00002.safetensors"),
    "lost weight": (lambda nano: _rewrite(nano, **{UP: None}), f"lacks 1 weights .* as {UP}"),
    "further weight": (
        lambda nano: _rewrite(nano, more=torch.ones(2)),
        "has 1 weights that a Qwen3ForCausalLM does not have, such as more",
    ),
    "other shape": (
        lambda nano: _rewrite(nano, **{UP: torch.ones(3, 128)}),
        r"has the shape \(3, 128\)",
    ),
    "no numbers": (
        lambda nano: _rewrite(nano, **{UP: torch.full((384, 128), float("nan"))}),
        f"{UP} in .* holds what is no number",
    ),
    "too large": (
        lambda nano: _rewrite(nano, **{UP: torch.full((384, 128), 1e6)}),
        "too large for f16",
    ),
    "integers": (
        lambda nano: _rewrite(nano, **{UP: torch.ones(384, 128, dtype=torch.int8)}),
        "stored as I8",
    ),
    "no tokenizer": (lambda nano: (nano / "tokenizer.json").unlink(), "has no tokenizer"),
    "broken tokenizer": (
        lambda nano: (nano / "tokenizer.json").write_text("{}"),
        "cannot read the tokenizer of",
    ),
    "other vocabulary": (_other_tokenizer, "does not fit its tokenizer: token 768 has no row"),
    "impossible stop": (
        lambda nano: change(nano / "generation_config.json", eos_token_id=[2, 999]),
        "ends a generation with 999",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_model_is_one_line(case, command, nano, tmp_path):
    damage, message = DAMAGES[case]
    damage(nano)
    before = sorted(tmp_path.rglob("*"))
    code, out, lines = command("--model", str(nano), "--q4")
    assert (code, out) == (2, "")
    told = [line for line in lines if line.startswith("export.gguf: ")]
    assert len(told) == 1 and told[0] == lines[-1]
    assert re.search(message, told[0]), told[0]
    assert "Traceback" not in "\n".join(lines)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_gguf_file_is_one_line(command, tmp_path):
    file = tmp_path / "x.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 40)
    code, out, lines = command("--model", str(file))
    assert (code, out) == (2, "")
    assert "is not a valid GGUF file" in lines[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["x.gguf"]


def test_it_runs_without_torch(nano, tmp_path):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\n"
        "from export.gguf import export_gguf\n"
        "export_gguf(Path(sys.argv[1]), Path(sys.argv[2]), type='q4_0')\n"
    )
    out = tmp_path / "m.gguf"
    subprocess.run([sys.executable, "-c", code, str(nano), str(out)], check=True)
    assert inspect_gguf(out).file_type == "Q4_0"


def test_an_export_never_replaces_what_it_reads(command, nano, tmp_path):
    first = tmp_path / "a.gguf"
    assert command("--model", str(nano), "--f16", "--out", str(first))[0] == 0
    before = first.read_bytes()
    code, _, lines = command("--model", str(first), "--q8", "--out", str(first))
    assert code == 2 and "is what is to be exported" in lines[-1]
    assert first.read_bytes() == before


def test_too_little_room_is_told_before_the_work(command, nano, monkeypatch, tmp_path):
    room = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: room)
    code, _, lines = command("--model", str(nano), "--q4")
    assert code == 2 and "no space left on the disk: 3.3 MB are needed in" in lines[-1]


def test_a_hub_id_is_looked_for_in_the_cache(monkeypatch, tmp_path, command):
    monkeypatch.setenv("SOD_AGENT_OFFLINE", "1")
    code, _, lines = command("--model", "org/not-here")
    assert code == 2
    assert "no folder org/not-here here" in lines[-1]
    assert "hf download org/not-here" in lines[-1]


def test_without_the_hub_extra_an_id_says_what_to_install(monkeypatch, command):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    code, _, lines = command("--model", "org/not-here")
    assert code == 2
    assert "pip install 'sod-agent[hub]'" in lines[-1]


def test_a_hub_id_in_the_cache_is_exported_into_the_present_folder(monkeypatch, tmp_path, command):
    from huggingface_hub import constants

    monkeypatch.setenv("SOD_AGENT_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "hub" / "models--org--tiny"
    shutil.copytree(NANO, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    assert find_source("org/tiny") == repo / "snapshots" / commit
    code, out, _ = command("--model", "org/tiny", "--f16")
    assert code == 0
    assert Path(out) == work / "tiny-f16.gguf"
    assert inspect_gguf(Path(out)).name == "org/tiny"
