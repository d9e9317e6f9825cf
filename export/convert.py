"""A checkpoint as an unquantised GGUF file, one tensor at a time.

Peak memory beyond the mapped source is the largest tensor in the target's type and one block of
rows in float32. Before any weight is touched, a file of the metadata alone is given to llama.cpp,
so that a tokenizer that does not fit is found in a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

from export.architectures import Architecture, architecture_of, sound_configuration
from export.checkpoint import Checkpoint, Weight
from export.errors import ExportError
from export.files import scratch, writing
from export.lora import Adapter, Factors, check_fits
from export.metadata import Provenance, add_general
from export.traces import Vocabulary
from export.verify import check_tokens, missing_stops
from export.vocabulary import TokenTable, read_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

OnProgress = Callable[[int, int], None]  # bytes written, bytes in all

# The unquantised types: how tensors are stored, and what the header calls the file.
FLOATS = {
    "f16": (Kind.F16, gguf.LlamaFileType.MOSTLY_F16),
    "bf16": (Kind.BF16, gguf.LlamaFileType.MOSTLY_BF16),
    "f32": (Kind.F32, gguf.LlamaFileType.ALL_F32),
}
_BYTES = {Kind.F16: 2, Kind.BF16: 2, Kind.F32: 4}
_BLOCK = 1 << 22  # numbers converted at once: 16 MiB in float32


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file: where its numbers come from and what is done to them."""

    name: str
    kind: Kind
    weight: Weight
    order: NDArray[np.intp] | None = None  # of the rows
    shift: float = 0.0
    factors: Factors | None = None

    @property
    def nbytes(self) -> int:
        return prod(self.weight.shape) * _BYTES[self.kind]

    def numbers(self) -> NDArray[np.generic]:
        """The finished tensor; raises ExportError if a number has no place in its type."""
        stored = self.weight.map()
        done = np.empty(stored.shape, {2: np.uint16, 4: np.float32}[_BYTES[self.kind]])
        if self.kind == Kind.F16:
            done = done.view(np.float16)
        low_rank = self.factors.read() if self.factors else None
        step = max(1, _BLOCK // max(1, stored[:1].size))
        for start in range(0, len(stored), step):
            rows = slice(start, start + step)
            chosen = rows if self.order is None else self.order[rows]
            block = self.weight.widen(stored[chosen])
            if low_rank:
                block += low_rank[1][chosen] @ low_rank[0]
            if self.shift:
                block += np.float32(self.shift)
            self._store(block, done[rows])
        return done

    def _store(self, block: NDArray[np.float32], place: NDArray[np.generic]) -> None:
        if not np.isfinite(block).all():
            raise ExportError(f"{self.weight.name} in {self.weight.file} holds what is no number")
        if self.kind == Kind.BF16:
            place[:] = gguf.quants.quantize(block, Kind.BF16).view(np.uint16)
            return
        with np.errstate(over="ignore"):
            place[:] = block
        if self.kind == Kind.F16 and not np.isfinite(place).all():
            raise ExportError(
                f"{self.weight.name} holds numbers too large for f16: export it as --type bf16"
            )


@dataclass(frozen=True)
class Plan:
    """Everything that will be in the file, checked before anything is written."""

    checkpoint: Checkpoint
    architecture: Architecture
    table: TokenTable
    provenance: Provenance
    file_type: gguf.LlamaFileType
    tensors: list[Tensor]
    extra: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Of the weights."""
        return sum(t.nbytes for t in self.tensors) + sum(e.nbytes for e in self.extra.values())

    @property
    def parameters(self) -> int:
        return sum(prod(tensor.weight.shape) for tensor in self.tensors)


def plan_model(
    checkpoint: Checkpoint, type: str, provenance: Provenance, adapter: Adapter | None = None
) -> Plan:
    """What a file of the unquantised `type` will hold, `adapter` merged in.

    Raises ExportError for weights that are missing, unknown or of another shape than config.json
    says, for a tokenizer of another model and for an adapter that does not fit.
    """
    source = str(checkpoint.folder)
    architecture = architecture_of(checkpoint.architecture, checkpoint.config)
    shapes = architecture.shapes()
    check_weights(checkpoint, architecture, shapes)
    if adapter:
        check_fits(adapter, shapes, source)
    kind, file_type = FLOATS[type]
    tensors = [
        Tensor(
            name=architecture.gguf_name(name),
            # llama.cpp wants vectors in full precision; they are few.
            kind=Kind.F32 if len(shape) < 2 else kind,
            weight=checkpoint.weights[name],
            order=architecture.row_order(name),
            shift=architecture.shift(name),
            factors=adapter.factors.get(name) if adapter else None,
        )
        for name, shape in shapes.items()
    ]
    table = read_tokens(checkpoint.tokenizer, checkpoint.config.vocab_size, source)
    return Plan(
        checkpoint,
        architecture,
        table,
        provenance,
        file_type,
        tensors,
        architecture.extra_tensors(),
    )


def check_vocabulary(plan: Plan, out: Path) -> tuple[Plan, int]:
    """Have llama.cpp read the metadata, in a scratch file beside `out`, and compare.

    Returns the plan, to which tokens that end a generation may have been added, and how many
    texts were compared. Raises ExportError if llama.cpp cuts a text otherwise.
    """
    source, tokenizer = str(plan.checkpoint.folder), plan.checkpoint.tokenizer
    stops = tuple(dict.fromkeys((*plan.checkpoint.stop_ids, plan.table.special["eos"])))
    if beyond := [token for token in stops if token >= len(plan.table.tokens)]:
        raise ExportError(f"{source} ends a generation with {beyond[0]}, which is no token of it")
    with scratch(out, "vocabulary") as probe:
        _write_header(plan, probe, out)
        with Vocabulary(probe) as vocabulary:
            missing = missing_stops(vocabulary, stops)
            compared = check_tokens(vocabulary, tokenizer, source)
        if missing:
            plan = replace(plan, table=plan.table.with_stops(missing))
            _write_header(plan, probe, out)
            with Vocabulary(probe) as vocabulary:
                if missing_stops(vocabulary, stops):
                    raise ExportError(f"llama.cpp does not stop where {source} does: {stops}")
    return plan, compared


def write_vocabulary(plan: Plan, out: Path) -> None:
    """Write the metadata alone: llama.cpp opens it as a vocabulary. Raises ExportError."""
    _write_header(plan, out, out)


def write_model(plan: Plan, out: Path, on_progress: OnProgress) -> None:
    """Write the file; raises ExportError, also for a full disk. A failure leaves part of it."""
    done, total = 0, plan.nbytes
    with _writer(plan, out) as writer:
        for tensor in plan.tensors:
            shape = tensor.weight.shape
            dtype = np.dtype(np.float16 if _BYTES[tensor.kind] == 2 else np.float32)
            writer.add_tensor_info(tensor.name, shape, dtype, tensor.nbytes, tensor.kind)
        for name, extra in plan.extra.items():
            writer.add_tensor_info(name, extra.shape, extra.dtype, extra.nbytes)
        _write_metadata(writer)
        for tensor in plan.tensors:
            numbers = tensor.numbers()
            writer.write_tensor_data(numbers)
            done += numbers.nbytes
            on_progress(done, total)
        for extra in plan.extra.values():
            writer.write_tensor_data(extra)
    on_progress(total, total)


def write_adapter(
    adapter: Adapter, architecture: Architecture, provenance: Provenance, out: Path
) -> None:
    """Write the adapter alone, as a file for `sod-agent --lora` on top of its base."""
    with writing(out):
        writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[architecture.arch])
        try:
            add_general(writer, provenance, gguf.GGUFType.ADAPTER)
            writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
            writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, adapter.alpha)
            for name, factors in adapter.factors.items():
                down, up = factors.read()
                # llama.cpp scales by alpha / rank, so that much is taken out again.
                up *= len(down) / adapter.alpha
                order = architecture.row_order(name)
                target = architecture.gguf_name(name)
                writer.add_tensor(f"{target}.lora_a", down)
                writer.add_tensor(f"{target}.lora_b", up if order is None else up[order])
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()


def check_weights(
    checkpoint: Checkpoint, architecture: Architecture, shapes: dict[str, tuple[int, ...]]
) -> None:
    source, weights = checkpoint.folder, checkpoint.weights
    if missing := [name for name in shapes if name not in weights]:
        raise ExportError(
            f"{source} lacks {len(missing)} weights of a {checkpoint.architecture}, such as "
            f"{missing[0]}"
        )
    unknown = [n for n in weights if n not in shapes and not architecture.is_derived(n)]
    if unknown:
        raise ExportError(
            f"{source} has {len(unknown)} weights that a {checkpoint.architecture} does not have, "
            f"such as {unknown[0]}"
        )
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise ExportError(
                f"{name} of {source} has the shape {weights[name].shape}, and config.json says "
                f"{shape}"
            )


def _write_header(plan: Plan, path: Path, out: Path) -> None:
    with writing(out), sound_configuration(), _writer(plan, path) as writer:
        _write_metadata(writer)


@contextmanager
def _writer(plan: Plan, path: Path) -> Iterator[gguf.GGUFWriter]:
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[plan.architecture.arch])
    try:
        add_general(writer, plan.provenance, gguf.GGUFType.MODEL, plan.parameters)
        writer.add_file_type(plan.file_type)
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        plan.architecture.add_metadata(writer)
        plan.table.add_to(writer)
        yield writer
    finally:
        writer.close()


def _write_metadata(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
