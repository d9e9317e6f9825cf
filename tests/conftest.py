"""Shared fixtures: the real default model, loaded once per test session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.models import ResolvedModel, resolve_model


@pytest.fixture(scope="session")
def model() -> ResolvedModel:
    return resolve_model(None)


@pytest.fixture(scope="session")
def model_path(model: ResolvedModel) -> Path:
    return model.path


@pytest.fixture(scope="session")
def engine(model_path: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(model_path, n_ctx=2048, n_threads=2)
    yield engine
    engine.close()
