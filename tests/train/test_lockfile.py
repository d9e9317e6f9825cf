"""The lock file: what it holds, what a resumed run may change, who may write in a folder."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from runtime.protocol import PROTOCOL_VERSION
from train.config import RunConfig
from train.errors import ConfigError
from train.lockfile import (
    DataFacts,
    ModelFacts,
    RunFacts,
    check_lock,
    claim_folder,
    hash_model,
    hash_text,
    write_lock,
)

ROOT = Path(__file__).parent.parent.parent
CONFIG = RunConfig(output="runs/x", student="org/student")
FACTS = RunFacts(
    models={"student": ModelFacts("org/student", hash_text("weights"))},
    data={"train": DataFacts("nano", hash_text("problems"), 4096)},
    template_hash=hash_text("template"),
)


def edit(folder: Path, change) -> None:
    file = folder / "lock.json"
    lock = json.loads(file.read_text())
    change(lock)
    file.write_text(json.dumps(lock))


def test_the_lock_says_all_that_made_the_run(tmp_path):
    write_lock(tmp_path, CONFIG, FACTS)
    assert [file.name for file in tmp_path.iterdir()] == ["lock.json"]
    lock = json.loads((tmp_path / "lock.json").read_text())
    assert lock["config"] == CONFIG.as_lock()
    assert lock["models"]["student"] == {"source": "org/student", "hash": hash_text("weights")}
    assert lock["data"]["train"]["problems"] == 4096
    assert lock["thinking"] is False and lock["protocol_version"] == PROTOCOL_VERSION
    assert lock["versions"]["torch"] and lock["machine"]["cores"] >= 1
    assert datetime.fromisoformat(lock["created"]).tzinfo
    commit = lock["commit"]
    assert commit is None or re.fullmatch("[0-9a-f]{40}", commit["id"])


def test_the_same_run_may_go_on_elsewhere_in_the_file_system(tmp_path):
    write_lock(tmp_path, CONFIG, FACTS)
    assert check_lock(tmp_path, replace(CONFIG, output="moved", progress=False), FACTS) == []


@pytest.mark.parametrize(
    ("config", "facts", "message"),
    [
        ({"lr": 0.5}, {}, "lr: 1e-06 -> 0.5"),
        ({"thinking": True}, {}, "thinking: False -> True"),
        ({}, {"template_hash": hash_text("other")}, r"template_hash: \w{12}... -> \w{12}..."),
        ({}, {"models": {"student": ModelFacts("org/student", "new")}}, "models.student.hash: "),
        ({}, {"models": {}}, r"models.student.hash: \w{12}... -> nothing"),
        ({}, {"data": {"train": DataFacts("nano", hash_text("problems"), 9)}}, "4096 -> 9"),
    ],
)
def test_a_run_of_other_ingredients_is_not_resumed(tmp_path, config, facts, message):
    write_lock(tmp_path, CONFIG, FACTS)
    with pytest.raises(ConfigError, match=message) as caught:
        check_lock(tmp_path, replace(CONFIG, **config), replace(FACTS, **facts))
    assert "\n" not in str(caught.value)


def test_at_most_five_differences_are_told(tmp_path):
    write_lock(tmp_path, CONFIG, FACTS)
    other = replace(CONFIG, lr=1.0, steps=1, seed=1, coef=0.5, delta=0.1, group_size=2, top_p=0.5)
    with pytest.raises(ConfigError, match=r"; and 2 more$") as caught:
        check_lock(tmp_path, other, FACTS)
    assert str(caught.value).count("->") == 5


def test_other_versions_machine_or_place_are_only_told(tmp_path):
    write_lock(tmp_path, CONFIG, FACTS)

    def change(lock):
        lock["versions"]["torch"] = "1.0"
        lock["machine"]["gpus"] = ["a GPU"]
        lock["commit"] = {"id": "c" * 40, "dirty": True}
        lock["data"]["train"]["source"] = "/elsewhere"

    edit(tmp_path, change)
    told = check_lock(tmp_path, CONFIG, FACTS)
    assert any(line.startswith("versions.torch: 1.0 -> ") for line in told)
    assert "machine.gpus: ['a GPU'] -> []" in told or any("machine.gpus" in line for line in told)
    assert "data.train.source: /elsewhere -> nano" in told
    assert any(line.startswith("commit") for line in told)


def test_another_protocol_or_an_older_set_of_settings_is_refused(tmp_path):
    write_lock(tmp_path, CONFIG, FACTS)
    edit(tmp_path, lambda lock: lock.update(protocol_version=0))
    with pytest.raises(ConfigError, match=f"protocol_version: 0 -> {PROTOCOL_VERSION}"):
        check_lock(tmp_path, CONFIG, FACTS)
    write_lock(tmp_path, CONFIG, FACTS)
    edit(tmp_path, lambda lock: lock["config"].pop("delta"))
    with pytest.raises(ConfigError, match=r"delta: nothing -> 0\.2"):
        check_lock(tmp_path, CONFIG, FACTS)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"config": 3}', "\xff"])
def test_a_damaged_lock_is_one_line(tmp_path, text):
    (tmp_path / "lock.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="damaged"):
        check_lock(tmp_path, CONFIG, FACTS)


def test_the_commit_is_that_of_this_code_and_not_of_the_folder_it_runs_in(tmp_path):
    """A copy outside any checkout has none, even inside somebody else's repository."""
    package = tmp_path / "train"
    package.mkdir()
    for file in (ROOT / "train").glob("*.py"):
        (package / file.name).write_text(file.read_text())
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    code = "from train.lockfile import _commit; import json; print(json.dumps(_commit()))"

    def commit():
        env = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", code]
        return json.loads(subprocess.run(command, cwd=tmp_path, env=env, stdout=-1).stdout)

    assert commit() is None
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    assert commit() is None
    subprocess.run([*git, "add", "train"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "ours"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], stdout=-1, text=True).stdout.strip()
    assert commit() == {"id": head, "dirty": False}
    (package / "errors.py").open("a").write("# changed")
    assert commit()["dirty"] is True


