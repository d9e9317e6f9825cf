"""Tokens a second of llama.cpp in a headless Chromium (wllama) and native, side by side.

Both decode the same prompt with one thread, in turns; the ratio is what the browser costs. Several
types of one model show which of them have kernels for WebAssembly.

    python -m benchmarks.export.web_speed [--model FILE.gguf] [--types q8_0,q4_0] [--rounds N]
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.export.browser import browser, missing, open_page, served
from export.command import Display, main
from export.errors import ExportError
from export.gguf import export_gguf
from export.web.build import build_page
from export.web.serve import open_server
from runtime.engines.base import Sampling
from runtime.engines.llama_cpp import LlamaCppEngine
from runtime.models import resolve_model
from runtime.models.gguf import inspect_gguf

PROMPT, GENERATED = 128, 64  # tokens
_IN_BROWSER = """async ([ids, count]) => {
    const { engine, grammars } = sodAgent;
    const stats = { evaluated: 0, reused: 0, generated: 0, decoded: 0, rejected: 0,
        prefillSeconds: 0, decodeSeconds: 0 };
    const { signal } = new AbortController();
    const options = { maxTokens: count, closes: "", state: grammars.free.start(), signal };
    for await (const _ of engine.generate(ids, options, { finish: "length", stats }));
    return stats;
}"""
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def run(
    model: Annotated[str | None, typer.Option(help="GGUF file or registry name.")] = None,
    types: Annotated[str, typer.Option(help="Types to make of it too.")] = "q8_0,q4_0",
    rounds: Annotated[int, typer.Option(min=1)] = 3,
) -> int:
    if reason := missing():
        raise ExportError(reason)
    display = Display()
    table = Table("model", "MB", *("prefill, t/s", "ratio", "decode, t/s", "ratio"))
    with tempfile.TemporaryDirectory() as work, browser() as chromium:
        source = resolve_model(model).path
        files = {inspect_gguf(source).file_type: source}
        for type in filter(None, types.split(",")):
            out = Path(work) / f"{type}.gguf"
            files.setdefault(type.upper(), export_gguf(source, out, type=type, display=display))
        for type, path in files.items():
            page = build_page(path, Path(work) / f"page-{type}")
            rows = _measure(chromium, page, path, rounds, display)
            table.add_row(type, f"{path.stat().st_size / 1e6:.0f}", *rows)
    Console(width=100).print(table)
    return 0


def _measure(chromium: Any, folder: Path, path: Path, rounds: int, display: Display) -> list[str]:
    """Prefill and decode: the browser's median rate, and the median ratio to native."""
    rng = random.Random(0)
    with served(open_server(folder, 0)) as url:
        page = open_page(chromium, url)
        engine = LlamaCppEngine(path, n_ctx=1024, n_threads=1)
        try:
            pairs = []
            with display.stage(f"measuring {path.name}") as progress:
                for number in range(rounds):
                    ids = [rng.randrange(100, 700) for _ in range(PROMPT)]  # never one seen before
                    pairs.append((_browser(page, ids), _native(engine, ids)))
                    progress(number + 1, rounds)
        finally:
            engine.close()
            page.close()
    cells = []
    for which in (0, 1):
        rates = [here[which] for here, _ in pairs]
        ratios = [here[which] / there[which] for here, there in pairs]
        cells += [f"{statistics.median(rates):.1f}", f"{statistics.median(ratios):.2f}"]
    return cells


def _browser(page: Any, ids: list[int]) -> tuple[float, float]:
    stats = page.evaluate(_IN_BROWSER, [ids, GENERATED])
    evaluated = stats["evaluated"] - stats["decoded"]
    return evaluated / stats["prefillSeconds"], stats["decoded"] / stats["decodeSeconds"]


def _native(engine: LlamaCppEngine, ids: list[int]) -> tuple[float, float]:
    generation = engine.generate(ids, max_tokens=GENERATED, sampling=Sampling())
    started = time.perf_counter()
    next(generation)
    first = time.perf_counter()
    decoded = sum(1 for _ in generation)
    ended = time.perf_counter()
    return generation.stats.prefilled / (first - started), decoded / (ended - first)


if __name__ == "__main__":
    main("benchmarks.export.web_speed", app)
