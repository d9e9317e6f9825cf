"""An entry with `quantise`: merged once, kept, and what happens where that cannot be done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.models import Progress, resolve_model
from runtime.models.checksum import file_sha256
from tests.models.adapters import write_adapter

NANO = Path(__file__).parents[2] / "train" / "nano" / "teacher"
RESOLVE = "from runtime.models import resolve_model; print(resolve_model('tuned').path)"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nano teacher as Q8_0, a model of real weights that takes no time."""
    from export.gguf import export_gguf

    return export_gguf(NANO, tmp_path_factory.mktemp("nano") / "nano.gguf", type="q8_0")


@pytest.fixture
def adapter(home: Path, nano: Path) -> Path:
    return rank_four(home / "lora.gguf", nano)


def rank_four(path: Path, base: Path, **how) -> Path:
    from runtime.models.gguf import read_layout

    layout = read_layout(base)
    shapes = {
        name: tensor.shape[::-1]
        for name, tensor in layout.tensors.items()
        if name.startswith("blk.") and len(tensor.shape) == 2
    }
    return write_adapter(path, shapes, arch=layout.info.architecture, protocol=1, **how)


@pytest.fixture
def register(nano: Path, adapter: Path, write_registry) -> Callable[..., None]:
    """Register 'tuned', nano with an adapter."""

    def write(base: Path = nano, type: str = "q4_0") -> None:
        write_registry(
            f'[models.plain]\nmodel = {{ path = "{base}" }}\nuntrained = true\n'
            f'[models.tuned]\nbase = "plain"\nlora = {{ path = "{adapter}" }}\n'
            f'quantise = {{ x86 = "{type}", arm = "{type}", other = "{type}" }}\n'
        )

    write()
    return write


def kept(home: Path) -> list[str]:
    """What lies in the cache, but locks and the memory of hashes."""
    files = (path for path in (home / "cache").rglob("*") if path.suffix not in (".lock", ".json"))
    return sorted(path.name for path in files if path.is_file())


def test_made_once_and_then_only_found(home, nano, adapter, register) -> None:
    reports: list[Progress] = []
    model = resolve_model("tuned", on_progress=reports.append)
    assert (model.name, model.lora, model.untrained) == ("tuned", None, False)
    assert (model.info.file_type, model.info.name) == ("Q4_0", "Tuned")
    assert model.info.protocol_version == 1
    assert kept(home) == [model.path.name]
    assert [report.done for report in reports].count(0) == 1
    assert (reports[-1].done, reports[-1].unit) == (reports[-1].total, "tensors")
    assert reports[0].what.startswith(f"making {model.path.name} once, q4_0 for this machine")
    (note,) = model.notes
    assert f"made {model.path.name} (q4_0, 1 MB) of nano.gguf and lora.gguf in" in note

    before = model.path.stat()
    again = resolve_model("tuned", on_progress=pytest.fail, allow_merge=False)
    assert (again.path, again.lora, again.notes) == (model.path, None, [])
    assert model.path.stat() == before


def test_the_quantised_file_answers_like_the_adapter_on_top(nano, adapter, register) -> None:
    import numpy as np

    from runtime.engines.llama_cpp import LlamaCppEngine

    register(type="f16")

    def logits(path: Path, lora: Path | None) -> np.ndarray:
        engine = LlamaCppEngine(path, lora=lora, n_ctx=256, n_threads=1)
        try:
            return np.stack(list(engine.score(list(range(7, 40)), 1)))
        finally:
            engine.close()

    apart, plain = logits(nano, adapter), logits(nano, None)
    together = logits(resolve_model("tuned").path, None)
    assert np.abs(together - apart).max() / apart.std() < 0.2
    assert np.abs(plain - apart).max() / apart.std() > 0.6


def test_a_new_adapter_replaces_the_file_of_the_old(home, nano, adapter, register) -> None:
    first = resolve_model("tuned").path
    (first.parent / "tuned-more-0123456789abcdef.gguf").write_bytes(b"another entry's")
    rank_four(adapter, nano, seed=5)
    second = resolve_model("tuned").path
    assert second != first
    assert kept(home) == sorted([second.name, "tuned-more-0123456789abcdef.gguf"])
    register(type="q8_0")
    assert resolve_model("tuned").info.file_type == "Q8_0"


def test_a_damaged_file_is_made_again(home, register) -> None:
    path = resolve_model("tuned").path
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert resolve_model("tuned").path.read_bytes() == whole


def test_leftovers_of_a_killed_process_are_removed(home, register) -> None:
    work = home / "cache" / "models" / "tuned.unfinished"
    work.mkdir(parents=True)
    (work / "merged.gguf").write_bytes(b"half")
    assert kept(home) == ["merged.gguf"]
    assert kept(home) != [resolve_model("tuned").path.name] == kept(home)


