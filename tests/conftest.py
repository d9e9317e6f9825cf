"""Shared fixtures: the real base model, loaded once per test session."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import stat
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.models import ResolvedModel, resolve_model


def pytest_configure() -> None:
    # A shell's background jobs, and so the processes that tests start, are born deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def model() -> ResolvedModel:
    return resolve_model("smollm2-135m")


@pytest.fixture(scope="session")
def model_path(model: ResolvedModel) -> Path:
    return model.path


@pytest.fixture(scope="session")
def engine(model_path: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(model_path, n_ctx=2048, n_threads=2)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def nano_onnx(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The nano teacher as an ONNX folder of the precision asked for, exported once a session."""
    from export.onnx import export_onnx

    teacher = Path(__file__).parent.parent / "train" / "nano" / "teacher"
    folder = tmp_path_factory.mktemp("onnx")
    return cache(lambda precision: export_onnx(teacher, folder / precision, precision=precision))


@pytest.fixture
def no_garbage() -> Iterator[None]:
    """No garbage is collected during the test.

    For texts nested until Python's stack is full: a finaliser that ran there, of whatever an
    earlier test left behind, would fail for want of stack, and pytest would blame this test.
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def full_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to which every write fails with "No space left on device".

    That is /dev/full; some containers hold a plain file of that name, so it is tried first, and
    a device of our own is made where that is allowed.
    """
    if _is_full(Path("/dev/full")):
        return Path("/dev/full")
    own = tmp_path_factory.mktemp("full") / "full"
    with contextlib.suppress(OSError):
        os.mknod(own, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    if not _is_full(own):
        pytest.skip("this machine has no device that is always full")
    return own


def _is_full(path: Path) -> bool:
    if not path.is_char_device():
        return False
    try:
        with path.open("wb", buffering=0) as file:
            file.write(b"x")
    except OSError as error:
        return error.errno == errno.ENOSPC
    return False
