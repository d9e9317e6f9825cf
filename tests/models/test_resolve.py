"""Names to files, without any network: messages are the product here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.models import cache_dir, resolve_model


@pytest.fixture
def tiny(tmp_path: Path, make_gguf) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(make_gguf())
    return path


@pytest.fixture
def adapter(tmp_path: Path, make_gguf) -> Path:
    path = tmp_path / "adapter.gguf"
    path.write_bytes(make_gguf(general__type="adapter"))
    return path


def test_a_file(tiny: Path) -> None:
    model = resolve_model(str(tiny))
    assert (model.path, model.name, model.lora, model.source) == (tiny, "tiny", None, "file")
    assert model.info.parameters == 256


def test_a_file_with_an_adapter(tiny: Path, adapter: Path) -> None:
    assert resolve_model(str(tiny), str(adapter)).lora == adapter


def test_entry_with_base_and_adapter(tiny: Path, adapter: Path, write_registry) -> None:
    write_registry(
        f'default = "tuned"\n[models.plain]\nmodel = {{ path = "{tiny}" }}\n'
        f'[models.tuned]\nbase = "plain"\nlora = {{ path = "{adapter}" }}\n'
    )
    model = resolve_model(None)
    assert (model.name, model.path, model.lora) == ("tuned", tiny, adapter)
    assert resolve_model("plain").lora is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "foo",
            "no such model 'foo': not a file, not a registry name (sod-135m, smollm2-135m), "
            "not a Hugging Face id (org/repo)",
        ),
        ("none.gguf", "no such file: none.gguf"),
        ("dir/none.gguf", "no such file: dir/none.gguf"),
        ("/abs/none.gguf", "no such file: /abs/none.gguf"),
        ("", "no such model ''"),
        ("x" * 5000, "no such model 'xxx"),
        ("~nobody-here/x", "no such model '~nobody-here/x'"),
        ("a/../b.gguf", "no such file"),
        ("org/repo/../x.gguf", "no such file"),
        ("a\x00b", "no such model"),
    ],
)
def test_bad_names(name: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        resolve_model(name, allow_network=False)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_kinds_of_file(tiny: Path, adapter: Path, tmp_path: Path, make_gguf) -> None:
    with pytest.raises(ModelError, match="is a LoRA adapter: give it as --lora"):
        resolve_model(str(adapter))
    with pytest.raises(ModelError, match="is not a LoRA adapter"):
        resolve_model(str(tiny), str(tiny))
    with pytest.raises(ModelError, match="is a folder"):
        resolve_model(str(tmp_path))
    other = tmp_path / "other.gguf"
    other.write_bytes(make_gguf(general__type="adapter", general__architecture="qwen3"))
    with pytest.raises(ModelError, match="adapter for 'qwen3', the model is 'llama'"):
        resolve_model(str(tiny), str(other))
    vocabulary = make_gguf()
    other.write_bytes(vocabulary[:8] + bytes(8) + vocabulary[16:])
    with pytest.raises(ModelError, match="has no weights"):
        resolve_model(str(other))
    other.write_bytes(make_gguf(general__type="mmproj"))
    with pytest.raises(ModelError, match="not a language model but of type 'mmproj'"):
        resolve_model(str(other))


def test_missing_file_of_an_entry(write_registry) -> None:
    write_registry('[models.gone]\nmodel = { path = "gone.gguf" }')
    with pytest.raises(ModelError, match="the file of 'gone' is missing"):
        resolve_model("gone")


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("SOD_AGENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "sod-agent"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "sod-agent"


def test_import_is_light() -> None:
    program = (
        "import sys, runtime.models\n"
        "heavy = {'rich', 'filelock', 'huggingface_hub', 'tomllib', 'subprocess', 'numpy'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
