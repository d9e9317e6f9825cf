"""The importance matrix: equal to transformers' activations, used by the quantiser, never half."""

from __future__ import annotations

import ctypes
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

import export.activations
import export.ggml
from export.activations import Activations
from export.errors import ExportError
from export.imatrix import calibrate, collect_imatrix, load_imatrix
from export.quantize import quantize
from export.traces import read_sequences
from runtime import Agent
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.errors import ModelError
from tests.export.nano import TEACHER, nano_gguf, record

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nano_gguf(tmp_path_factory.mktemp("nano"))


@pytest.fixture(scope="module")
def trace(nano: Path) -> Path:
    with Agent(str(nano), n_threads=1) as agent:
        return record(agent, 20, nano.with_name("trace.jsonl"))


@pytest.fixture(scope="module")
def sequences(trace: Path) -> list[list[int]]:
    return read_sequences(trace)[:10]


@pytest.fixture(scope="module")
def imatrix(
    nano: Path, sequences: list[list[int]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("imatrix") / "nano.imatrix.gguf"
    return collect_imatrix(nano, sequences, out, n_threads=1, dataset="tests")


def hooked(sequences: list[list[int]], window: int) -> dict[str, np.ndarray]:
    """Mean squares of the inputs of every linear layer of the blocks, by transformers."""
    model = AutoModelForCausalLM.from_pretrained(TEACHER, dtype=torch.float32)
    sums: dict[str, torch.Tensor] = {}
    tokens = sum(map(len, sequences))

    def hook(name: str) -> Callable[..., None]:
        def add(_module: object, inputs: tuple[torch.Tensor]) -> None:
            rows = inputs[0].detach().double().reshape(-1, inputs[0].shape[-1])
            sums[name] = sums.get(name, 0) + rows.square().sum(0)

        return add

    for path, module in model.named_modules():
        parts = path.split(".", 3)
        if len(parts) == 4 and parts[3] in _NAMES:
            module.register_forward_pre_hook(hook(f"blk.{parts[2]}.{_NAMES[parts[3]]}.weight"))
    with torch.no_grad():
        for ids in sequences:
            for start in range(0, len(ids), window):
                model(torch.tensor([ids[start : start + window]]))
    return {name: (total / tokens).numpy() for name, total in sums.items()}


def test_the_statistics_are_those_of_transformers(imatrix, sequences):
    expected, got = hooked(sequences, 1024), load_imatrix(imatrix)
    assert set(got) == set(expected) and len(got) == 28
    for name, mean in expected.items():
        # The KV cache is in half precision.
        np.testing.assert_allclose(got[name], mean, rtol=5e-3, atol=1e-5 * mean.max(), err_msg=name)


def test_what_is_longer_than_the_window_is_cut(nano, sequences, tmp_path):
    long = [token for ids in sequences for token in ids][:1400]
    out = collect_imatrix(nano, [long], tmp_path / "long", n_threads=1)
    expected, got = hooked([long], 1024), load_imatrix(out)
    for name in ("blk.0.attn_q.weight", "blk.3.attn_output.weight", "blk.3.ffn_down.weight"):
        np.testing.assert_allclose(
            got[name], expected[name], rtol=5e-3, atol=1e-5 * expected[name].max()
        )
    fields = gguf.GGUFReader(out).fields
    assert fields["imatrix.chunk_count"].contents() == 2
    assert fields["imatrix.chunk_size"].contents() == 1024


def test_the_file_is_llama_cpps(imatrix, sequences):
    reader = gguf.GGUFReader(imatrix)
    assert reader.fields["general.type"].contents() == "imatrix"
    assert reader.fields["imatrix.datasets"].contents() == ["tests"]
    assert reader.fields["imatrix.chunk_count"].contents() == len(sequences)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    counts = tensors["blk.0.attn_q.weight.counts"]
    assert counts.data.tolist() == [[sum(map(len, sequences))]]
    assert tensors["blk.0.attn_q.weight.in_sum2"].data.shape == (1, 128)


def test_the_same_tokens_give_the_same_file(nano, imatrix, sequences, tmp_path):
    again = collect_imatrix(nano, sequences, tmp_path / "again", n_threads=1, dataset="tests")
    assert again.read_bytes() == imatrix.read_bytes()


def test_the_quantiser_spends_its_bits_where_the_agent_needs_them(nano, trace, imatrix, tmp_path):
    plain, tuned = tmp_path / "plain.gguf", tmp_path / "tuned.gguf"
    quantize(nano, plain, "q4_0", n_threads=1)
    used = quantize(nano, tuned, "q4_0", imatrix=imatrix, n_threads=1)
    assert not used.unweighted
    assert tuned.read_bytes() != plain.read_bytes()
    held_out = read_sequences(trace)[10:]
    reference = log_probabilities(nano, held_out)
    losses = [
        (reference.exp() * (reference - log_probabilities(file, held_out))).sum(-1).mean()
        for file in (plain, tuned)
    ]
    assert losses[1] < losses[0]


def log_probabilities(model: Path, sequences: list[list[int]]) -> torch.Tensor:
    """Of every next token, shape (tokens - sequences, V)."""
    engine = LlamaCppEngine(model, n_threads=1)
    try:
        rows = [row for ids in sequences for row in engine.score(ids, 1)]
    finally:
        engine.close()
    return torch.from_numpy(np.stack(rows)).double().log_softmax(-1)


# Bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["buffer", "ne", "nb", "op", "src", "name"])
def test_a_foreign_layout_is_refused(monkeypatch, place):
    ours = export.ggml.GgmlTensor
    fields = list(ours._fields_)
    at = [name for name, _ in fields].index(place)
    fields.insert(at, ("new_in_this_version", ctypes.c_int64 * 2))
    members = {"_fields_": fields, "operation": ours.operation}
    monkeypatch.setattr(export.ggml, "GgmlTensor", type("Moved", (ctypes.Structure,), members))
    export.ggml.check_layout.cache_clear()
    try:
        with pytest.raises(ExportError, match="its tensors differ in"):
            export.ggml.check_layout()
    finally:
        export.ggml.check_layout.cache_clear()


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "no token ids"),
        ([[]], "no token ids"),
        ([[1, 768]], "token id 768 is not one of the 768"),
        ([[-1]], "token id -1"),
    ],
)
def test_ids_that_cannot_be_are_refused(nano, tmp_path, ids, message):
    with pytest.raises(ExportError, match=message):
        collect_imatrix(nano, ids, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_model_is_refused(imatrix, tmp_path):
    with pytest.raises(ModelError, match="type 'imatrix', not a model"):
        collect_imatrix(imatrix, [[1]], tmp_path / "out")
    with pytest.raises(ModelError):
        collect_imatrix(TEACHER / "config.json", [[1]], tmp_path / "out")
    with pytest.raises(ModelError):
        collect_imatrix(tmp_path / "absent.gguf", [[1]], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_infinite_activations_are_refused(nano, tmp_path):
    broken = tmp_path / "broken.gguf"
    raw = bytearray(nano.read_bytes())
    tensor = next(t for t in gguf.GGUFReader(nano).tensors if t.name == "blk.2.attn_norm.weight")
    raw[tensor.data_offset : tensor.data_offset + 4] = np.float32("inf").tobytes()
    broken.write_bytes(raw)
    with pytest.raises(ExportError, match=r"inputs of blk\.2\.attn_.* are not finite"):
        collect_imatrix(broken, [[1, 2, 3]], tmp_path / "out", n_threads=1)
    assert list(tmp_path.iterdir()) == [broken]


def test_ctrl_c_while_llama_cpp_computes_leaves_nothing(nano, sequences, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Activations, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect_imatrix(nano, sequences, tmp_path / "out", n_threads=1)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(nano, tmp_path):
    out = tmp_path / "out"
    out.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(ExportError, match="cannot write"):
            collect_imatrix(nano, [[1, 2, 3]], out, n_threads=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert out.read_text() == "old" and list(tmp_path.iterdir()) == [out]
    with pytest.raises(ExportError, match="cannot write"):
        collect_imatrix(nano, [[1]], tmp_path / "absent" / "out", n_threads=1)


def test_a_damaged_importance_matrix_is_refused(nano, imatrix, tmp_path):
    with pytest.raises(ExportError, match="type 'model', not an importance matrix"):
        load_imatrix(nano)
    with pytest.raises(ExportError, match="cannot read"):
        load_imatrix(tmp_path / "absent")
    raw = imatrix.read_bytes()
    part = tmp_path / "part"
    for size in range(0, len(raw), 397):
        part.write_bytes(raw[:size])
        with pytest.raises(ExportError):
            load_imatrix(part)
    tensor = next(t for t in gguf.GGUFReader(imatrix).tensors if t.name.endswith(".in_sum2"))
    for value in ("nan", "-1"):
        changed = bytearray(raw)
        changed[tensor.data_offset : tensor.data_offset + 4] = np.float32(value).tobytes()
        part.write_bytes(changed)
        with pytest.raises(ExportError, match="impossible statistics"):
            load_imatrix(part)


def test_a_trace_becomes_an_importance_matrix(nano, trace, imatrix, tmp_path):
    out = calibrate(nano, trace, tmp_path / "out", n_threads=1)
    assert list(load_imatrix(out)) == list(load_imatrix(imatrix))
    assert gguf.GGUFReader(out).fields["imatrix.datasets"].contents() == [trace.name]
