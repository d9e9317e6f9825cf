"""Merging: on the real model it computes what the adapter does on top, and files are checked."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf.quants import dequantize

from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.engines.quantize import quantize
from runtime.errors import ModelError
from runtime.models.adapter import NotMerged
from runtime.models.gguf import inspect_gguf, read_layout
from runtime.models.merge import merge, plan_merge
from tests.models.adapters import Q8_0, smollm2_shapes, write_adapter

WEIGHT = "blk.0.attn_q.weight"
IDS = [1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47]


def write_base(path: Path, shape: tuple[int, int] = (48, 64), kind: str = "Q4_1") -> Path:
    """A file with one quantised weight, a vector and an embedding; no real model."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Base")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_1)
    writer.add_context_length(128)
    random = np.random.default_rng(1)
    type = gguf.GGMLQuantizationType[kind]
    values = random.standard_normal(shape, dtype=np.float32)
    writer.add_tensor("token_embd.weight", random.standard_normal((10, 64), dtype=np.float32))
    writer.add_tensor(WEIGHT, gguf.quants.quantize(values, type), raw_dtype=type)
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(48, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def merged(base: Path, adapter: Path) -> Path:
    out = base.with_name("merged.gguf")
    merge(plan_merge(base, adapter), out, lambda done, total: None)
    return out


def numbers(path: Path, name: str) -> np.ndarray:
    tensor = next(t for t in gguf.GGUFReader(path).tensors if t.name == name)
    return dequantize(tensor.data, tensor.tensor_type)


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q8_0"])
@pytest.mark.parametrize(("factors", "rank"), [(np.float32, 4), (np.float16, 4), (Q8_0, 32)])
def test_the_numbers_are_those_of_the_gguf_library(kind, factors, rank, tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf", kind=kind)
    adapter = write_adapter(tmp_path / "lora.gguf", {WEIGHT: (48, 64)}, rank=rank, kind=factors)
    out = merged(base, adapter)
    down, up = (numbers(adapter, f"{WEIGHT}.lora_{side}") for side in "ab")
    exact = numbers(base, WEIGHT) + 8.0 / rank * up @ down
    assert np.abs(numbers(out, WEIGHT) - exact).max() < 2e-3  # f16
    for name in ("token_embd.weight", "blk.0.attn_norm.weight"):
        assert (numbers(out, name) == numbers(base, name)).all()


@pytest.mark.parametrize("kind", ["Q5_0", "Q5_1", "Q4_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4"])
def test_ggml_reads_every_type_as_the_library_does(kind) -> None:
    from runtime.engines.ggml import dequantize as ours

    type = gguf.GGMLQuantizationType[kind]
    elements, size = gguf.GGML_QUANT_SIZES[type]
    data = np.random.default_rng(2).integers(0, 256, (4, size), np.uint8)
    with np.errstate(all="ignore"):
        theirs = dequantize(data, type).reshape(-1)
    found = ours(int(type), data.tobytes())
    assert found.size == 4 * elements
    np.testing.assert_allclose(found, theirs, rtol=1e-5, equal_nan=True)


def test_without_alpha_the_factors_count_as_they_are(tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf", kind="F32")
    adapter = write_adapter(tmp_path / "lora.gguf", {WEIGHT: (48, 64)}, alpha=None)
    down, up = (numbers(adapter, f"{WEIGHT}.lora_{side}") for side in "ab")
    exact = numbers(base, WEIGHT) + up @ down
    assert np.abs(numbers(merged(base, adapter), WEIGHT) - exact).max() < 2e-3


def test_the_header_is_the_base_s_with_the_adapter_s_name_and_protocol(tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf")
    adapter = write_adapter(tmp_path / "lora.gguf", {WEIGHT: (48, 64)}, protocol=1)
    info = inspect_gguf(merged(base, adapter))
    assert (info.name, info.kind, info.file_type) == ("Tuned", "model", "F16")
    assert (info.protocol_version, info.context_length, info.tensors) == (1, 128, 3)


@pytest.fixture(scope="module")
def floats(model_path, tmp_path_factory) -> Path:
    """SmolLM2 in 16 bits: llama.cpp rounds the inputs of Q4_1 weights to 8 bits."""
    out = tmp_path_factory.mktemp("floats") / "f16.gguf"
    quantize(model_path, out, "f16")
    return out


def logits(path: Path, lora: Path | None = None) -> np.ndarray:
    engine = LlamaCppEngine(path, lora=lora, n_ctx=256, n_threads=2)
    try:
        return np.stack(list(engine.score(IDS, 1)))
    finally:
        engine.close()


@pytest.mark.parametrize(("base", "tolerance"), [("f16", 0.03), ("q4_1", 0.4)])
def test_the_real_model_merged_is_the_real_model_with_the_adapter(
    base, tolerance, floats, model_path, tmp_path
) -> None:
    source = floats if base == "f16" else model_path
    adapter = write_adapter(tmp_path / "lora.gguf", smollm2_shapes(), size=0.005)
    out = tmp_path / "merged.gguf"
    merge(plan_merge(source, adapter), out, lambda done, total: None)
    apart, together, plain = logits(source, adapter), logits(out), logits(source)
    spread = apart.std()
    assert np.abs(together - apart).max() / spread < tolerance
    assert np.abs(plain - apart).max() / spread > 3 * tolerance


# Bad adapters ------------------------------------------------------------------------------

GOOD = {WEIGHT: (48, 64)}
ROWS = np.ones((48, 4), np.float32)


@pytest.mark.parametrize(
    ("shapes", "how", "message"),
    [
        ({WEIGHT: (48, 32)}, {}, r"\(32, 4\) and \(4, 48\) cannot change blk.0.attn_q"),
        ({WEIGHT: (47, 64)}, {}, "does not fit"),
        ({"blk.0.attn_norm.weight": (48, 1)}, {}, "does not fit"),
        ({"blk.9.attn_q.weight": (48, 64)}, {}, "is for another model: .* has no blk.9.attn_q"),
        (GOOD, {"leave_out": f"{WEIGHT}.lora_a"}, "lacks blk.0.attn_q.weight.lora_a"),
        (GOOD, {"leave_out": f"{WEIGHT}.lora_b"}, "lacks blk.0.attn_q.weight.lora_b"),
        ({}, {"more": {f"{WEIGHT}.lora_a": ROWS.T, f"{WEIGHT}.lora_b": ROWS}}, "does not fit"),
        (GOOD, {"more": {"x\x1b[1m": ROWS}}, r"holds x\?\[1m, which is no part of a LoRA"),
        ({}, {}, "changes nothing"),
        (GOOD, {"adapter_type": "other"}, "is an adapter, but no LoRA"),
        (GOOD, {"alpha": float("nan")}, "lora.alpha that is no number"),
        (GOOD, {"size": float("nan")}, "hold what is no number"),
    ],
)  # fmt: skip
def test_bad_adapters_are_one_line(shapes, how, message, tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf")
    adapter = write_adapter(tmp_path / "lora.gguf", shapes, **how)
    with pytest.raises(ModelError, match=message) as caught:
        merged(base, adapter)
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert not isinstance(caught.value, NotMerged)


def test_what_no_merge_can_do_is_told_apart(tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf")
    of_embedding = write_adapter(tmp_path / "a.gguf", {"token_embd.weight": (10, 64)})
    with pytest.raises(NotMerged, match="changes token_embd"):
        merged(base, of_embedding)
    large = write_adapter(tmp_path / "b.gguf", GOOD, size=1e6)
    with pytest.raises(NotMerged, match="too large for 16 bits"):
        merged(base, large)


def test_no_truncation_of_an_adapter_passes(tmp_path) -> None:
    base = write_base(tmp_path / "base.gguf")
    content = write_adapter(tmp_path / "lora.gguf", GOOD).read_bytes()
    end = read_layout(tmp_path / "lora.gguf").tensors[f"{WEIGHT}.lora_b"]
    assert len(content) - end.nbytes > 0
    for length in range(0, len(content), 331):
        (tmp_path / "cut.gguf").write_bytes(content[:length])
        with pytest.raises(ModelError, match="is not a valid GGUF file"):
            plan_merge(base, tmp_path / "cut.gguf")
