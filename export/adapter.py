"""`python -m export.adapter`: what training changed, as a small adapter on top of its base.

The difference of each linear layer to the base is cut to its largest singular values (the best
approximation of its rank: Eckart and Young 1936) and written as a LoRA in llama.cpp's format, which
`sod-agent --lora` reads. A student that was trained as an adapter comes out whole, up to rounding;
of one whose every weight was trained, the share that is lost is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import gguf
import numpy as np
import typer
from gguf.quants import dequantize, quantize

from export.architectures import Architecture, architecture_of
from export.checkpoint import Checkpoint
from export.command import Display, main
from export.convert import check_weights
from export.errors import ExportError
from export.files import replacing
from export.gguf_file import size
from export.metadata import add_general, provenance_of
from export.source import find_source, names_of
from runtime.errors import ModelError
from runtime.models import inspect_gguf, resolve_short_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from export.convert import OnProgress

KINDS = {
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "q4_0": gguf.GGMLQuantizationType.Q4_0,
    "f16": gguf.GGMLQuantizationType.F16,
    "f32": gguf.GGMLQuantizationType.F32,
}
_BLOCK = 32  # numbers that share a scale in q8_0 and q4_0: ranks are multiples of it
# Relative difference below which a vector counts as unchanged: on-policy adapters are merged in
# bfloat16, whose rounding is 2e-3 of the norm.
_SAME = 4e-3

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Written:
    """An adapter's file; `kept` is the share of the squared change that it holds."""

    path: Path
    layers: int
    kept: float


@app.command()
def run(
    model: Annotated[
        str | None,
        typer.Option(help="Hugging Face folder or id.", show_default="newest runs/*/student"),
    ] = None,
    base: Annotated[
        str, typer.Option(help="GGUF file or short name of what it was trained from.")
    ] = "smollm2-135m",
    rank: Annotated[int, typer.Option(min=1, help="Singular values kept of each layer.")] = 32,
    type: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")] = "q8_0",
    out: Annotated[Path | None, typer.Option(help="The file; default: beside the model.")] = None,
) -> int:
    """Write the difference of a student to its base as a LoRA for sod-agent --lora."""
    display = Display()
    source = find_source(model)
    name, stem = names_of(source, model)
    target = out or stem.with_name(f"{stem.name}-lora-{type}.gguf")
    written = write_difference(
        source, find_base(base), target, rank=rank, type=type, name=name, display=display
    )
    display.say(
        f"{size(written.path.stat().st_size)}; {written.layers} layers, "
        f"{written.kept:.1%} of the squared change"
    )
    print(written.path)
    return 0


def find_base(base: str) -> Path:
    """The file of a short name of the registry, or a GGUF file. Raises ExportError."""
    try:
        path = resolve_short_name(base) or Path(base)
    except ModelError as error:
        raise ExportError(str(error)) from error
    if path.suffix != ".gguf" or not path.is_file():
        raise ExportError(f"the base {base} is no GGUF file: adapters are used on top of one")
    return path


def write_difference(
    student: Path,
    base: Path,
    out: Path,
    *,
    rank: int = 32,
    type: str = "q8_0",
    name: str | None = None,
    display: Display | None = None,
) -> Written:
    """Write the folder `student` minus the GGUF file `base` to `out`.

    Raises ExportError for models of different shapes, for a student whose vectors or embeddings
    changed (a LoRA has no place for them), and for a rank that `type` cannot store.
    """
    display = display or Display(show=False)
    if type not in KINDS:
        raise ExportError(f"an adapter is written as {', '.join(KINDS)}, not as {type}")
    if type in ("q8_0", "q4_0") and rank % _BLOCK:
        raise ExportError(f"{type} stores ranks that are multiples of {_BLOCK}, not {rank}")
    if not student.is_dir():
        raise ExportError(f"{student} is no Hugging Face folder: give the student as one")
    checkpoint = Checkpoint(student)
    architecture = architecture_of(checkpoint.architecture, checkpoint.config)
    check_weights(checkpoint, architecture, architecture.shapes())
    with replacing(out) as part, display.stage("singular values") as progress:
        writer = gguf.GGUFWriter(part, gguf.MODEL_ARCH_NAMES[architecture.arch])
        try:
            provenance = provenance_of(student, name or student.name)
            add_general(writer, provenance, gguf.GGUFType.ADAPTER)
            writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
            # llama.cpp scales by alpha / rank: by 1.
            writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, rank)
            layers, kept = _add_layers(
                writer, checkpoint, architecture, base, rank, KINDS[type], progress
            )
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
        finally:
            writer.close()
    return Written(out, layers, kept)


