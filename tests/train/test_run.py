"""Whole runs of `python -m train.sod`, in processes of their own: killed, resumed, shared, refused.

The student is the shipped nano teacher, which calls its tool well, so that a few steps are enough
to go through every stage with real trajectories.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from train.config_io import main
from train.data import load_problems
from train.models import NANO_TEACHER
from train.sod import app

ROOT = Path(__file__).parents[2]
SMALL = {
    "student": str(NANO_TEACHER),
    "method": "sod",
    "train-problems": "64",
    "eval-problems": "8",
    "validation-problems": "4",
    "max-tokens": "200",
    "steps": "4",
    "eval-every": "2",
    "batch-problems": "2",
    "mini-batch-problems": "2",
    "group-size": "4",
    "micro-batch": "8",
    "lr": "1e-3",
    "warmup-steps": "0",
    "pass-mark": "0",
    "sft-examples": "64",
    "sft-epochs": "1",
    "sft-batch": "8",
}
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "ACCELERATE_USE_CPU": "true",
}


def command(output: Path, *more: str, module: str = "train.sod", **settings: str) -> list[str]:
    merged = {**SMALL, **{name.replace("_", "-"): value for name, value in settings.items()}}
    if module == "train.sft":
        del merged["method"]
    flags = [text for name, value in merged.items() for text in (f"--{name}", value)]
    return [sys.executable, "-m", module, "--output", str(output), *flags, *more]


def run(args: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        args, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=110, **more
    )  # type: ignore[call-overload]


def run_here(args: list[str]) -> tuple[int, str, str]:
    """The same command in this process, which has imported torch already: code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stop:
        main(args[2], app, args[3:])
    return int(stop.value.code or 0), out.getvalue(), err.getvalue()


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def timeless(row: dict) -> dict:
    return {key: value for key, value in row.items() if key != "seconds"}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "student" / "model.safetensors")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed, cold start included."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    done = run(command(folder))
    assert done.returncode == 0, done.stderr
    assert f"student: {folder / 'student'}" in done.stdout
    return folder


def test_a_run_leaves_what_the_readme_promises(whole):
    for name in ("student/config.json", "student/tokenizer.json", "lock.json", "report.html"):
        assert (whole / name).is_file(), name
    kinds = [row["kind"] for row in rows(whole)]
    assert kinds.count("step") == 4
    splits = [row["split"] for row in rows(whole) if row["kind"] == "eval"]
    assert splits == ["before", "validation", "validation", "validation", "after"]
    step = next(row for row in rows(whole) if row["kind"] == "step")
    assert step["infra_rate"] == 0
    assert step["tool_calls"] > 1
    assert step["w_by_step"] and step["d_by_step"]
    first = next((whole / "trajectories.jsonl").open())
    assert {"student", "tool"} == {part["kind"] for part in json.loads(first)["segments"]}


def test_the_held_out_problems_are_kept_as_a_problem_file(whole):
    seed = json.loads((whole / "lock.json").read_text())["config"]["seed"]
    kept = load_problems(str(whole / "eval_problems.jsonl"), 100, seed, "eval")
    generated = load_problems("nano", int(SMALL["eval-problems"]), seed, "eval")
    assert [(each.question, each.answer, each.family) for each in kept] == [
        (each.question, each.answer, each.family) for each in generated
    ]


def test_the_weights_moved(whole):
    before = load_file(NANO_TEACHER / "model.safetensors")
    assert any(not torch.equal(before[name].float(), new) for name, new in weights(whole).items())


@pytest.mark.parametrize("moment", ["cold_start-checkpoints", "checkpoints/*/complete"])
def test_a_killed_run_resumes_to_the_same_student(whole, tmp_path, moment):
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        command(folder),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 100
    while not list(folder.glob(moment)) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "step", "st')  # as a kill in the middle of a line would leave it
    done = run(command(folder, "--resume"))
    assert done.returncode == 0, done.stderr
    for name, weight in weights(whole).items():
        assert torch.equal(weight, weights(folder)[name]), name
    assert [timeless(row) for row in rows(folder)] == [timeless(row) for row in rows(whole)]


def test_resuming_with_other_settings_is_refused(whole):
    code, _, err = run_here(command(whole, "--resume", lr="2e-3"))
    assert code == 2
    assert "lr: 0.001 -> 0.002" in err


def test_a_folder_that_holds_a_run_is_not_overwritten(whole):
    before = (whole / "lock.json").read_bytes()
    code, _, err = run_here(command(whole))
    assert code == 2
    assert "--resume" in err
    assert len(err.strip().splitlines()) == 1
    assert (whole / "lock.json").read_bytes() == before


