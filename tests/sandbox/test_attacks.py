"""Attacks on both tiers: nothing gets out, nothing outlives the call, the next call works.

Every attack runs against real targets of this test process: a secret file, an environment
variable, an inheritable descriptor, a listening TCP port, a Unix socket and a victim process.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime.sandbox import Kind, Result, Sandbox

from .attacks import ATTACKS, EXHAUSTION, PRELUDE
from .conftest import workers

SECRET = "sod-9f2c61-secret"
SLACK = 0.6  # seconds a call may return late


@dataclass
class Targets:
    folder: Path
    victim: subprocess.Popen[bytes]
    fields: dict[str, object]

    def check(self) -> None:
        assert self.victim.poll() is None
        assert sorted(path.name for path in self.folder.iterdir()) == ["evil.py", "s", "secret"]
        secret = self.folder / "secret"
        assert secret.read_text() == SECRET
        assert secret.stat().st_mode & 0o777 == 0o644
        assert secret.stat().st_mtime > 0


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    # Short, because a Unix socket has to fit in; and away from what the sandbox may read.
    folder = tmp_path_factory.mktemp("t")
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o644)
    (folder / "evil.py").write_text("print('ESCAPED')")
    descriptor = os.open(secret, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    server = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(folder / "s"))
    unix.listen()
    victim = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    fields = {
        "secret": secret,
        "outside": folder,
        "socket": folder / "s",
        "home": Path.home(),
        "project": Path(__file__).parents[2],
        "parent": os.getpid(),
        "victim": victim.pid,
        "port": server.getsockname()[1],
        "descriptor": descriptor,
        "name": f"sod-escaped-{os.getpid()}",
    }
    yield Targets(folder, victim, {name: str(value) for name, value in fields.items()})
    victim.kill()
    victim.wait()
    unix.close()
    server.close()
    os.close(descriptor)


@pytest.fixture(scope="module", params=["monty", "cpython"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    # Before the workers start: their environment must not hold it.
    os.environ["SOD_TEST_SECRET"] = os.environ["HF_TOKEN"] = SECRET
    with Sandbox((request.param,), memory_mb=256) as sandbox:
        report = sandbox.describe()[0]
        if not report.available:
            pytest.skip(report.detail)
        yield sandbox
    del os.environ["SOD_TEST_SECRET"], os.environ["HF_TOKEN"]


def check_next_call(sandbox: Sandbox) -> None:
    result = sandbox.run("1+1")
    assert (result.output, result.error, result.kind) == ("2\n", None, Kind.OK)


def run_timed(sandbox: Sandbox, code: str, timeout: float = 1.0) -> Result:
    started = time.monotonic()
    result = sandbox.run(code, timeout)
    assert time.monotonic() - started < timeout + SLACK
    return result


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(sandbox: Sandbox, targets: Targets, name: str) -> None:
    program = PRELUDE + ATTACKS[name].format(**targets.fields)
    result = run_timed(sandbox, program)
    said = result.output + (result.error or "")
    assert "ESCAPED" not in result.output
    assert SECRET not in said
    assert "root:" not in said
    assert f"{targets.fields['project']}/runtime" not in (result.error or "")
    assert result.kind in (Kind.OK, Kind.USER_ERROR)
    targets.check()
    for folder in ("/tmp", "/dev/shm"):
        assert not Path(folder, str(targets.fields["name"])).exists()
    check_next_call(sandbox)


@pytest.mark.parametrize("name", EXHAUSTION)
def test_exhaustion(sandbox: Sandbox, targets: Targets, name: str) -> None:
    result = run_timed(sandbox, EXHAUSTION[name], timeout=0.5)
    assert result.kind is not Kind.INFRA
    assert len(result.output) < 10_000
    assert len(result.error or "") < 4_000
    targets.check()
    check_next_call(sandbox)


@pytest.mark.parametrize("name", ["list_of_integers", "bytes", "string", "numpy", "mmap"])
def test_memory_is_typed(cpython: Sandbox, name: str) -> None:
    result = cpython.run(EXHAUSTION[name])
    assert result.kind is Kind.MEMORY
    assert result.error is not None and "emory" in result.error.splitlines()[-1]


@pytest.mark.parametrize(
    "name", ["loop", "loop_in_c", "sleep", "output_flood", "close_pipes_and_loop"]
)
def test_timeout_is_typed(cpython: Sandbox, name: str) -> None:
    result = cpython.run(EXHAUSTION[name], timeout=0.3)
    assert result.kind is Kind.TIMEOUT
    assert result.error == "TimeoutError: the program was stopped after 0.3 s"


def test_scratch_does_not_outlive_the_call(cpython: Sandbox) -> None:
    write = "import os\nos.makedirs('a/b')\nopen('a/b/note', 'w').write('x')\nos.listdir('.')"
    assert cpython.run(write).output == "['a']\n"
    assert cpython.run("import os\nlist(os.scandir('.'))").output == "[]\n"


def test_state_does_not_outlive_the_call(cpython: Sandbox) -> None:
    cpython.run("import json, math\njson.left = math.pi = 3\nimport builtins\nbuiltins.len = 1")
    code = "import json, math\nprint(hasattr(json, 'left'), math.pi > 3, len('ab'))"
    assert cpython.run(code).output == "False True 2\n"


def test_nothing_runs_on(cpython: Sandbox) -> None:
    cpython.run("import os\nos.write(4, b'K')\nwhile True: pass")  # a report, then more work
    time.sleep(0.3)
    assert not [process for process in workers() if process.state == "R"]
