"""Settings: the layers and their order, every kind of mistake, the command made from them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from train.config import RunConfig
from train.config_io import PRESETS, RANGES, config_command, load_config, preset_names
from train.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import sys
from train.config_io import config_command, main
def run(config, resume):
    {body}
main("train.sod", config_command(run, help="Distils."), sys.argv[1:])
"""


def load(flags=None, preset=None, file=None) -> RunConfig:
    return load_config(preset, file, flags or {})


def written(folder: Path, text: str) -> Path:
    file = folder / "my.yaml"
    file.write_text(text)
    return file


def program(body: str, *args: str, before: str = "", **kwargs) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", before + PROGRAM.format(body=body), *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, **kwargs)


# Layers ------------------------------------------------------------------------------------------


def test_each_layer_wins_over_the_one_below(tmp_path):
    file = written(tmp_path, "lr: 2.0e-4\nsteps: 7\n")
    config = load({"steps": 9}, preset="paper-0.6b", file=file)
    assert (config.steps, config.lr) == (9, 2e-4)
    assert config.student == "Qwen/Qwen3-0.6B"  # of the preset
    assert config.lora_alpha == RunConfig.lora_alpha  # of the dataclass


def test_the_preset_may_be_named_in_the_file_and_a_flag_overrides_it(tmp_path):
    file = written(tmp_path, "preset: paper-1.7b\n")
    assert load(file=file).student == "Qwen/Qwen3-1.7B"
    assert load(preset="nano", file=file).student == "nano"
    assert load().preset == "nano"


def test_the_output_folder_is_named_after_preset_and_method():
    assert load().output == "runs/nano-sod"
    assert load({"method": "grpo"}, preset="paper-0.6b").output == "runs/paper-0.6b-grpo"
    assert load({"output": "here"}).output == "here"


def test_an_empty_file_sets_nothing(tmp_path):
    assert load(file=written(tmp_path, "# nothing\n")) == load()


def test_what_yaml_1_1_misreads_is_read_as_meant(tmp_path):
    file = written(tmp_path, "lr: 1e-6\nepsilon: 1E-7\ntemperature: 1\nvllm: off\n")
    config = load(file=file, preset="paper-0.6b")
    assert (config.lr, config.epsilon, config.vllm) == (1e-6, 1e-7, "off")
    assert type(config.temperature) is float


SOME_SETTINGS = {
    "lr": st.floats(1e-9, 1.0),
    "steps": st.integers(1, 10**6),
    "thinking": st.booleans(),
    "method": st.sampled_from(["sod", "opd", "grpo", "sft"]),
    "student": st.text("ab/:-.", min_size=1),
}


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries({}, optional=SOME_SETTINGS))
def test_a_file_and_flags_of_the_same_values_give_the_same_config(tmp_path_factory, values):
    file = written(tmp_path_factory.getbasetemp(), yaml.safe_dump(values))
    assert load(file=file) == load(values)


# Presets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", preset_names())
def test_presets_are_sound_and_leave_their_name_to_the_file_name(preset):
    assert load(preset=preset).preset == preset
    assert "preset" not in yaml.safe_load((PRESETS / f"{preset}.yaml").read_text())


@pytest.mark.parametrize(
    "recipe", sorted(ROOT.glob("train/recipes/*/*.yaml")), ids=lambda f: f.stem
)
def test_recipes_are_sound(recipe):
    assert load(file=recipe).output.startswith("runs/")


@pytest.mark.parametrize("preset", ["paper-0.6b", "paper-1.7b"])
def test_the_paper_presets_hold_its_published_settings(preset):
    config = load(preset=preset)
    published = {
        "batch_problems": 64, "group_size": 16, "mini_batch_problems": 16, "lr": 1e-6,
        "max_turns": 16, "max_prompt_tokens": 2560, "max_tokens": 20480, "thinking": False,
        "coef": 1.0, "delta": 0.2, "epsilon": 1e-6, "clip_low": 0.2, "clip_high": 0.28,
        "weight_baseline": "first", "divergence": "sampled", "sft_epochs": 5.0, "sft_lr": 1e-5,
        "teacher": "youngzhong/SOD-GRPO_teacher-4B", "train_data": "Gen-Verse/Open-AgentRL-30K",
        "sft_data": "Gen-Verse/Open-AgentRL-SFT-3K", "method": "sod",
    }  # fmt: skip
    assert {name: getattr(config, name) for name in published} == published


# Mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"top_p": 0.0}, "--top-p is 0.0: it must be above 0 and at most 1"),
        ({"temperature": 0}, "--temperature is 0: it must be above 0"),
        ({"lr": float("nan")}, "--lr is nan: it must be above 0"),
        ({"lr": 10**400}, "it must be a number, above 0"),
        ({"eval_every": 0}, "--eval-every is 0: it must be at least 1"),
        ({"eval_every": -5}, "--eval-every is -5: it must be at least 1"),
        ({"lora_rank": -1}, "--lora-rank is -1: it must be at least 0"),
        ({"pass_mark": 1.5}, "--pass-mark is 1.5: it must be at least 0 and at most 1"),
        ({"weight_ema": 1.0}, "--weight-ema is 1.0: it must be at least 0 and below 1"),
        ({"steps": 2.5}, "--steps is 2.5: it must be a whole number, at least 1"),
        ({"steps": True}, "--steps is True: it must be a whole number, at least 1"),
        ({"lr": True}, "--lr is True: it must be a number, above 0"),
        ({"lr": "fast"}, "--lr is 'fast': it must be a number, above 0"),
        ({"thinking": "yes"}, "--thinking is 'yes': it must be true or false"),
        ({"student": 7}, "--student is 7: it must be text (put it in quotes)"),
        ({"teacher": " "}, "--teacher is ' ': it must be not empty"),
        ({"method": "ppo"}, "--method is 'ppo': it must be one of sod, opd, grpo, sft,"),
        ({"method": False}, "--method is False: it must be one of sod"),
        ({"student": list(range(999))}, "...: it must be text"),
        ({"group_siz": 4}, "--group-siz: there is no such setting; did you mean group_size?"),
        ({"zzzz": 4}, "--zzzz: there is no such setting; --help lists them"),
        ({"batch_problems": 24, "mini_batch_problems": 7},
         "mini_batch_problems is 7: it must divide batch_problems, 24"),
        ({"group_size": 1}, "group_size is 1: it must be at least 2"),
        ({"group_size": 1, "method": "opsd-gt"}, "group_size is 1: it must be at least 2"),
        ({"method": "grpo", "grpo_coef": 0.0}, "grpo_coef is 0: it must be above 0"),
        ({"coef": 0.0, "grpo_coef": 0.0}, "coef and grpo_coef are both 0"),
        ({"max_tokens": 320, "overlong_buffer": 999},
         "overlong_buffer is 999: it must be at most max_tokens, 320"),
        ({"vllm": "server"}, "vllm_url is empty: vllm server needs the URL"),
        ({"lora_base": "runs/x"}, "lora_rank is 0: lora_base needs an adapter to begin"),
        ({"sft_lora_start": "runs/x"}, "sft_lora_rank is 0: sft_lora_start needs an adapter"),
        ({"preset": "nan"}, "preset 'nan' does not exist: one of nano, paper-0.6b,"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_is_allowed(flags, message):
    with pytest.raises(ConfigError) as caught:
        load(flags)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_what_a_rule_does_not_concern_is_not_refused():
    assert load({"group_size": 1, "grpo_coef": 0.0}).group_size == 1
    assert load({"method": "sft", "coef": 0.0, "grpo_coef": 0.0}).method == "sft"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1.0e-4\n\ntopp: 1\n", "line 3: topp: there is no such setting; did you mean top_p?"),
        ("group-size: 8\n", "did you mean group_size?"),
        ("steps: 5\ntop_p: 2\n", "line 2: top_p is 2: it must be above 0 and at most 1"),
        ("lr:\n", "line 1: lr is None: it must be a number"),
        ("lr: {a: 1}\n", "line 1: lr is {'a': 1}: it must be a number"),
        ("lr: 1\nsteps: 3\nlr: 2\n", "line 3: lr is set twice"),
        ("lr: 1\nsteps: [3\n", "line 3: not valid YAML"),
        ("lr: !!python/object:os.system {}\n", "line 1: not valid YAML"),
        ("- lr\n- steps\n", "line 1: settings are written as 'name: value'"),
        ("just words\n", "line 1: settings are written as 'name: value'"),
        ("[a, b]: 1\n", "line 1: settings are written as 'name: value'"),
        ("student: 2024-13-45\n", "not valid YAML"),
        ("a: " + "[" * 400, "not valid YAML"),
        ("\x00", "not valid YAML"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_with_the_line(tmp_path, text, message):
    with pytest.raises(ConfigError) as caught:
        load(file=written(tmp_path, text))
    assert message in str(caught.value) and "my.yaml" in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"student: \xe9\n")
    for file in (tmp_path / "none.yaml", tmp_path, tmp_path / "latin.yaml"):
        with pytest.raises(ConfigError, match=file.name):
            load(file=file)


def test_every_number_has_a_range_and_every_default_is_in_it():
    numbers = {
        each.name: each.default for each in fields(RunConfig) if each.type in ("int", "float")
    }
    assert set(numbers) == set(RANGES)
    assert all(default in RANGES[name] for name, default in numbers.items())


# The command -------------------------------------------------------------------------------------


def invoke(*args: str, fixed=None):
    seen = []

    def run(config: RunConfig, resume: bool) -> int:
        seen.append((config, resume))
        return 0

    app = config_command(run, help="Distils a student.", fixed=fixed)
    result = CliRunner().invoke(app, args, env={"COLUMNS": "200", "NO_COLOR": "1"})
    return result, seen


def test_help_shows_every_setting_with_its_default_under_its_group():
    result, seen = invoke("--help")
    assert result.exit_code == 0 and not seen
    words = result.output.split()
    for each in fields(RunConfig):
        assert f"--{each.name.replace('_', '-')}" in words, each.name
        assert f" {each.metadata['group'][0].upper()}{each.metadata['group'][1:]} " in result.output
    for text in (
        "--no-cold-start",
        "--config",
        "--resume",
        "(20480)",
        "sampled|full",
        "paper-0.6b",
    ):
        assert text in result.output


def test_only_flags_that_were_typed_count(tmp_path):
    file = written(tmp_path, "cold_start: false\nlr: 0.5\nthinking: true\n")
    result, [(config, resume)] = invoke("--config", str(file), "--no-thinking", "--steps", "3")
    assert result.exit_code == 0 and resume is False
    assert (config.cold_start, config.lr, config.thinking, config.steps) == (False, 0.5, False, 3)
    _, [(again, resume)] = invoke("--resume")
    assert resume is True and again == load()


def test_what_the_command_decides_is_no_flag_and_wins_over_the_file(tmp_path):
    file = written(tmp_path, "method: sod\n")
    _, [(config, _)] = invoke("--config", str(file), fixed={"method": "sft"})
    assert config.method == "sft" and config.output == "runs/nano-sft"
    result, seen = invoke("--method", "sod", fixed={"method": "sft"})
    assert result.exit_code == 2 and not seen


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--top-p", "2"), "train.sod: --top-p is 2.0: it must be above 0 and at most 1"),
        (("--steps", "x"), "train.sod: Invalid value for '--steps': "),
        (("--method", "ppo"), "train.sod: Invalid value for '--method': "),
        (("--no-such",), "train.sod: No such option: --no-such"),
    ],
)
def test_usage_errors_are_one_line_and_code_2(args, message):
    done = program("return 0", *args)
    assert done.returncode == 2
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("body", "code", "stderr"),
    [
        ("return 3", 3, ""),
        ("raise KeyboardInterrupt", 130, "train.sod: interrupted; continue with --resume\n"),
        ("open('/nope/x')", 2, "train.sod: No such file or directory: /nope/x\n"),
    ],
)
def test_exit_codes(body, code, stderr):
    done = program(body)
    assert (done.returncode, done.stderr) == (code, stderr)


