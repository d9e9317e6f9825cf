"""The import rules: devices get `runtime` alone, and nothing heavy sneaks into its start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("runtime", "train", "export", "benchmarks")
HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "onnx", "datasets")
# package: what it must not import
FORBIDDEN = {
    "runtime": ("train", "export", "benchmarks", "tests", *HEAVY),
    "runtime/engines": ("runtime.protocol", "runtime.tools", "runtime.sandbox", "runtime.agent"),
    "runtime/protocol": ("runtime.engines.llama_cpp", "runtime.sandbox", "runtime.agent"),
    "runtime/sandbox": ("runtime.protocol", "runtime.engines", "runtime.agent", "runtime.models"),
    "runtime/models": ("runtime.protocol", "runtime.engines", "runtime.agent", "runtime.sandbox"),
    "train": ("export", "benchmarks", "runtime.cli"),  # but ALLOWED
    "export": ("train", "runtime.cli"),
    "benchmarks": ("train", "export", "torch", "tests"),  # but EXEMPT
}

# What a rule above would ban, and why it may be imported all the same.
ALLOWED = {
    # A base and its adapter are merged with ggml's numbers and llama.cpp's quantiser.
    "runtime/models": tuple(f"runtime.engines.{name}" for name in ("ggml", "machine", "quantize")),
    # The reward is decided by the rule that evaluation uses, and evaluated with the same intervals.
    "train": ("benchmarks.grading", "benchmarks.statistics"),
}
# These measure training and export, so they need them; the rest of benchmarks runs on a device.
EXEMPT = {"benchmarks": ("benchmarks/training", "benchmarks/export")}


def imports(file: Path) -> set[str]:
    """Absolute names of every module that `file` imports, at any depth."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_import_rules(package):
    for file in (ROOT / package).rglob("*.py"):
        if any(ROOT / folder in file.parents for folder in EXEMPT.get(package, ())):
            continue
        for name in imports(file):
            if any(_within(name, allowed) for allowed in ALLOWED.get(package, ())):
                continue
            for banned in FORBIDDEN[package]:
                assert not _within(name, banned), f"{file}: {name}"


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def test_the_rules_see_every_import_form():
    found = imports(Path(__file__))
    assert {"ast", "pathlib.Path", "subprocess"} <= found


def test_the_command_starts_without_the_training_stack():
    code = (
        "import sys; sys.argv = ['sod-agent', '--version']\n"
        "import runtime.cli.main as cli\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        f"bad = set(sys.modules) & {set(HEAVY) | {'numpy', 'jinja2', 'sympy'}}\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_files_can_be_held_in_the_head():
    for package in OURS:
        for file in (ROOT / package).rglob("*.py"):
            assert len(file.read_text().splitlines()) <= 420, file
