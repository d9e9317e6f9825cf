"""Export and speed at the true size: a Qwen3-0.6B of random weights, in both engines.

Weights do not matter to time, memory and speed, so none are fetched: the shape is that of
Qwen/Qwen3-0.6B, the tokenizer a folder that has Qwen3's. Each export runs as its own process, so
that its peak memory (resident, mapped file pages included) is its own. Then every file answers
pp512 (512 prompt tokens) and tg128 (128 tokens one by one) as llama-bench does, all files in turns.

    python -m benchmarks.export.true_size --tokenizer FOLDER [--types q4_0,q8_0] [--onnx int4]
        [--folder FOLDER] [--rounds N] [--save FILE]
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.report import Figure, median, save, show
from runtime.engines import open_engine
from runtime.engines.base import Engine, Sampling

SHAPE = {
    "hidden_size": 1024,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 3072,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
    "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"},
    "max_position_embeddings": 40960,
    "eos_token_id": 151645,
    "bos_token_id": 151643,
}
PROMPT, ANSWER = 512, 128
_MIB = 1 << 20


def make_checkpoint(folder: Path, tokenizer: Path) -> None:
    """A random-weight Qwen3-0.6B in bfloat16, unless it is there."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    if (folder / "model.safetensors").exists():
        return
    torch.manual_seed(0)
    config = Qwen3Config(**SHAPE, dtype="bfloat16")
    Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tokenizer / name, folder / name)


def export(module: str, flags: list[str]) -> tuple[float, float]:
    """Run `python -m MODULE FLAGS`; wall seconds and peak resident MiB of it.

    Raises SystemExit with its last words if it fails.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *flags], stdout=subprocess.DEVNULL, stderr=words
        )
        # wait4 tells the peak of this child alone, and of the children that it waited for.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        words.seek(0)
        said = words.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(f"error: {module} {' '.join(flags)} failed: {said[-500:]}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def speeds(engine: Engine, seed: int) -> tuple[float, float]:
    """pp512 and tg128 of `engine`, tokens per second, on random tokens that it has not seen."""
    draw = random.Random(seed)
    prompt = [draw.randrange(1000, 100_000) for _ in range(PROMPT)]
    prefill = engine.generate(prompt, max_tokens=1, sampling=Sampling())
    list(prefill)
    # The cache of the first 512 tokens stays, so this decodes and prefills next to nothing.
    decode = engine.generate(prompt, max_tokens=ANSWER, sampling=Sampling())
    written = len(list(decode))
    return (
        prefill.stats.prefilled / prefill.stats.prefill_s,
        (written - 1) / decode.stats.decode_s,
    )


def measure(
    tokenizer: Path, folder: Path, types: list[str], onnx: list[str], rounds: int, threads: int
) -> list[Figure]:
    """Every export once, every file's speed in `rounds` turns."""
    source = folder / "qwen3-0.6b-random"
    # In a process of its own: a child's peak begins at what its parent held when it was made.
    maker = get_context("spawn").Process(target=make_checkpoint, args=(source, tokenizer))
    maker.start()
    maker.join()
    weights = sum(file.stat().st_size for file in source.glob("*.safetensors")) / _MIB
    figures, files = [Figure("checkpoint, bfloat16", weights, "MiB")], {}
    for kind in types:
        out = folder / f"{kind}.gguf"
        spent, peak = export(
            "export.gguf", ["--model", str(source), "--type", kind, "--out", str(out)]
        )
        files[f"llama.cpp {kind}"] = ("llama.cpp", out)
        figures += _exported(f"gguf {kind}", out.stat().st_size / _MIB, spent, peak, weights)
    for kind in onnx:
        out = folder / f"onnx-{kind}"
        spent, peak = export(
            "export.onnx", ["--model", str(source), f"--{kind}", "--out", str(out)]
        )
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / _MIB
        files[f"onnx {kind}"] = ("onnx", out)
        figures += _exported(f"onnx {kind}", size, spent, peak, weights)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in files}
    for turn in range(rounds + 1):
        for name, (engine_name, path) in files.items():
            engine = open_engine(engine_name, path, n_ctx=1024, n_threads=threads)
            try:
                result = speeds(engine, turn)
            finally:
                engine.close()
            if turn:  # the first turn reads the files from disk
                times[name].append(result)
    for name, pairs in times.items():
        prefill, decode = (median(column) for column in zip(*pairs, strict=True))
        detail = f"{threads} threads, {rounds} rounds"
        figures.append(Figure(f"{name}, pp512", prefill, "tokens/s", detail=detail))
        figures.append(Figure(f"{name}, tg128", decode, "tokens/s", detail=detail))
    return figures


def _exported(name: str, size: float, spent: float, peak: float, weights: float) -> list[Figure]:
    return [
        Figure(f"{name}, size", size, "MiB"),
        Figure(f"{name}, time", spent, "s"),
        Figure(
            f"{name}, peak memory",
            peak,
            "MiB",
            detail=f"{peak / weights:.2f} times the 16-bit weights",
        ),
    ]


def main(
    tokenizer: Annotated[Path, typer.Option(help="Folder with Qwen3's tokenizer.json.")],
    types: Annotated[str, typer.Option(help="GGUF types.")] = "f16,q8_0,q5_k_m,q4_k_m,q4_0",
    onnx: Annotated[str, typer.Option(help="ONNX precisions, or nothing.")] = "int4",
    folder: Annotated[
        Path | None, typer.Option(help="Where files go; kept.", show_default="temporary")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Turns of the speed runs.", min=1)] = 3,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 2,
    save_to: Annotated[Path | None, typer.Option("--save", help="JSON file of figures.")] = None,
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = folder or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        gguf_types, precisions = (
            [kind for kind in text.split(",") if kind] for text in (types, onnx)
        )
        figures = measure(tokenizer, home, gguf_types, precisions, rounds, threads)
    show("Qwen3-0.6B of random weights", figures)
    if save_to is not None:
        save(save_to, "true size", figures)


if __name__ == "__main__":
    typer.run(main)