def test_a_mistake_of_our_own_keeps_its_traceback():
    done = program("return 1 / 0")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


def test_ctrl_c_while_it_runs():
    body = "import time; print('on', flush=True); time.sleep(30)"
    command = [sys.executable, "-c", PROGRAM.format(body=body)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr == "train.sod: interrupted; continue with --resume\n"


def can_mount() -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


FULL_DISK = """
import sys, torch
from safetensors.torch import save_file
from train.config_io import config_command, main
many, file = torch.zeros(10**5), sys.argv[1] + "/x"
writers = [
    lambda: open(file, "wb").write(b"x" * 10**6),
    lambda: torch.save(many, file),
    lambda: save_file({"many": many}, file),
]
for write in writers:
    try:
        app = config_command(lambda config, resume: write(), help="Fills the disk.")
        main("train.sod", app, ["--output", sys.argv[1]])
    except SystemExit as stop:
        print(stop.code)
"""


@pytest.mark.skipif(not can_mount(), reason="needs a user namespace to mount a full disk")
def test_a_full_disk_is_one_line_whoever_writes(tmp_path):
    shell = f'mount -t tmpfs -o size=64k none {tmp_path} && exec "$0" -c "$1" {tmp_path}'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", shell, sys.executable, FULL_DISK],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    line = f"train.sod: no space left on the disk of {tmp_path}; free some and continue with"
    assert done.stderr == f"{line} --resume\n" * 3
    assert done.stdout == "2\n2\n2\n"


def test_help_needs_no_training_stack():
    heavy = {"torch", "transformers", "trl", "datasets", "numpy"}
    before = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print('loaded:', sorted(set(sys.modules) & {heavy})))\n"
    )
    done = program("return 0", "--help", before=before)
    assert done.returncode == 0 and done.stdout.endswith("loaded: []\n")
