"""The gate takes the smallest type that loses nothing, says so, and the card tells it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.problems import load_problems
from export.card import Made, card, card_path, put_fidelity, write_card
from export.command import Display
from export.errors import ExportError
from export.fidelity.measure import Plan, measure
from export.fidelity.problems import settings_for
from export.fidelity.store import Store
from export.gate import export_gated, step_up, steps_from
from export.gguf import app, export_gguf
from export.targets import FILE_TYPES
from runtime.settings import Settings

from .nano import TEACHER, damaged_teacher, write_problems

PROBLEMS = 5


class Heard(Display):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__(show=False)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module", autouse=True)
def _calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOD_AGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a training run leaves: a student, its problems, its lock."""
    folder = tmp_path_factory.mktemp("run")
    shutil.copytree(TEACHER, folder / "student")
    write_problems(folder / "eval_problems.jsonl", PROBLEMS)
    lock = {
        "config": {"method": "sod", "preset": "nano", "max_turns": 7, "max_tokens": 200},
        "models": {"teacher": {"source": "train/nano/teacher", "hash": "c0ffee"}},
        "data": {"train": {"source": "nano`\n# not a heading", "hash": "facade", "problems": 9}},
        "commit": {"id": "abc123", "dirty": False},
        "protocol_version": 1,
    }
    (folder / "lock.json").write_text(json.dumps(lock))
    return folder


@pytest.fixture(scope="module")
def plan(run_folder: Path) -> Plan:
    file = run_folder / "eval_problems.jsonl"
    return Plan(load_problems(file), settings_for(file), n_threads=1, speed=False)


@pytest.fixture(scope="module")
def f16(run_folder: Path) -> Path:
    return export_gguf(run_folder / "student", run_folder / "reference.gguf", type="f16")


@pytest.fixture(scope="module")
def damaged(run_folder: Path) -> Path:
    return export_gguf(damaged_teacher(run_folder, 0.6), run_folder / "damaged.gguf", type="f16")


def test_the_ladder_only_goes_up():
    assert steps_from("q4_0") == ["q4_0", "q4_k_m", "q5_k_m", "q8_0", "f16"]
    assert steps_from("iq4_nl") == ["iq4_nl", "q4_k_m", "q5_k_m", "q8_0", "f16"]
    assert steps_from("q4_k_m") == ["q4_k_m", "q5_k_m", "q8_0", "f16"]
    assert steps_from("q6_k") == ["q6_k", "q8_0", "f16"]
    assert steps_from("q8_0") == ["q8_0", "f16"]
    assert steps_from("f16") == ["f16"] and steps_from("bf16") == ["bf16"]
    assert all(steps_from(type)[0] == type for type in FILE_TYPES)


def test_a_damaged_type_is_stepped_over(f16, damaged, plan, tmp_path):
    heard = Heard()

    def make(type: str) -> Path:
        source = damaged if type == "q4_0" else f16
        return Path(shutil.copyfile(source, tmp_path / f"{type}.gguf"))

    passed = step_up(f16, ["q4_0", "q5_k_m", "f16"], make, plan, display=heard)
    assert (passed.type, passed.within) == ("q5_k_m", True)
    assert list(passed.tried) == ["q4_0", "q5_k_m"]
    assert passed.tried["q4_0"].lost > 1 and passed.tried["q5_k_m"].lost == 0
    assert [file.name for file in tmp_path.iterdir()] == ["q5_k_m.gguf"]
    said = "\n".join(heard.lines)
    assert "one alone is 20.0 points" in said
    assert "q4_0 does not pass: " in said and "95 % interval" in said
    assert "q5_k_m passes: 0.0 points lost" in said
    (model,) = passed.fidelity.candidates
    assert model.calls.mean == 0 and model.exact_forced.value == 1


