"""Base and adapter of a registry entry as one quantised file, made once and kept in the cache.

An adapter on top of its base costs two more products in every layer, and the base comes in the
type its maker chose. One file of both in the type that is fastest on this machine costs seconds,
once. Its name holds a hash of all it was made of, so that a new adapter, another type or another
llama.cpp gets a new file; older ones of the same entry are then removed.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import ModelError
from runtime.models.adapter import NotMerged
from runtime.models.cache import cache_dir, disk_problem, megabytes
from runtime.models.gguf import GgufInfo, inspect_gguf
from runtime.models.merge import MergePlan, merge, plan_merge
from runtime.models.progress import OnProgress, Progress
from runtime.models.registry import Quantise

FORMAT = 1  # of what merge.py writes: a change of it makes all files anew


@dataclass(frozen=True)
class Recipe:
    """The file of one entry: `type` is llama.cpp's, `key` the hash of all it is made of."""

    name: str
    type: str
    key: str

    @property
    def path(self) -> Path:
        return cache_dir() / "models" / f"{self.name}-{self.key}.gguf"


def recipe_for(name: str, base_sha256: str, adapter_sha256: str, types: Quantise) -> Recipe:
    """What the entry `name` becomes on this machine. Raises EngineError without llama.cpp.

    The protocol version is one of the adapter's bytes and so in its hash.
    """
    import hashlib
    from importlib import metadata

    from runtime.engines.machine import machine_kind

    type = types.for_machine(machine_kind())
    llama_cpp = metadata.version("llama-cpp-python")
    parts = (str(FORMAT), base_sha256, adapter_sha256, type, llama_cpp)
    return Recipe(name, type, hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])


def find_merged(recipe: Recipe) -> GgufInfo | None:
    """The header of the finished file; None if it is not there or damaged."""
    if not recipe.path.is_file():
        return None
    try:
        info = inspect_gguf(recipe.path)
    except ModelError:
        return None
    return info if info.tensors and info.file_type == recipe.type.upper() else None


def make_merged(recipe: Recipe, base: Path, adapter: Path, on_progress: OnProgress) -> list[str]:
    """Make the file of `recipe`; returns notes for the user.

    Raises ModelError if the adapter does not fit the base, NotMerged if there is a reason other
    than the two: no room, a folder that cannot be written, a quantiser that refuses. Nothing is
    left behind then or on Ctrl-C.
    """
    from filelock import FileLock

    started = time.perf_counter()
    plan = plan_merge(base, adapter)
    target = recipe.path
    steps = 2 * len(plan.base.tensors)
    what = (
        f"making {target.name} once, {recipe.type} for this machine, of {base.name} and "
        f"{adapter.name} in {target.parent}"
    )

    def report(done: int) -> None:
        on_progress(Progress(what, done, steps, "tensors"))

    report(0)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A second process waits here and then finds the file.
        with FileLock(target.with_name(f"{recipe.name}.lock")):
            if find_merged(recipe):
                return []
            work = target.with_name(f"{recipe.name}.unfinished")
            shutil.rmtree(work, ignore_errors=True)  # of a process that was killed
            work.mkdir()
            try:
                _make(recipe, plan, work, report)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            _remove_old(recipe)
    except OSError as error:
        raise NotMerged(disk_problem(error, cache_dir())) from error
    seconds = max(1, round(time.perf_counter() - started))
    return [
        f"made {target.name} ({recipe.type}, {megabytes(target.stat().st_size)}) of {base.name} "
        f"and {adapter.name} in {seconds} s, kept in {target.parent}"
    ]


def _make(recipe: Recipe, plan: MergePlan, work: Path, on_step: Callable[[int], None]) -> None:
    from runtime.engines.quantize import quantize

    needed = 2 * plan.nbytes  # the merged file, and at most as much again
    if (free := shutil.disk_usage(work).free) < needed:
        raise NotMerged(
            f"{megabytes(needed)} are needed in {cache_dir()}, which has {megabytes(free)} free "
            "(SOD_AGENT_CACHE names another folder)"
        )
    floats, out = work / "merged.gguf", work / "quantised.gguf"
    merge(plan, floats, lambda done, _total: on_step(done))
    merged = len(plan.base.tensors)
    try:
        quantize(floats, out, recipe.type, on_progress=lambda done, _total: on_step(merged + done))
    except ModelError as error:
        raise NotMerged(str(error)) from error
    out.replace(recipe.path)


def _remove_old(recipe: Recipe) -> None:
    ours = re.compile(re.escape(recipe.name) + r"-[0-9a-f]{16}\.gguf")
    for path in recipe.path.parent.iterdir():
        if ours.fullmatch(path.name) and path != recipe.path:
            with suppress(OSError):
                path.unlink()
