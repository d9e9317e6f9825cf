"""llama.cpp's quantiser as we call it: types, importance matrices, failures, Ctrl-C."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import gguf
import pytest

from export.command import Display
from export.errors import ExportError
from export.gguf import export_gguf
from export.imatrix import collect_imatrix
from export.quantize import quantize
from export.targets import FILE_TYPES, check_type, four_bits
from runtime.models.gguf import inspect_gguf
from tests.export.conftest import NANO


@pytest.fixture(scope="module")
def floats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_gguf(NANO, tmp_path_factory.mktemp("floats") / "nano.gguf", type="f16")


class Heard(Display):
    """Keeps what a person would be told."""

    def __init__(self) -> None:
        super().__init__(show=False)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize("type", ["q8_0", "q4_0", "iq4_nl", "q5_k_m", "bf16"])
def test_types_are_what_they_say(type, floats, tmp_path):
    seen: list[tuple[int, int]] = []
    quantize(floats, tmp_path / "q.gguf", type, on_progress=lambda *now: seen.append(now))
    before, after = inspect_gguf(floats), inspect_gguf(tmp_path / "q.gguf")
    assert after.file_type == type.upper()
    assert after.tensors == before.tensors == len(seen)
    assert seen[-1] == (before.tensors, before.tensors)
    assert after.weights <= before.weights
    template = gguf.GGUFReader(tmp_path / "q.gguf").fields["tokenizer.chat_template"].contents()
    assert template == (NANO / "chat_template.jinja").read_text()


def test_rows_that_do_not_fit_a_type_are_told(tmp_path):
    heard = Heard()
    export_gguf(NANO, tmp_path / "q.gguf", type="q4_k_m", display=heard)
    assert any("the rows do not fit the blocks of q4_k_m" in line for line in heard.lines)


def test_an_importance_matrix_changes_the_weights_and_is_named(floats, tmp_path):
    rng = random.Random(0)
    sequences = [[rng.randrange(768) for _ in range(64)] for _ in range(4)]
    matrix = collect_imatrix(floats, sequences, tmp_path / "nano.imatrix")
    plain = export_gguf(floats, tmp_path / "plain.gguf", type="q4_0")
    heard = Heard()
    better = export_gguf(floats, tmp_path / "b.gguf", type="q4_0", imatrix=matrix, display=heard)
    assert not any("no importance" in line for line in heard.lines)
    readers = [gguf.GGUFReader(path) for path in (plain, better)]
    first, second = (
        next(t.data for t in reader.tensors if t.name == "blk.1.attn_q.weight")
        for reader in readers
    )
    assert (first != second).any()
    assert readers[1].fields["quantize.imatrix.file"].contents() == "nano.imatrix"
    assert readers[1].fields["quantize.imatrix.entries_count"].contents() == 28


def test_an_importance_matrix_of_another_model_is_refused(floats, model_path, tmp_path):
    matrix = collect_imatrix(floats, [[1, 2, 3, 4]], tmp_path / "nano.imatrix")
    with pytest.raises(ExportError, match="imatrix size"):
        export_gguf(model_path, tmp_path / "out.gguf", type="q4_0", imatrix=matrix)
    assert not list(tmp_path.glob("*out*"))


def test_very_few_bits_need_an_importance_matrix(floats, tmp_path):
    with pytest.raises(ExportError, match="requires an imatrix"):
        export_gguf(floats, tmp_path / "out.gguf", type="iq2_xxs")
    assert not list(tmp_path.iterdir())


def test_a_crash_of_the_quantiser_is_one_line(floats, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ExportError, match="cannot write q8_0: it ended with 1"):
        quantize(floats, tmp_path / "out.gguf", "q8_0")


def test_a_folder_that_cannot_be_written_is_one_line(floats, tmp_path):
    with pytest.raises(ExportError, match="cannot write"):
        quantize(floats, tmp_path / "no" / "out.gguf", "q8_0")
    with pytest.raises(ExportError, match="cannot write"):
        export_gguf(NANO, tmp_path / "no" / "out.gguf", type="f16")


def test_types_and_targets():
    assert check_type("IQ4_NL") == "iq4_nl"
    assert FILE_TYPES["q4_k_m"] == 15
    with pytest.raises(ExportError, match="has no type 'q4_x'; usual ones"):
        check_type("q4_x")
    for target in ("x86", "arm", "auto"):
        choice = four_bits(target)
        assert choice.type in FILE_TYPES
        assert choice.why


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_quantiser_and_leaves_nothing(how, model_path, tmp_path):
    out = tmp_path / "out.gguf"
    command = [sys.executable, "-m", "export.gguf", "--model", str(model_path)]
    child = subprocess.Popen(
        [*command, "--type", "q3_k_m", "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    while not any(file.stat().st_size for file in tmp_path.glob(".*.part")):
        assert child.poll() is None, "it was done before it could be interrupted"
        time.sleep(0.005)
    workers = _children(child.pid)
    child.send_signal(how)
    _, errors = child.communicate(timeout=30)
    assert child.returncode == 130
    assert errors.splitlines()[-1] == "export.gguf: interrupted; nothing was written"
    assert "Traceback" not in errors
    assert not list(tmp_path.iterdir())
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


_FULL_DISK = """
import sys
import export.gguf
import export.gguf_file
export.gguf_file._check_space = lambda *sizes, **more: None  # the check ahead is tested elsewhere
from export.command import main
main("export.gguf", export.gguf.app)
"""


@pytest.mark.parametrize(("size", "type"), [("1m", "f16"), ("3m", "q8_0")])
def test_a_full_disk_leaves_nothing(size, type, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = (
        f'mount -t tmpfs -o size={size} none "{disk}" && "$@"; rc=$?; ls -A "{disk}"; exit $rc'
    )
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command, "sh"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    export = [sys.executable, "-c", _FULL_DISK, "--model", str(NANO), "--type", type]
    done = subprocess.run(
        [*unshare, *export, "--out", str(disk / "out.gguf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == "", "something was left on the disk"
    assert "no space left on the disk" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
