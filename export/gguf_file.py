"""A GGUF file from a checkpoint: converted, quantised, checked, and only then given its name.

Weights go through one tensor at a time into an unquantised file, which llama.cpp quantises. A
failure, a full disk or Ctrl-C leaves nothing behind.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from export.command import Display
from export.errors import ExportError
from export.files import replacing, scratch
from export.targets import check_type
from runtime.errors import ModelError
from runtime.models.gguf import GgufInfo, inspect_gguf

_QUIET = Display(show=False)
_FLOATS = ("f16", "bf16", "f32")


def export_gguf(
    source: Path,
    out: Path,
    *,
    type: str = "q8_0",
    adapter: Path | None = None,
    imatrix: Path | None = None,
    calibrate: Path | None = None,
    name: str | None = None,
    display: Display = _QUIET,
) -> Path:
    """Write the model `source`, a Hugging Face folder or a GGUF file, as `type` to `out`.

    `type` is llama.cpp's name in lower case. `adapter` is the folder of a LoRA to merge in.
    `imatrix` is an importance matrix; `calibrate` are traces to make one of. `name` is written
    into the file (default: the folder's).
    Raises ExportError or ModelError; `out` is then as it was.
    """
    type = check_type(type)
    if type in _FLOATS and (imatrix or calibrate):
        raise ExportError(f"{type} is not quantised, so there is nothing to calibrate")
    if source.is_dir():
        with replacing(out) as part:
            _from_folder(source, part, type, adapter, imatrix, calibrate, name, display)
            _check(part, display)
        return out
    info = _check_gguf(source, adapter)
    if info.file_type not in ("F32", "F16", "BF16", type.upper()):
        display.say(f"{source} is {info.file_type} already: what that lost stays lost")
    with replacing(out) as part:
        _quantize(source, part, type, imatrix, calibrate, display)
        _check(part, display)
    return out


def export_adapter(
    base: Path, adapter: Path, out: Path, *, name: str | None = None, display: Display = _QUIET
) -> Path:
    """Write the LoRA in the folder `adapter` as a GGUF adapter for the model in `base`.

    Raises ExportError; `out` is then as it was.
    """
    from export.architectures import architecture_of
    from export.checkpoint import Checkpoint
    from export.convert import write_adapter
    from export.lora import check_fits, open_adapter
    from export.metadata import provenance_of

    if not base.is_dir():
        raise ExportError(f"{base} is no Hugging Face folder: give the LoRA's base as one")
    checkpoint, lora = Checkpoint(base), open_adapter(adapter)
    architecture = architecture_of(checkpoint.architecture, checkpoint.config)
    check_fits(lora, architecture.shapes(), str(base))
    with replacing(out) as part:
        provenance = provenance_of(base, name or adapter.resolve().name)
        write_adapter(lora, architecture, provenance, part)
    display.say(f"{len(lora.factors)} layers changed by {adapter}")
    return out


def _from_folder(
    source: Path,
    out: Path,
    type: str,
    adapter: Path | None,
    imatrix: Path | None,
    calibrate: Path | None,
    name: str | None,
    display: Display,
) -> None:
    from export.checkpoint import Checkpoint
    from export.convert import check_vocabulary, plan_model, write_model
    from export.lora import open_adapter
    from export.metadata import provenance_of

    checkpoint = Checkpoint(source)
    lora = open_adapter(adapter) if adapter else None
    provenance = provenance_of(source, name or source.resolve().name)
    plan = plan_model(checkpoint, type if type in _FLOATS else "f16", provenance, lora)
    _check_space(out, plan.nbytes, quantized=type not in _FLOATS)
    for token in plan.table.left_out:
        display.say(f"left out the token {token}, which has no row in the embedding")
    plan, compared = check_vocabulary(plan, out)
    display.say(f"llama.cpp reads {compared} texts to the same token ids")
    with _unquantized(out, type in _FLOATS) as floats:
        with display.stage("converting") as progress:
            write_model(plan, floats, progress)
        if type not in _FLOATS:
            _quantize(floats, out, type, imatrix, calibrate, display)


@contextmanager
def _unquantized(out: Path, final: bool) -> Iterator[Path]:
    if final:
        yield out
    else:
        with scratch(out, "f16") as path:
            yield path


def _quantize(
    source: Path,
    out: Path,
    type: str,
    imatrix: Path | None,
    calibrate: Path | None,
    display: Display,
) -> None:
    from export.quantize import quantize

    if calibrate is not None:
        from export.imatrix import calibrate as collect

        with scratch(out, "imatrix") as matrix:
            with display.stage("calibrating") as progress:
                collect(source, calibrate, matrix, on_progress=progress)
            _quantize(source, out, type, matrix, None, display)
        return
    with display.stage(f"quantising to {type}") as progress:
        done = quantize(source, out, type, imatrix=imatrix, on_progress=progress)
    for kind, count in done.fallbacks.items():
        tensors = "1 tensor" if count == 1 else f"{count} tensors"
        display.say(f"{kind} for {tensors}: the rows do not fit the blocks of {type}")
    if done.unweighted:
        names = ", ".join(done.unweighted[:3])
        display.say(f"{len(done.unweighted)} weights have no importance: {names}, ...")


def _check(path: Path, display: Display) -> None:
    from export.verify import check_runs

    with display.stage("checking"):
        check_runs(path)


def _check_gguf(source: Path, adapter: Path | None) -> GgufInfo:
    info = inspect_gguf(source)
    if info.kind != "model" or not info.tensors:
        raise ModelError(f"{source} is not a language model but of type '{info.kind}'")
    if adapter is not None:
        raise ExportError(
            f"a LoRA is merged into a Hugging Face folder, not into {source}: name the folder of "
            "its base, or write the adapter alone with --lora-only"
        )
    return info


def _check_space(out: Path, nbytes: int, *, quantized: bool) -> None:
    """Refuse before the work what the disk cannot hold after it."""
    # A file of half the size beside the unquantised one is the most that a quantiser leaves.
    needed = nbytes * 3 // 2 if quantized else nbytes
    free = shutil.disk_usage(out.parent).free
    if needed > free:
        raise ExportError(
            f"no space left on the disk: {size(needed)} are needed in {out.parent.absolute()} "
            f"while exporting, and {size(free)} are free"
        )


def size(nbytes: int) -> str:
    return f"{nbytes / 1e9:.2f} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.1f} MB"
