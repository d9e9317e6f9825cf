"""The report of a run: whole, harmless whatever the models wrote, small, and never a traceback."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from train.config import RunConfig
from train.errors import DataError, TrainingError
from train.report import build_report, charts
from train.report.__main__ import main

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> \x00\x1b[31mred\x1b[0m "
    "\u202egnp.exe \ud800 {{ 7*7 }} \"'&amp;"
)
FAMILIES = ("arithmetic chain", "unit conversion", "code <b>repair</b>")


def write_fake_run(
    folder: Path,
    steps: int = 150,
    *,
    seed: int = 0,
    trajectories: int = 2,
    finished: bool = True,
    text: str = HOSTILE,
) -> Path:
    """Writes what a run leaves, with curves that look like one; `text` is in every free field."""
    dice = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = [
        {"kind": "cold_start", "step": i, "loss": 3 * 0.95**i + 0.2 * dice.random(), "lr": 1e-5}
        | ({"accuracy": 1 - 0.9 * 0.95**i} if i % 2 else {})
        for i in range(60)
    ]
    rows.append(_evaluation(dice, 0, "before", 256, 0.30))
    for step in range(1, steps + 1):
        rows.append(_step(dice, step, steps))
        if step % max(steps // 6, 1) == 0:
            score = 0.3 + 0.25 * step / steps
            rows.append(_evaluation(dice, step, "validation", 64, score))
    if steps > 10:
        message = f"Tool calls fell from 3.7 to 1.2 a trajectory. Back to the best step. {text}"
        rows.append({"kind": "guard", "step": steps // 2, "action": "rollback", "message": message})
    if finished:
        after = _evaluation(dice, steps, "after", 256, 0.55)
        rows.append(after | {"paired": {"gained": 81, "lost": 17, "p": 2.1e-11}})
    _write_lines(folder / "metrics.jsonl", rows)
    kept = [_trajectory(dice, s, text) for s in range(1, steps + 1) for _ in range(trajectories)]
    _write_lines(folder / "trajectories.jsonl", kept)
    lock = {
        "config": RunConfig(steps=steps, seed=seed).as_lock(),
        "models": {
            "student": {"source": "nano", "hash": "sha256:0e5751c026e543b2"},
            "teacher": {"source": "nano teacher, 0.8M", "hash": "sha256:1f2d60aa1be1e7c4"},
        },
        "template_hash": "sha256:77aa",
        "data": {"train": "sha256:ab12", "eval": {"hash": "sha256:cd34", "note": text}},
        "commit": "389a8759",
        "versions": {"torch": "2.13.0", "trl": "1.16.0"},
        "machine": {"cpu": "2 cores", "gpu": None},
    }
    (folder / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    return folder


def _step(dice: random.Random, step: int, steps: int) -> dict[str, Any]:
    done, noise = step / steps, dice.gauss(0, 0.04)
    d = [0.06, 0.22 - 0.1 * done, 0.49 - 0.3 * done, 0.51 - 0.25 * done, 0.6 - 0.2 * done]
    d = [value * math.exp(dice.gauss(0, 0.1)) for value in d]
    shares = [0.12, 0.28 - 0.15 * done, 0.2, 0.15, 0.25 + 0.15 * done]
    return {
        "kind": "step",
        "step": step,
        "loss": 0.05 + noise,
        "grad_norm": 0.8 + abs(noise),
        "lr": 1e-6 if done < 0.5 else 5e-7,
        "reward": -0.4 + 0.6 * done + noise,
        "accuracy": min(1.0, max(0.0, 0.3 + 0.3 * done + noise)),
        "tool_calls": 3.7 - 0.4 * done + noise,
        "tool_error_rate": abs(0.2 - 0.12 * done + noise),
        "infra_rate": 0.1 if step % 40 == 0 else 0.0,
        "kl": 0.4 * math.exp(-2 * done) + abs(noise) / 4,
        "entropy": 1.1 - 0.5 * done + noise,
        "length": 420 + 60 * done + 400 * noise,
        "truncated": abs(noise) / 4,
        "d_by_step": d,
        "w_by_step": [min((d[0] + 1e-6) / (value + 1e-6), 1.2) for value in d],
        "tokens_by_weight": dict(
            zip(("0", "0-0.25", "0.25-0.5", "0.5-1", "1+"), shares, strict=True)
        ),
        "seconds": {"rollout": 3.1 + noise, "teacher": 0.9, "weights": 0.02, "update": 1.4},
    }


def _evaluation(
    dice: random.Random, step: int, split: str, problems: int, score: float
) -> dict[str, Any]:
    correct = sum(dice.random() < score for _ in range(problems))
    p, z = correct / problems, 1.96
    centre = (p + z * z / (2 * problems)) / (1 + z * z / problems)
    half = z / (1 + z * z / problems) * math.sqrt(p * (1 - p) / problems + (z / 2 / problems) ** 2)
    families = {
        name: {"problems": problems // 3, "correct": round(problems / 3 * p * (0.7 + 0.3 * i))}
        for i, name in enumerate(FAMILIES)
    }
    return {
        "kind": "eval",
        "step": step,
        "split": split,
        "problems": problems,
        "correct": correct,
        "accuracy": p,
        "low": max(0.0, centre - half),
        "high": min(1.0, centre + half),
        "tool_calls": 3.4,
        "valid_calls": 0.93,
        "by_family": families,
        "seconds": 9.5,
    }


def _trajectory(dice: random.Random, step: int, text: str) -> dict[str, Any]:
    correct = dice.random() < 0.5
    prompt = "<|im_start|>system\nYou may call python.<|im_end|>\n<|im_start|>user\nHow much?"
    segments: list[dict[str, Any]] = [{"kind": "prompt", "text": prompt, "k": 0}]
    first = 0.06
    for k in range(1, 5):
        d = first if k == 1 else dice.choice((0.04, 0.06, 0.09, 0.3, 2.0))
        w = 1.0 if k == 1 else min(first / d, 1.2)
        call = f'I need row {k}.\n<tool_call>{{"code": "print(table[{k}] * {step})"}}</tool_call>'
        segments.append({"kind": "student", "text": call, "k": k, "d": d, "w": w})
        result = f"{k * step}\n" if k != 3 else f"NameError: name 'table' is not defined\n{text}"
        segments.append({"kind": "tool", "text": result, "k": 0, "d": None, "w": None})
    segments.append({"kind": "forced", "text": "Give the answer now.", "k": 0, "d": None})
    ending = f"The answer is \\boxed{{{step}}}. {text}"
    segments.append({"kind": "student", "text": ending, "k": 5, "d": None, "w": None})
    return {
        "step": step,
        "question": f"A crate holds {step} boxes of 12 pens, 3 are broken. How many write? {text}",
        "expected": str(step * 12 - 3),
        "answer": str(step) if correct else None,
        "correct": correct,
        "reward": 1.0 if correct else -0.75,
        "infra": step % 40 == 0,
        "segments": segments,
    }


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class Page(HTMLParser):
    """What a browser would make of the page: tags, attributes and the text between them."""

    VOID = frozenset({"meta", "br", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def read(folder: Path) -> str:
    return build_report(folder).read_text(encoding="utf-8")


def test_a_finished_run_tells_its_story(tmp_path: Path) -> None:
    html = read(write_fake_run(tmp_path / "nano-sod", text="plain"))
    page = Page(html)
    for told in (
        "nano-sod",
        "81 became right and 17 became wrong",
        "Tool calls fell from 3.7 to 1.2",
        "Divergence d by step",
        "arithmetic chain",
        "expected 9",
        "sha256:0e5751c026e543b2",
        "weight_baseline",
        "the divergence of the first step",
    ):
        assert told in re.sub(r"\s+", " ", page.text), told
    trajectories = [attrs for tag, attrs in page.tags if attrs.get("class") == "trajectory"]
    assert {each["data-outcome"] for each in trajectories} == {"correct", "wrong", "lost"}
    assert not list(tmp_path.glob("**/.report*")), "the unfinished page is gone"


def test_every_step_shows_its_weight_and_divergence(tmp_path: Path) -> None:
    folder = write_fake_run(tmp_path, steps=1, trajectories=1)
    [trajectory] = [
        json.loads(line) for line in (folder / "trajectories.jsonl").read_text().splitlines()
    ]
    for segment, (d, w) in zip(
        trajectory["segments"][1::2],
        [(0.06, 1.0), (0.3, 0.2), (0.05, 1.2), (0.6, 0.0)],
        strict=False,
    ):
        segment |= {"d": d, "w": w}
    _write_lines(folder / "trajectories.jsonl", [trajectory])
    text = re.sub(r"\s+", " ", Page(read(folder)).text)
    for shown in (
        "Step 1 w 1 full d 0.06",
        "Step 2 w 0.2 turned down d 0.3",
        "Step 3 w 1.2 boosted d 0.05",
        "Step 4 w 0 suppressed d 0.6",
        "Step 5 no weight",
    ):
        assert shown in text, shown


def test_what_models_wrote_stays_text(tmp_path: Path) -> None:
    folder = write_fake_run(tmp_path / "</title><script>x", steps=20)
    html = read(folder)
    page = Page(html)
    assert page.count("script") == 1 and page.count("img") == 0 and page.count("b") > 0
    assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on")]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)
    assert (
        "⟨U+0000⟩⟨U+001B⟩[31mred⟨U+001B⟩[0m ⟨U+202E⟩gnp.exe ⟨U+D800⟩ {{ 7*7 }} \"'&amp;"
        in page.text
    )
    assert "code <b>repair</b>" in page.text


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    html = read(write_fake_run(tmp_path, steps=3, text="plain"))
    page = Page(html)
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert all(str(link).startswith("#") for link in links)
    assert {f"#{attrs['id']}" for _, attrs in page.tags if "id" in attrs} >= set(links)
    assert not re.search(r"https?:|url\(|@import|<link|src=", html)


def test_the_script_is_the_one_the_policy_allows(tmp_path: Path) -> None:
    html = read(write_fake_run(tmp_path, steps=3))
    [script] = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")


def test_long_runs_make_small_pages(tmp_path: Path) -> None:
    folder = write_fake_run(tmp_path, steps=2000, trajectories=1, text=HOSTILE * 45)
    html = read(folder)
    assert len(html.encode()) < 3_000_000
    page = Page(html)
    steps = [int(str(a["data-step"])) for _, a in page.tags if a.get("class") == "trajectory"]
    assert steps[0] == 1 and steps[-1] == 2000 and len(steps) > 10
    assert "characters left out" in page.text and "of 2000 kept" in page.text


def drawings(html: str) -> Iterator[ElementTree.Element]:
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        yield ElementTree.fromstring(svg)


@pytest.mark.parametrize("steps", [1, 2, 150])
def test_charts_are_well_formed_and_inside_their_frame(tmp_path: Path, steps: int) -> None:
    seen = 0
    for svg in drawings(read(write_fake_run(tmp_path, steps=steps))):
        if svg.get("role") != "img":
            continue
        seen += 1
        for path in svg.iter("path"):
            for x, y in re.findall(r"(?:[ML])(-?[\d.]+) (-?[\d.]+)", path.get("d", "")):
                assert -1 <= float(x) <= charts.WIDTH + 1 and -1 <= float(y) <= charts.HEIGHT + 1
    assert seen >= 15


numbers = st.floats() | st.integers() | st.none() | st.just(10**400)
values = numbers | st.text(max_size=5) | st.lists(numbers, max_size=3)
fields = [each for each in _step(random.Random(0), 1, 1) if each not in ("kind", "step")]


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from([*fields, "low", "high"]), values, max_size=6), max_size=6
    ),
    kind=st.sampled_from(["step", "eval", "guard", "cold_start", "new"]),
)
def test_no_value_breaks_the_page(tmp_path: Path, rows: list[dict[str, Any]], kind: str) -> None:
    good = {"kind": "step", "step": 1, "loss": 0.5}
    odd = [{"kind": kind, "step": i, "split": "before"} | row for i, row in enumerate(rows)]
    _write_lines(tmp_path / "metrics.jsonl", [good, *odd])
    Page(read(tmp_path))


@given(low=st.floats(-1e29, 1e29), span=st.floats(0, 1e29), count=st.integers(2, 8))
def test_ticks_cover_the_range_and_are_few(low: float, span: float, count: int) -> None:
    low, span = charts.drawable(low), charts.drawable(span)
    marks = charts.ticks(low, low + span, count)
    assert 2 <= len(marks) <= count + 4
    tolerance = 1e-5 * (marks[-1] - marks[0])
    assert marks[0] <= low + tolerance and marks[-1] >= low + span - tolerance


def test_a_gap_is_not_drawn_over(tmp_path: Path) -> None:
    losses = [1.0, 0.5, math.nan, 0.7, math.inf, 0.6, None, 0.5]
    rows = [{"kind": "step", "step": i, "loss": loss} for i, loss in enumerate(losses)]
    _write_lines(tmp_path / "metrics.jsonl", rows)
    [line] = re.findall(r'class="line"[^>]* d="(M[^"]*h0[^"]*)"', read(tmp_path))
    assert line.count("M") == 3, "three pieces, the middle one a dot"


def test_a_killed_run_leaves_a_report(tmp_path: Path) -> None:
    folder = write_fake_run(tmp_path, steps=30, finished=False)
    for name in ("metrics.jsonl", "trajectories.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"kind": "step", "step": 31, "lo\xc3')
    text = re.sub(r"\s+", " ", Page(read(folder)).text)
    assert "The run has not finished, or was killed." in text
    assert "1 of 99 lines of metrics.jsonl could not be read" in text
    assert "1 of 61 lines of trajectories.jsonl could not be read" in text


def test_a_step_that_was_run_again_counts_once(tmp_path: Path) -> None:
    rows = [{"kind": "step", "step": i, "reward": 0.125} for i in (1, 2, 3)]
    again = [{"kind": "step", "step": i, "reward": 0.875} for i in (2, 3)]
    _write_lines(tmp_path / "metrics.jsonl", rows + again)
    html = read(tmp_path)
    assert "2 steps were run again" in html
    assert html.count("reward: 0.875") == 2 and html.count("reward: 0.125") == 1


@pytest.mark.parametrize("lock", ["", "[", "[]"])
def test_missing_files_are_said_and_do_no_harm(tmp_path: Path, lock: str) -> None:
    folder = write_fake_run(tmp_path, steps=5)
    (folder / "lock.json").write_text(lock)
    (folder / "trajectories.jsonl").unlink()
    page = Page(read(folder))
    assert "lock.json is missing or not readable" in page.text
    assert "No trajectories were kept" in page.text
    assert page.count("script") == 0, "nothing to filter"


@pytest.mark.parametrize(
    "lock", [{"config": 3, "models": []}, {"config": {"delta": "x", "method": "grpo"}, "a": [{}]}]
)
def test_an_odd_lock_file_is_shown_as_it_is(tmp_path: Path, lock: dict[str, Any]) -> None:
    folder = write_fake_run(tmp_path, steps=2)
    (folder / "lock.json").write_text(json.dumps(lock))
    assert all(key in Page(read(folder)).text for key in lock)


@pytest.mark.parametrize("metrics", [None, "", "\n{\n[]\n3\n", '{"kind": "step"}\n'])
def test_nothing_to_report_is_one_line(tmp_path: Path, metrics: str | None) -> None:
    if metrics is not None:
        (tmp_path / "metrics.jsonl").write_text(metrics)
    with pytest.raises(DataError, match=r"^[^\n]*no metrics[^\n]*$"):
        build_report(tmp_path)
    with pytest.raises(DataError, match="not the folder of a run"):
        build_report(tmp_path / "missing")
    assert not (tmp_path / "report.html").exists()


def test_a_page_that_cannot_be_written_keeps_the_old_one(tmp_path: Path) -> None:
    folder = write_fake_run(tmp_path, steps=1)
    (folder / "report.html").mkdir()
    with pytest.raises(TrainingError, match="cannot write"):
        build_report(folder)
    assert {each.name for each in folder.iterdir()} == {
        "lock.json",
        "metrics.jsonl",
        "trajectories.jsonl",
        "report.html",
    }


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(write_fake_run(tmp_path / "run", steps=1))]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "report.html")
    assert main([str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'none'} is not the folder of a run\n"


def test_it_needs_no_training_stack() -> None:
    code = (
        "import sys, train.report\n"
        "bad = set(sys.modules) & {'torch', 'transformers', 'trl', 'datasets', 'matplotlib'}\n"
        "assert not bad, bad"
    )
    root = Path(__file__).parent.parent.parent
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env=dict(os.environ))
