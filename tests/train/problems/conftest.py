"""The real sandbox, and one problem of each family and split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from runtime.sandbox import Sandbox
from train.problems import FAMILIES, Drawn
from train.problems.family import Dice


@pytest.fixture(scope="package")
def plain_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def draw(name: str, seed: int, evaluation: bool) -> Drawn:
    """A problem of the family `name`, in its held-out wordings if `evaluation`."""
    family = FAMILIES[name]
    drawn = family.make(Dice(f"{seed}-{name}", evaluation))
    return replace(drawn, family=name, group=family.group)
