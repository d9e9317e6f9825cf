"""What the documents tell people to type: every command parses and its settings load."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import typer
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser

from train import config as settings
from train.config import RunConfig
from train.config_io import preset_names
from train.data import load_demonstrations, load_problems

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "TRAINING.md"
CONFIGS = sorted((ROOT / "train" / "configs").glob("*.yaml"))
# Flags of other programs that the prose names.
FOREIGN = {"--help", "--config", "--resume", "--model", "--logprobs-mode"}


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), re.M | re.S)


def commands(document: Path) -> list[list[str]]:
    """The words of every command line, without comments, assignments and what follows `&`."""
    found = []
    for block in blocks(document, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\||&\s*$", line):
                words = shlex.split(part, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                found.append(words)
    return found


def training_commands() -> list[list[str]]:
    """`python -m train.*` and `accelerate launch`, of both documents."""
    return [
        words
        for document in (GUIDE, ROOT / "README.md")
        for words in commands(document)
        if (words[1:2] == ["-m"] and words[2].startswith("train.")) or words[:1] == ["accelerate"]
    ]


@pytest.fixture
def loaded(monkeypatch, tmp_path) -> list[RunConfig]:
    """Receives the settings of each run, in place of the training, in a folder with my.yaml."""
    configs: list[RunConfig] = []

    def keep(config: RunConfig, resume: bool, goal: str = "student") -> int:
        configs.append(config)
        return 0

    monkeypatch.setattr("train.pipeline.run", keep)
    (tmp_path / "my.yaml").write_text(blocks(GUIDE, "yaml")[0])
    (tmp_path / "train").symlink_to(ROOT / "train")  # settings in the repository
    monkeypatch.chdir(tmp_path)
    return configs


@pytest.mark.parametrize("words", training_commands(), ids=" ".join)
def test_a_command_parses_and_its_settings_load(words, loaded):
    if words[0] == "accelerate":
        assert words[1] == "launch"
        launch = launch_command_parser().parse_args(words[2:])
        assert launch.module
        if launch.config_file is not None:
            assert ROOT / launch.config_file in CONFIGS
        module, args = launch.training_script, launch.training_script_args
    else:
        module, args = words[2], words[3:]
    if module == "train.report":
        main = importlib.import_module("train.report.__main__").main
        assert main(args) == 2  # no such run here; a bad flag would be a SystemExit
        return
    if module == "train.problems":
        module = "train.problems.__main__"
    app = importlib.import_module(module).app
    if module in ("train.nano.make_teacher", "train.problems.__main__"):
        typer.main.get_command(app).make_context(module, args)
        return
    assert app(args, standalone_mode=False) == 0
    assert len(loaded) == 1


def test_the_guide_has_commands_of_every_kind():
    found = {
        words[2] if words[0] != "accelerate" else "accelerate" for words in training_commands()
    }
    assert {"train.sod", "train.sft", "train.teacher", "train.report", "accelerate"} <= found
    named = {word for words in training_commands() for word in words}
    assert {str(file.relative_to(ROOT)) for file in CONFIGS} <= named


def test_the_server_command_is_trls():
    from trl.scripts.vllm_serve import build_command, make_parser

    (words,) = [words for words in commands(GUIDE) if words[:2] == ["trl", "vllm-serve"]]
    parsed, rest = make_parser(prog="trl").parse_args_and_config(
        args=words[2:], return_remaining_strings=True
    )
    assert not rest
    started = " ".join(build_command(parsed))
    assert "--logprobs-mode processed_logprobs" in started  # as the guide says TRL does itself


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.name)
def test_accelerate_reads_the_config_files(file):
    config = load_config_from_file(str(file))
    assert config.num_processes > 1
    # Read from a file, these have to reach the launcher under the names of its own options.
    known = {action.dest for action in launch_command_parser()._actions}
    extra = {**config.fsdp_config, **config.deepspeed_config}
    assert set(extra) <= known
    assert config.distributed_type.value in {"FSDP", "DEEPSPEED", "MULTI_GPU"}


def test_the_flags_that_the_prose_names_exist():
    prose = re.sub(r"^```.*?^```", "", GUIDE.read_text(), flags=re.M | re.S)
    flags = {flag for code in re.findall(r"`([^`]+)`", prose) for flag in _flags(code)}
    ours = {"--" + each.name.replace("_", "-") for each in fields(RunConfig)}
    assert flags - ours - FOREIGN == set()
    assert len(flags) > 20


def _flags(code: str) -> list[str]:
    return re.findall(r"--[a-z][a-z-]+", code)


def test_every_preset_method_and_baseline_is_explained():
    text = GUIDE.read_text()
    kinds = (settings.Method, settings.WeightBaseline, settings.OnCollapse, settings.TeacherLoad)
    names = [name for kind in kinds for name in get_args(kind) if name != "full"]
    assert [name for name in [*names, *preset_names()] if name not in text] == []


def test_the_data_of_the_guide_is_read(tmp_path):
    problems, solved = blocks(GUIDE, "json")
    (tmp_path / "p.jsonl").write_text(problems)
    (tmp_path / "s.jsonl").write_text(solved)
    read = load_problems(str(tmp_path / "p.jsonl"), 10, 0, "eval")
    assert [each.domain for each in read] == ["math", "science", "code"]
    (demonstration,) = load_demonstrations(str(tmp_path / "s.jsonl"), 10, 0)
    call = json.loads(solved)["messages"][1]["tool_calls"][0]["function"]["arguments"]["code"]
    assert call in demonstration.messages[1].content
