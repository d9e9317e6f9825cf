"""`sod-agent doctor`: what this machine has, what is missing, and what to install for it.

Every check is a real one (the library is loaded, the sandbox runs a program), and none of them
uses the network.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from runtime import __version__
from runtime.errors import SodError


@dataclass(frozen=True)
class Check:
    """One finding. `fix` says what to do where `ok` is false; `needed`: nothing works without."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


def examine(model: str | None) -> dict[str, Any]:
    """All findings, as plain JSON data; `ok` says whether `sod-agent` can answer here."""
    checks = [
        _check("python", _python),
        _check("engine llama.cpp", _engine, fix="pip install --no-cache-dir llama-cpp-python"),
        _check("model", lambda: _model(model), fix="run sod-agent once with network access"),
        *_sandbox(),
        _check("cache", _cache, fix="set SOD_AGENT_CACHE to a folder you can write"),
        _check("engine onnx", _onnx, fix="pip install 'sod-agent[onnx]'", needed=False),
        _check("hub", _hub, fix="pip install huggingface_hub", needed=False),
    ]
    return {
        "version": __version__,
        "ok": all(check.ok for check in checks if check.needed),
        "checks": [asdict(check) for check in checks],
    }


def show(report: dict[str, Any]) -> None:
    """The findings as a list for people, on standard output."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"sod-agent {report['version']}")
    for check in report["checks"]:
        mark, style = ("ok", "green") if check["ok"] else ("--", "yellow")
        if check["needed"] and not check["ok"]:
            mark, style = "!!", "red"
        console.print(f" {mark} ", style=style, end="")
        console.print(f"{check['name']}: {check['found']}")
        if not check["ok"] and check["fix"]:
            console.print(f"      to mend: {check['fix']}")


def _check(name: str, look: Callable[[], str], fix: str = "", needed: bool = True) -> Check:
    try:
        return Check(name, True, look(), "", needed)
    except (SodError, OSError, ImportError) as error:
        return Check(name, False, " ".join(str(error).split()), fix, needed)


def _python() -> str:
    return f"{platform.python_version()} ({sys.executable}), {platform.platform(terse=True)}"


def _engine() -> str:
    from runtime.engines.cores import physical_cores
    from runtime.engines.llama_bindings import llama

    features = llama().llama_print_system_info().decode()
    on = [
        part.split(" = ")[0].split(":")[-1].strip() for part in features.split("|") if "= 1" in part
    ]
    version = metadata.version("llama-cpp-python")
    cores = physical_cores()
    return f"llama-cpp-python {version}, {cores} threads, CPU features: {' '.join(on) or 'none'}"


def _onnx() -> str:
    parts = [f"{name} {metadata.version(name)}" for name in ("onnxruntime", "llguidance")]
    return f"{', '.join(parts)}, for models of `python -m export.onnx`"


def _model(name: str | None) -> str:
    from runtime.models import resolve_model

    model = resolve_model(name, allow_network=False, allow_merge=False)
    size = model.info.size / 1e6
    found = f"{model.name}: {model.path} ({size:.0f} MB, {model.info.architecture})"
    return "; ".join([f"{found}, {model.source}", *model.notes])


def _sandbox() -> list[Check]:
    from runtime.sandbox import Sandbox

    with Sandbox() as sandbox:
        checks = []
        for tier in sandbox.describe():
            confined = f" (confined by {', '.join(tier.mechanisms)})" if tier.mechanisms else ""
            found = tier.detail + confined
            checks.append(Check(f"sandbox {tier.name}", tier.available, found, needed=False))
        return checks


def _cache() -> str:
    from runtime.models import cache_dir

    folder = cache_dir()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        raise OSError(f"{folder} cannot be written")
    free = shutil.disk_usage(there).free / 1e9
    used = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
    return f"{folder} ({used:.0f} MB used, {free:.0f} GB free)"


def _hub() -> str:
    return f"huggingface_hub {metadata.version('huggingface_hub')}, for --model org/repo"