def _add_layers(
    writer: gguf.GGUFWriter,
    checkpoint: Checkpoint,
    architecture: Architecture,
    base: Path,
    rank: int,
    kind: gguf.GGMLQuantizationType,
    progress: OnProgress,
) -> tuple[int, float]:
    inspect_gguf(base)  # untrusted: its header is checked before the library reads it
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(base).tensors}
    changed = held = 0.0
    layers = 0
    names = list(architecture.shapes())
    for done, name in enumerate(names):
        progress(done, len(names))
        weight, target = checkpoint.weights[name], architecture.gguf_name(name)
        ours = weight.widen(weight.map()[:]) + architecture.shift(name)
        order = architecture.row_order(name)
        ours = ours if order is None else ours[order]
        if target not in tensors:
            raise ExportError(f"{base} has no {target}: the student was made of another model")
        theirs = dequantize(tensors[target].data, tensors[target].tensor_type)
        if theirs.size != ours.size or theirs.reshape(ours.shape).shape != ours.shape:
            raise ExportError(
                f"{target} is of shape {theirs.shape} in {base} and {ours.shape} in the student"
            )
        change = ours - theirs.reshape(ours.shape)
        if ours.ndim < 2 or "embed" in name or name == "lm_head.weight":
            if np.linalg.norm(change) > _SAME * np.linalg.norm(ours):
                raise ExportError(
                    f"training changed {name}, for which an adapter has no place: export the "
                    "whole student with `python -m export.gguf`"
                )
            continue
        total = float(np.square(change).sum())
        if total == 0:
            continue
        down, up, share = low_rank(change, rank)
        writer.add_tensor(f"{target}.lora_a", _stored(down, kind), raw_dtype=kind)
        writer.add_tensor(f"{target}.lora_b", _stored(up, kind), raw_dtype=kind)
        layers, changed, held = layers + 1, changed + total, held + share * total
    progress(len(names), len(names))
    if not layers:
        raise ExportError(f"{checkpoint.folder} is {base}: there is no difference to write")
    return layers, held / changed


def low_rank(
    change: NDArray[np.float32], rank: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """A (rank, columns) and B (rows, rank) with B @ A closest to `change`, and the share kept.

    The share is of the sum of squares. Both factors carry the root of the singular values, so that
    they are of like size and quantise alike.
    """
    left, values, right = np.linalg.svd(change, full_matrices=False)
    root = np.sqrt(values[:rank])
    up, down = left[:, :rank] * root, right[:rank] * root[:, None]
    if (short := rank - len(root)) > 0:
        up, down = np.pad(up, ((0, 0), (0, short))), np.pad(down, ((0, short), (0, 0)))
    share = float(np.square(values[:rank]).sum() / np.square(values).sum())
    return np.ascontiguousarray(down), np.ascontiguousarray(up), share


def _stored(numbers: NDArray[np.float32], kind: gguf.GGMLQuantizationType) -> NDArray[np.generic]:
    stored: NDArray[np.generic] = quantize(np.ascontiguousarray(numbers, np.float32), kind)
    return stored


if __name__ == "__main__":
    main("export.adapter", app)
