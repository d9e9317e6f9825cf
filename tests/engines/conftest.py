"""A model that is small and yet solves problems with tools."""

from __future__ import annotations

from pathlib import Path

import pytest

TEACHER = Path(__file__).parents[2] / "train" / "nano" / "teacher"


@pytest.fixture(scope="session")
def nano(tmp_path_factory) -> Path:
    """The shipped nano teacher as a GGUF file."""
    from export.gguf import export_gguf

    return export_gguf(TEACHER, tmp_path_factory.mktemp("nano") / "nano.gguf", type="f16")