def test_an_explicit_adapter_is_applied_as_ever(home, adapter, register) -> None:
    model = resolve_model("tuned", str(adapter))
    assert model.lora == adapter
    assert kept(home) == []


def test_doctor_makes_nothing_and_says_what_will_be(home, register) -> None:
    command = [sys.executable, "-m", "runtime.cli.main", "doctor", "--model", "tuned"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "the next run merges lora.gguf into it, as q4_0, and keeps" in said
    assert kept(home) == []


def test_two_processes_make_one_file(home, register) -> None:
    command = [sys.executable, "-c", RESOLVE]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    answers = [process.communicate(timeout=100)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers[0] == answers[1]
    assert kept(home) == [Path(answers[0]).name]


# What stands in the way --------------------------------------------------------------------


def fallback(adapter: Path, nano: Path) -> str:
    model = resolve_model("tuned")
    assert (model.path, model.lora, model.untrained) == (nano, adapter, False)
    (note,) = model.notes
    assert "lora.gguf is not merged into nano.gguf but applied while it runs" in note
    assert "\n" not in note
    return note


def test_a_cache_that_cannot_be_written(home, nano, adapter, register, monkeypatch) -> None:
    (home / "a-file").write_text("")
    monkeypatch.setenv("SOD_AGENT_CACHE", str(home / "a-file" / "cache"))
    assert "cannot write the cache folder" in fallback(adapter, nano)


def test_a_quantiser_that_refuses(home, nano, adapter, register) -> None:
    register(type="iq2_xxs")
    assert "llama.cpp cannot write iq2_xxs: " in fallback(adapter, nano)
    assert kept(home) == []


def test_a_quantiser_that_dies(home, nano, adapter, register, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "llama.cpp cannot write q4_0: it ended with 1" in fallback(adapter, nano)
    assert kept(home) == []


def test_an_adapter_for_another_model_is_no_fallback(home, adapter, register) -> None:
    write_adapter(adapter, {"blk.0.attn_q.weight": (3, 5)}, arch="qwen3")  # nano's
    with pytest.raises(ModelError, match="does not fit") as caught:
        resolve_model("tuned")
    assert "\n" not in str(caught.value)
    assert kept(home) == []


_ON_A_SMALL_DISK = """
import shutil, sys
from runtime.models import resolve_model
if sys.argv[1] == "later":  # the check ahead sees room
    whole = shutil.disk_usage
    import runtime.models.merged as merged
    merged.shutil = type("Roomy", (), {"rmtree": shutil.rmtree,
        "disk_usage": staticmethod(lambda path: whole("/"))})
found = resolve_model("tuned")
print(found.lora is not None, *found.notes)
"""


@pytest.mark.parametrize(
    ("when", "size", "message"),
    [
        ("ahead", "300k", "are needed in"),
        ("later", "300k", "no space left on the disk"),
        ("later", "900k", "no space left on the disk"),
    ],
)
def test_a_full_disk_leaves_nothing(when, size, message, home, register) -> None:
    disk = home / "disk"
    disk.mkdir()
    script = (
        f'mount -t tmpfs -o size={size} none "{disk}" && "$@"; rc=$?; '
        f'find "{disk}" -name "*.gguf"; exit $rc'
    )
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", _ON_A_SMALL_DISK, when],
        env={**os.environ, "SOD_AGENT_CACHE": str(disk)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()  # no file beside
    assert line.startswith("True lora.gguf is not merged")
    assert message in line


def test_ctrl_c_leaves_nothing(home, model_path, register, write_registry) -> None:
    from tests.models.adapters import smollm2_shapes

    write_adapter(home / "lora.gguf", smollm2_shapes())
    register(base=model_path, type="q3_k_m")  # slow
    process = subprocess.Popen(
        [sys.executable, "-c", RESOLVE], stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    quantised = home / "cache" / "models" / "tuned.unfinished" / "quantised.gguf"
    deadline = time.monotonic() + 100
    while not quantised.exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert kept(home) == []


def test_hashes_are_remembered_and_noticed_to_be_old(home, tmp_path) -> None:
    import hashlib

    path = tmp_path / "file"
    path.write_bytes(b"one")
    assert file_sha256(path) == hashlib.sha256(b"one").hexdigest()
    store = home / "cache" / "models" / "sha256.json"
    assert not store.exists()  # it changed a moment ago
    time.sleep(1.1)
    assert file_sha256(path) == hashlib.sha256(b"one").hexdigest()
    assert str(path) in store.read_text()
    store.write_text(store.read_text().replace(hashlib.sha256(b"one").hexdigest(), "f" * 64))
    assert file_sha256(path) == "f" * 64
    path.write_bytes(b"two")
    assert file_sha256(path) == hashlib.sha256(b"two").hexdigest()
    store.write_text("[")
    assert file_sha256(path) == hashlib.sha256(b"two").hexdigest()
