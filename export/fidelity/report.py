"""A comparison as two tables, as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.statistics import Share
from export.fidelity.figures import Divergence, Fidelity, Model
from export.files import replacing

_WIDE = 120  # columns of the page


def show(fidelity: Fidelity, console: Console) -> None:
    """Print what the models did, what they expect token by token, and how to read it."""
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)  # a file has no width of its own
    console.print(_tasks(fidelity))
    if any(model.text or model.calls for model in fidelity.candidates):
        console.print(_tokens(fidelity))
    for line in [*fidelity.notes, *_legend(fidelity)]:
        console.print(line, style="dim", markup=False, highlight=False)


def write_json(fidelity: Fidelity, out: Path) -> None:
    """Raises ExportError if `out` cannot be written."""
    with replacing(out) as part:
        part.write_text(json.dumps(fidelity.to_dict(), indent=2) + "\n", "utf-8")


def write_html(fidelity: Fidelity, out: Path) -> None:
    """The tables as a page that needs nothing else. Raises ExportError."""
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=_WIDE, file=nowhere)
        show(fidelity, console)
        page = console.export_html(inline_styles=True)
    with replacing(out) as part:
        part.write_text(page, "utf-8")


def markdown(fidelity: Fidelity) -> str:
    """Both tables in one, for a model card."""
    head = [
        "model", "MB", "task success", "points lost (95 % CI)", "valid calls", "same first call",
        "same call, forced", "KL of calls, mnat: mean / p99", "of text", "top-1 equal",
        "decode tok/s (ratio)",
    ]  # fmt: skip
    rows = [head, ["---"] * len(head)]
    for model in [fidelity.reference, *fidelity.candidates]:
        name = Path(model.path).name
        rows.append(
            [
                f"{name} (reference)" if model is fidelity.reference else name,
                _megabytes(model),
                _share(model.success, interval=False),
                _lost(model),
                _share(model.valid_calls, interval=False),
                _share(model.exact_first, interval=False),
                _share(model.exact_forced, interval=False),
                _mean_p99(model.calls),
                _mean_p99(model.text),
                _top1(model),
                _speed(model),
            ]
        )
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _tasks(fidelity: Fidelity) -> Table:
    table = _table(
        f"{fidelity.problems} problems, answered by each",
        "MB", "task\nsuccess", "points\nlost", "McNemar\np", "valid\ncalls", "same\nfirst call",
        "decode tok/s\n(ratio)",
    )  # fmt: skip
    for model in [fidelity.reference, *fidelity.candidates]:
        table.add_row(
            Path(model.path).name,
            _megabytes(model),
            _share(model.success),
            _lost(model, "\n"),
            "" if model.pairs is None else f"{model.p:.3g}",
            _share(model.valid_calls),
            _share(model.exact_first),
            _speed(model),
        )
    return table


def _tokens(fidelity: Fidelity) -> Table:
    table = _table(
        f"{fidelity.trajectories} trajectories of the reference, token by token; KL in millinats",
        "same call", "calls: KL\nmean", "p99", "top-1\nequal", "text: KL\nmean", "p99",
        "top-1\nequal",
    )  # fmt: skip
    for model in fidelity.candidates:
        cells = [Path(model.path).name, _share(model.exact_forced)]
        for part in (model.calls, model.text):
            cells += [_kl(part), _p99(part), _share(None if part is None else part.same)]
        table.add_row(*cells)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("model", overflow="fold", min_width=12)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _legend(fidelity: Fidelity) -> list[str]:
    lines = [
        f"Reference: {fidelity.reference.path}. Greedy, by the runtime's agent loop; calls "
        + ("held to their schema" if fidelity.settings.get("grammar") else "not constrained")
        + " in all models.",
        "Points lost: task success against the reference, paired, with Newcombe's 95 % interval "
        "(1998, method 10). The other intervals are Wilson's; for KL a bootstrap of trajectories.",
        "Valid: ran without error and needed no correction by the grammar. Same call: every token "
        "of it is the candidate's own first choice after the reference's text.",
    ]
    if any(model.speed for model in fidelity.candidates):
        lines.append(
            "tok/s: decoding, blocks of the two models in turn; the ratio is to the reference."
        )
    return lines


def _megabytes(model: Model) -> str:
    return f"{model.size / 1e6:.1f}"


def _share(share: Share | None, *, interval: bool = True) -> str:
    if share is None or share.count == 0:
        return ""
    text = f"{100 * share.value:.1f} %"
    return f"{text}\n{100 * share.low:.0f} to {100 * share.high:.0f}" if interval else text


def _lost(model: Model, between: str = " ") -> str:
    if model.pairs is None:
        return ""
    # Adding 0 makes 0 of -0, which would look like a gain.
    low, high = model.lost_low + 0.0, model.lost_high + 0.0
    return f"{model.lost + 0.0:.1f}{between}({low:.1f} to {high:.1f})"


def _kl(part: Divergence | None) -> str:
    if part is None:
        return ""
    return f"{_milli(part.mean)}\n{_milli(part.low)} to {_milli(part.high)}"


def _mean_p99(part: Divergence | None) -> str:
    return "" if part is None else f"{_milli(part.mean)} / {_milli(part.p99)}"


def _p99(part: Divergence | None) -> str:
    return "" if part is None else _milli(part.p99)


def _milli(nats: float) -> str:
    value = 1000 * nats
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def _top1(model: Model) -> str:
    parts = [part.same for part in (model.calls, model.text) if part is not None]
    hits, count = sum(part.hits for part in parts), sum(part.count for part in parts)
    return f"{100 * hits / count:.1f} %" if count else ""


def _speed(model: Model) -> str:
    if model.speed is None:
        return ""
    return f"{model.speed.candidate:.0f} ({model.speed.ratio:.2f})"