def test_two_processes_equal_one(tmp_path):
    """Rollouts have their own seeds, so the work can be shared without changing it."""
    settings = {"steps": "2", "eval_every": "2"}
    one, two = tmp_path / "one", tmp_path / "two"
    alone = run(command(one, "--no-cold-start", **settings))
    assert alone.returncode == 0, alone.stderr
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    shared = run([*launch, *command(two, "--no-cold-start", **settings)[1:]])
    assert shared.returncode == 0, shared.stderr
    for a, b in zip(rows(one), rows(two), strict=True):
        for key in ("accuracy", "tool_calls", "length", "rollouts", "problems", "correct"):
            assert a.get(key) == b.get(key), (a["kind"], key)
        for key in ("loss", "kl", "grad_norm", "entropy"):
            if key in a:
                assert b[key] == pytest.approx(a[key], rel=2e-3, abs=1e-5), key
    for name, weight in weights(one).items():
        torch.testing.assert_close(weights(two)[name], weight, rtol=0, atol=2e-3)


@pytest.mark.parametrize("method", ["opd", "grpo", "sft", "opsd-gt", "opsd-hint"])
def test_the_methods_of_the_comparison_run(tmp_path, method):
    settings = {"steps": "1", "eval_every": "1", "eval_problems": "4", "validation_problems": "4"}
    settings |= {"method": method}
    code, _, err = run_here(command(tmp_path / "run", "--no-cold-start", **settings))
    assert code == 0, err


def test_lora_full_divergence_and_an_offloaded_teacher(tmp_path):
    settings = {"steps": "1", "eval_every": "1", "eval_problems": "4", "validation_problems": "4"}
    settings |= {"lora_rank": "4", "divergence": "full", "teacher_load": "offload"}
    code, _, err = run_here(command(tmp_path / "run", "--no-cold-start", **settings))
    assert code == 0, err
    names = set(weights(tmp_path / "run"))
    assert names == set(load_file(NANO_TEACHER / "model.safetensors"))  # merged


def test_the_adapter_of_a_student_goes_on_where_its_cold_start_left_it(tmp_path):
    start = shutil.copytree(NANO_TEACHER, tmp_path / "start")
    before = load_file(NANO_TEACHER / "model.safetensors")
    changed = {
        name: weight + 0.02 * torch.ones_like(weight) if "_proj." in name else weight
        for name, weight in before.items()
    }
    save_file(changed, start / "model.safetensors", metadata={"format": "pt"})
    settings = {"steps": "1", "eval_every": "1", "eval_problems": "4", "validation_problems": "4"}
    settings |= {"student": str(start), "lora_base": str(NANO_TEACHER), "lora_rank": "2"}
    args = command(tmp_path / "run", "--no-cold-start", lr="1e-9", **settings)
    code, _, err = run_here(args)
    assert code == 0, err
    for name, weight in weights(tmp_path / "run").items():
        assert torch.allclose(weight, changed[name].float(), atol=1e-3), name
    assert "lora_base" in (tmp_path / "run" / "lock.json").read_text("utf-8")


def test_the_cold_start_alone(tmp_path):
    done = run(command(tmp_path / "run", module="train.sft"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "student" / "model.safetensors").is_file()
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_cold_start_of_the_layers_alone_leaves_embeddings_and_norms(tmp_path):
    args = command(tmp_path / "run", "--sft-layers-only", module="train.sft", eval_problems="2")
    done = run(args)  # run_here would go on to SOD
    assert done.returncode == 0, done.stderr
    before = load_file(NANO_TEACHER / "model.safetensors")
    for name, weight in weights(tmp_path / "run").items():
        kept = "embed" in name or "norm" in name or name == "lm_head.weight"
        assert torch.equal(before[name].float(), weight) == kept, name


def test_a_cold_start_with_an_adapter_and_a_shared_prefix_resumes_to_the_same(tmp_path):
    more = {
        "module": "train.sft",
        "sft_lora_rank": "4",
        "sft_save_every": "3",
        "eval_problems": "2",
    }
    args = [command(tmp_path / name, "--share-prefix", **more) for name in ("one", "two")]
    done = run(args[0])
    assert done.returncode == 0, done.stderr
    process = subprocess.Popen(
        args[1], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob("two/cold_start-checkpoints/*/complete")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    done = run([*args[1], "--resume"])
    assert done.returncode == 0, done.stderr
    first, second = weights(tmp_path / "one"), weights(tmp_path / "two")
    before = load_file(NANO_TEACHER / "model.safetensors")
    assert set(first) == set(before)  # merged
    assert any(not torch.equal(before[name].float(), new) for name, new in first.items())
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name
