"""The model card beside an export: how it was made, what that cost, how to run it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.model_files import hash_model, model_size
from export.errors import ExportError
from export.fidelity.figures import Fidelity
from export.fidelity.report import markdown
from export.files import replacing

if TYPE_CHECKING:
    from export.gate import Passed

_BEGIN, _END = "<!-- fidelity -->", "<!-- /fidelity -->"
_LIBRARIES = ("sod-agent", "llama-cpp-python", "onnxruntime", "transformers")


@dataclass(frozen=True)
class Made:
    """How an export was made. `source` is what was converted, `type` as its format names it.

    `calibrated` says what the importance matrix was made of; `notes` are lines for the card, such
    as what the gate decided.
    """

    out: Path
    source: Path
    type: str
    calibrated: str | None = None
    adapter: Path | None = None
    fidelity: Fidelity | None = None
    notes: Sequence[str] = field(default_factory=tuple)


def card_path(out: Path) -> Path:
    """NAME.md beside a file, README.md in a folder."""
    return out / "README.md" if out.is_dir() else out.with_suffix(".md")


def write_card(made: Made) -> Path:
    """Write the card of `made.out`, which must exist; returns where. Raises ExportError."""
    path = card_path(made.out)
    with replacing(path) as part:
        part.write_text(card(made), "utf-8")
    return path


def card_of_gguf(
    out: Path,
    source: Path,
    type: str,
    adapter: Path | None,
    calibrate: Path | None,
    passed: Passed | None,
) -> Path:
    """The card of `export.gguf`'s file `out`, with what its gate decided. Raises ExportError."""
    notes = () if passed is None else passed.told()
    return write_card(
        Made(
            out,
            source,
            type if passed is None else passed.type,
            calibrated=None if calibrate is None else f"made of `{_shown(calibrate)}`",
            adapter=adapter,
            fidelity=None if passed is None else passed.fidelity,
            notes=notes,
        )
    )


def card(made: Made) -> str:
    """The text of the card."""
    name = made.out.name
    parts = [f"# {name}", _summary(made), "## How it was made", _origin(made)]
    parts += ["## What it cost", _BEGIN, _cost(made.fidelity, made), _END]
    parts += ["## How to run it", _how_to_run(made.out)]
    return "\n\n".join(parts) + "\n"


def put_fidelity(out: Path, fidelity: Fidelity) -> bool:
    """Put figures into the card of `out`; False if it has none, or none with a place for them.

    Raises ExportError if it cannot be read or written.
    """
    path = card_path(out)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"cannot read {path}: {error}") from error
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        return False
    with replacing(path) as part:
        new = f"{before}{begin}\n\n{_cost(fidelity, None)}\n\n{end}{after}"
        part.write_text(new, "utf-8")
    return True


def _summary(made: Made) -> str:
    kind = "ONNX model" if made.out.is_dir() else "GGUF file"
    size = model_size(made.out) / 1e6
    return (
        f"A {kind} of type `{made.type}`, {size:.1f} MB, for `sod-agent` and what reads the same."
    )


def _origin(made: Made) -> str:
    rows = [
        ("made from", f"`{_shown(made.source)}`"),
        ("its hash", f"`{hash_model(made.source)}`"),
        ("this export's hash", f"`{hash_model(made.out)}`"),
        ("importance matrix", made.calibrated or "none"),
    ]
    if made.adapter is not None:
        rows.append(("LoRA merged in", f"`{_shown(made.adapter)}`"))
    rows += _training(made.source)
    rows.append(("made with", ", ".join(_versions())))
    lines = [f"- {what}: {value}" for what, value in rows]
    return "\n".join([*lines, *(f"- {note}" for note in made.notes)])


def _training(source: Path) -> list[tuple[str, str]]:
    """From lock.json of the run that `source` came out of, if there is one."""
    lock = _lock(source)
    config, rows = lock.get("config"), []
    if isinstance(config, dict) and isinstance(config.get("method"), str):
        rows.append(("trained by", f"{config['method']}, preset {config.get('preset')}"))
    for group, facts in (("models", lock.get("models")), ("data", lock.get("data"))):
        if isinstance(facts, dict):
            for name, fact in facts.items():
                if isinstance(fact, dict) and isinstance(fact.get("hash"), str):
                    what = name if group == "models" else f"{name} data"
                    rows.append((what, f"`{_one_line(fact.get('source'))}`, hash `{fact['hash']}`"))
    if isinstance(lock.get("commit"), dict):
        rows.append(("commit of the trainer", f"`{lock['commit'].get('id')}`"))
    if "protocol_version" in lock:
        rows.append(("protocol version", str(lock["protocol_version"])))
    return rows


def _lock(source: Path) -> dict[str, Any]:
    folder = source if source.is_dir() else source.parent
    for place in (folder, folder.parent):
        try:
            found = json.loads((place / "lock.json").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def _cost(fidelity: Fidelity | None, made: Made | None) -> str:
    if fidelity is None:
        source = "REFERENCE" if made is None else shlex.quote(_shown(made.source))
        out = "THIS" if made is None else shlex.quote(_shown(made.out))
        return (
            "Not measured yet. `python -m export.fidelity "
            f"{source} {out} --card` measures it and writes it here."
        )
    return "\n\n".join(
        [
            markdown(fidelity),
            f"{fidelity.problems} held-out problems through the agent loop, greedy, and "
            f"{fidelity.trajectories} trajectories of the reference token by token. Points lost "
            "are of task success, paired, with Newcombe's interval; KL is KL(reference || this) "
            "per token that the model wrote, in thousandths of a nat; decode speed is measured in "
            "turn with the reference.",
            *fidelity.notes,
        ]
    )


def _how_to_run(out: Path) -> str:
    place = shlex.quote(out.name)
    if out.is_dir():
        return (
            f'```sh\nsod-agent --model {place} "What is 17 * 23?"\n```\n\n'
            "onnxruntime-genai and transformers.js read the same folder."
        )
    return (
        f'```sh\nsod-agent --model {place} "What is 17 * 23?"\n```\n\n'
        f"Other programs that read GGUF: `llama-server -m {place} --jinja`. Tools are called in "
        "`<tool_call>` tags, as Qwen and Hermes models do; the chat template is in the file."
    )


def _versions() -> list[str]:
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _shown(path: Path) -> str:
    """A path that means something elsewhere too: its last two parts."""
    return _one_line("/".join(path.absolute().parts[-2:]))


def _one_line(text: object) -> str:
    # Names come from files of others: they must not break out of their line or their code span.
    return re.sub(r"[`\s]+", " ", str(text))[:120]