def test_the_last_type_is_taken_and_said_not_to_pass(f16, damaged, plan, tmp_path):
    copy = Path(shutil.copyfile(damaged, tmp_path / "only.gguf"))
    passed = step_up(f16, ["q8_0"], lambda _: copy, plan)
    assert not passed.within and copy.exists()
    assert "does not pass" in passed.told()[0]


def test_a_gate_needs_something_to_lose(damaged, f16, plan, tmp_path):
    hopeless = replace(plan, settings=Settings(max_turns=1, max_tokens=2))
    with pytest.raises(ExportError, match="solves none of the 5 problems"):
        step_up(f16, ["q8_0"], lambda _: f16, hopeless)
    with pytest.raises(ExportError, match="from 0 to 100"):
        step_up(f16, ["q8_0"], lambda _: f16, plan, gate=-1)


def test_an_export_steps_up_by_itself(run_folder, damaged, tmp_path):
    heard = Heard()

    def convert(source: Path, out: Path, *, type: str, **given: object) -> Path:
        if type in ("q4_0", "q4_k_m"):  # such as a quantiser that spoils this model
            return Path(shutil.copyfile(damaged, out))
        return export_gguf(source, out, type=type)

    passed = export_gated(
        run_folder / "student",
        "q4_0",
        lambda type: tmp_path / f"student-{type}.gguf",
        convert,
        gate=1.0,
        display=heard,
    )
    assert passed.type == "q5_k_m" and passed.path == tmp_path / "student-q5_k_m.gguf"
    assert list(tmp_path.iterdir()) == [passed.path]
    assert "q4_0 lost too much: exported as q5_k_m" in heard.lines
    assert passed.fidelity.candidates[0].path == str(passed.path)


def test_a_gate_that_fails_leaves_nothing(run_folder, tmp_path):
    def convert(source: Path, out: Path, *, type: str, **given: object) -> Path:
        if type != "f16":
            raise KeyboardInterrupt
        return export_gguf(source, out, type=type)

    with pytest.raises(KeyboardInterrupt):
        export_gated(
            run_folder / "student", "q8_0", lambda type: tmp_path / "out.gguf", convert, gate=1.0
        )
    assert list(tmp_path.iterdir()) == []


def test_the_command_gates_and_writes_a_card(run_folder, tmp_path):
    out = tmp_path / "student.gguf"
    args = ["--model", run_folder / "student", "--q8", "--gate", 1, "--out", out]
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["student.gguf", "student.md"]
    text = (tmp_path / "student.md").read_text()
    for part in ("q8_0 passes: 0.0 points lost", "c0ffee", "facade", "abc123", "| student.gguf |"):
        assert part in text, part
    assert "sod, preset nano" in text and "sod-agent --model student.gguf" in text
    assert "\n# not a heading" not in text


def test_a_card_without_figures_says_how_to_get_them(f16, damaged, plan, tmp_path):
    out = Path(shutil.copyfile(damaged, tmp_path / "x.gguf"))
    path = write_card(Made(out, f16, "q8_0", calibrated="made of `traces.jsonl`"))
    assert path == card_path(out) == tmp_path / "x.md"
    text = path.read_text()
    assert "Not measured yet" in text and "traces.jsonl" in text and "\n\n\n" not in text
    fidelity = measure(f16, [out], plan, Store(None))
    assert put_fidelity(out, fidelity)
    measured = path.read_text()
    assert "Not measured yet" not in measured and "| x.gguf |" in measured
    assert put_fidelity(out, fidelity) and path.read_text() == measured
    assert not put_fidelity(f16, fidelity)  # it has no card
    path.write_text("# My own words\n")
    assert not put_fidelity(out, fidelity)
    assert path.read_text() == "# My own words\n"


def test_a_folder_has_its_card_inside(tmp_path, f16):
    folder = tmp_path / "onnx"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"x" * 10)
    made = Made(folder, f16, "int4")
    assert write_card(made) == folder / "README.md"
    assert "sod-agent --model onnx " in card(made)