# Hashes ------------------------------------------------------------------------------------------


def model(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_the_hash_of_a_model_is_that_of_its_files(tmp_path):
    files = {"model__safetensors": "abc", "config__json": "{}", "tokenizer__json": "[]"}
    first = hash_model(model(tmp_path / "a", **files))
    assert first == hash_model(model(tmp_path / "b", **files, README__md="hello"))
    assert first != hash_model(model(tmp_path / "c", **{**files, "model__safetensors": "abd"}))
    # Bytes that move from one file to the next, or names that change places.
    moved = {**files, "config__json": "{}[", "tokenizer__json": "]"}
    assert first != hash_model(model(tmp_path / "d", **moved))
    swapped = {**files, "config__json": "[]", "tokenizer__json": "{}"}
    assert first != hash_model(model(tmp_path / "e", **swapped))


def test_a_single_file_is_a_model_and_nothing_is_none(tmp_path):
    file = tmp_path / "m.gguf"
    file.write_bytes(b"x" * 3_000_000)
    before = hash_model(file)
    file.write_bytes(b"x" * 2_999_999 + b"y")
    assert hash_model(file) != before
    for path in (tmp_path / "none", model(tmp_path / "empty", README__md="")):
        with pytest.raises(ConfigError, match="there is no model at"):
            hash_model(path)


def test_any_text_has_a_hash():
    assert hash_text("a") != hash_text("b")
    assert len(hash_text("\ud800")) == 64


# The folder --------------------------------------------------------------------------------------


def test_a_folder_holds_one_run(tmp_path):
    folder = tmp_path / "runs" / "a"
    with pytest.raises(ConfigError, match="no run to resume"), claim_folder(folder, resume=True):
        pass
    assert not folder.exists()
    with claim_folder(folder, resume=False):
        write_lock(folder, CONFIG, FACTS)
    with pytest.raises(ConfigError, match="--resume"), claim_folder(folder, resume=False):
        pass
    with claim_folder(folder, resume=True):
        assert check_lock(folder, CONFIG, FACTS) == []


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    folders = [tmp_path / "file", tmp_path / "file" / "below"]
    if sys.platform == "linux":
        folders.append(Path("/proc/nowhere"))
    for folder in folders:
        with pytest.raises(ConfigError, match="cannot write in"), claim_folder(folder, False):
            pass


def test_two_processes_cannot_write_into_one_folder_and_kill_frees_it(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom train.lockfile import claim_folder\n"
        "with claim_folder(Path(sys.argv[1]), False): print('mine', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout.readline() == b"mine\n"
        try:
            with pytest.raises(ConfigError, match="another run is writing"):  # noqa: SIM117
                with claim_folder(tmp_path, resume=False):
                    pass
        finally:
            process.send_signal(signal.SIGKILL)
        process.wait()
    with claim_folder(tmp_path, resume=False):
        pass
