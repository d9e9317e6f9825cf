"""Charts as inline SVG, drawn here so that a report needs no plotting library and no network.

A `Chart` is data; `svg()` and `legend()` draw it. Colours are CSS expressions over the page's
variables, so one drawing serves the light and the dark scheme. Nothing is told by colour alone:
lines differ in their dashes too, and every step has a hover title with all its values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from statistics import fmean
from typing import Any, Literal, NamedTuple

from markupsafe import Markup

# The drawing is about as wide as a phone, so that text keeps its size there.
WIDTH, HEIGHT = 400, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 384, 12, 182
MAX_POINTS = 150  # of a curve; more steps are shown as means of neighbours
MAX_DOTS = 30  # a curve of so few points shows each
PALETTE = 5  # --c0 to --c4 in the template
DASHES = ("none", "7 3", "2 4", "9 3 2 3")
# Beyond these a drawing shows nothing and its arithmetic overflows.
LARGEST, SMALLEST = 1e30, 1e-30


class Point(NamedTuple):
    """A value at a step, and the ends of its interval where it has one. `y` is NaN in a gap."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Event(NamedTuple):
    """Something that happened at a step, drawn as an upright line."""

    x: float
    text: str


@dataclass(frozen=True)
class Series:
    """`line` draws intervals as a band, `points` as whiskers. No colour: one of the palette."""

    name: str
    points: Sequence[Point]
    mark: Literal["line", "points"] = "line"
    colour: str | None = None

    @property
    def last(self) -> float:
        """The last value that is one, or NaN."""
        return next((p.y for p in reversed(self.points) if not math.isnan(p.y)), math.nan)


def drawable(value: float | None) -> float:
    """The value, or NaN for one that no axis can hold (None, infinite, absurdly large)."""
    if value is None or not abs(value) < LARGEST:
        return math.nan
    return float(value) if abs(value) > SMALLEST else 0.0


def curve(
    rows: Sequence[Any],
    value: Callable[[Any], float | None],
    name: str,
    colour: str | None = None,
) -> Series:
    """A value of the rows over their `step`; where rows share a point, also its least and most.

    Rows without the value are not part of the curve; one that is not finite is a gap in it.
    """
    points = []
    for group in _groups([row for row in rows if value(row) is not None]):
        real = _real(map(value, group))
        ends = (min(real), max(real)) if len(real) > 1 else (None, None)
        points.append(Point(_mean(row.step for row in group), _mean(real), *ends))
    return Series(name, points, colour=colour)


def scores(rows: Sequence[Any], name: str) -> Series:
    """The `accuracy` of evaluations with their confidence intervals, `low` to `high`."""
    points = []
    for group in _groups(rows):
        step, score = (_mean(getattr(row, key) for row in group) for key in ("step", "accuracy"))
        low, high = (_mean(getattr(row, key) for row in group) for key in ("low", "high"))
        known = not math.isnan(low + high)
        points.append(Point(step, score, *((low, high) if known else ())))
    return Series(name, points, mark="points")


def _groups(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    size = math.ceil(len(rows) / MAX_POINTS)
    return (rows[i : i + size] for i in range(0, len(rows), max(size, 1)))


def _real(values: Iterable[float | None]) -> list[float]:
    return [value for value in map(drawable, values) if not math.isnan(value)]


def _mean(values: Iterable[float | None]) -> float:
    real = _real(values)
    return fmean(real) if real else math.nan


def weight_colour(weight: float, top: float) -> str:
    """CSS colour of a step weight: `--low` at 0, `--full` at 1, `--boost` at `top`, 1 + delta."""
    weight = max(0.0, min(weight, top))
    if weight <= 1:
        return f"color-mix(in oklab, var(--full) {100 * weight:.0f}%, var(--low))"
    share = (weight - 1) / (top - 1)
    return f"color-mix(in oklab, var(--boost) {100 * share:.0f}%, var(--full))"


def order_colour(index: int, count: int) -> str:
    """CSS colour of one of `count` things that have an order, such as the steps of a trajectory."""
    share = index / max(count - 1, 1)
    return f"color-mix(in oklch, var(--late) {100 * share:.0f}%, var(--early))"


def ticks(low: float, high: float, count: int = 5, least: float = 0.0) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that cover `low` to `high`, at least two.

    They are about `count` and no closer than `least`.
    """
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = abs(high) / 2 or 0.5
        low, high = low - pad, high + pad
    raw = max((high - low) / count, least)
    power = 10.0 ** math.floor(math.log10(raw))
    gap = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * (1 - 1e-9))
    return [i * gap for i in range(math.floor(low / gap + 1e-6), math.ceil(high / gap - 1e-6) + 1)]


def number(value: float, digits: int = 3) -> str:
    """A value as people write it, rounded to `digits` significant digits."""
    if math.isnan(value):
        return "n/a"
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}".replace("-", "\N{MINUS SIGN}")
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{places}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True)
class Chart:
    """One drawing over the steps of a run; `unit` names what the upright axis counts.

    `floor` and `ceiling` are values that the axis reaches whatever the data. `stacked` draws the
    series as layers of one area, the first at the bottom.
    """

    title: str
    unit: str
    series: Sequence[Series]
    percent: bool = False
    floor: float | None = None
    ceiling: float | None = None
    stacked: bool = False
    events: Sequence[Event] = ()

    @property
    def empty(self) -> bool:
        return all(math.isnan(each.last) for each in self.series)

    def show(self, value: float) -> str:
        """A value of this chart as text, shares in percent."""
        return f"{number(100 * value)} %" if self.percent else number(value)

    def legend(self) -> Markup:
        """List items: a sample of each line, its name and its last value."""
        items = [
            Markup('<li>{}<span>{}</span> <b title="last value">{}</b></li>').format(
                self._sample(index), each.name, self.show(each.last)
            )
            for index, each in enumerate(self.series)
        ]
        if self._visible_events:
            line = Markup('<svg class="key" viewBox="0 0 22 10"><path class="event" d="M11 0v10"/>')
            items.append(Markup("<li>{}</svg><span>guard</span></li>").format(line))
        return Markup("").join(items)

    def svg(self) -> Markup:
        """The drawing. Only for a chart that is not empty."""
        layers = [
            *self._axes(),
            *(self._areas() if self.stacked else self._lines()),
            *self._hover_columns(),
            *self._event_lines(),
        ]
        names = ", ".join(f"{each.name} {self.show(each.last)}" for each in self.series)
        return Markup(
            '<svg viewBox="0 0 {} {}" role="img" aria-label="{} ({}) over optimiser steps; '
            'last values: {}">{}</svg>'
        ).format(WIDTH, HEIGHT, self.title, self.unit, names, Markup("").join(layers))

    # Scales --------------------------------------------------------------------------------------

    @cached_property
    def _steps(self) -> list[float]:
        return sorted({p.x for each in self.series for p in each.points if not math.isnan(p.y)})

    @cached_property
    def _x_range(self) -> tuple[float, float]:
        steps = self._steps
        return (steps[0], steps[-1]) if len(steps) > 1 else (steps[0] - 0.5, steps[0] + 0.5)

    @cached_property
    def _y_ticks(self) -> list[float]:
        if self.stacked:
            values = [upper for layer in self._stack() for _, upper in layer.values()]
        else:
            points = [p for each in self.series for p in each.points]
            ends = [p.low for p in points] + [p.high for p in points]
            values = [p.y for p in points] + [end for end in ends if end is not None]
        values += [end for end in (self.floor, self.ceiling) if end is not None]
        values = [value for value in values if not math.isnan(value)]
        return ticks(min(values), max(values))

    def _x(self, step: float) -> float:
        low, high = self._x_range
        return LEFT + (step - low) / (high - low) * (RIGHT - LEFT)

    def _y(self, value: float) -> float:
        marks = self._y_ticks
        return BOTTOM - (value - marks[0]) / (marks[-1] - marks[0]) * (BOTTOM - TOP)

    @cached_property
    def _visible_events(self) -> list[Event]:
        low, high = self._x_range
        return [each for each in self.events if low <= each.x <= high]

    # Layers --------------------------------------------------------------------------------------

    def _axes(self) -> Iterable[Markup]:
        tick = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
        for value in self._y_ticks:
            y = self._y(value)
            yield Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, y, RIGHT)
            yield tick.format(LEFT - 6, y + 4, "end", self.show(value))
        low, high = self._x_range
        for step in ticks(low, high, least=1):
            if low <= step <= high:
                yield tick.format(self._x(step), BOTTOM + 16, "middle", number(step, 7))
        yield tick.format((LEFT + RIGHT) / 2, HEIGHT - 6, "middle", "optimiser step")

    def _lines(self) -> Iterable[Markup]:
        for index, each in enumerate(self.series):
            style = self._style(index)
            if each.mark == "points":
                for p in each.points:
                    if not math.isnan(p.y):
                        yield self._whisker(p, style)
                continue
            spans = [p for p in each.points if p.low is not None and p.high is not None]
            if spans:
                upper = [f"{self._x(p.x):.1f} {self._y(p.high or 0):.1f}" for p in spans]
                lower = [f"{self._x(p.x):.1f} {self._y(p.low or 0):.1f}" for p in spans]
                path = f"M{'L'.join([*upper, *reversed(lower)])}Z"
                yield Markup('<path class="band" style="{}" d="{}"/>').format(style, path)
            path = self._path(each.points)
            yield Markup('<path class="line" style="{}" d="{}"/>').format(style, path)
            if len(each.points) <= MAX_DOTS:
                yield from (self._dot(p, style, 2.5) for p in each.points if not math.isnan(p.y))

    def _path(self, points: Sequence[Point]) -> str:
        parts, pen_down = [], False
        for p in points:
            if math.isnan(p.y):
                pen_down = False
                continue
            # h0 gives a lone point a length, so that its round cap is drawn as a dot.
            parts.append(f"{'L' if pen_down else 'M'}{self._x(p.x):.1f} {self._y(p.y):.1f}h0")
            pen_down = True
        return "".join(parts)

    def _whisker(self, p: Point, style: str) -> Markup:
        path = ""
        if p.low is not None and p.high is not None:
            x, low, high = self._x(p.x), self._y(p.low), self._y(p.high)
            path = f"M{x - 3:.1f} {high:.1f}h6m-3 0V{low:.1f}m-3 0h6"
        whisker = Markup('<path class="whisker" style="{}" d="{}"/>').format(style, path)
        return whisker + self._dot(p, style, 3.5)

    def _dot(self, p: Point, style: str, radius: float) -> Markup:
        return Markup('<circle style="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(
            style, self._x(p.x), self._y(p.y), radius
        )

    def _stack(self) -> list[dict[float, tuple[float, float]]]:
        """For each series: step -> lower and upper edge of its layer."""
        base = dict.fromkeys(self._steps, 0.0)
        layers = []
        for each in self.series:
            layer = {}
            values = {p.x: p.y for p in each.points if not math.isnan(p.y)}
            for step, lower in base.items():
                layer[step] = (lower, lower + values.get(step, 0.0))
                base[step] = layer[step][1]
            layers.append(layer)
        return layers

    def _areas(self) -> Iterable[Markup]:
        for index, layer in enumerate(self._stack()):
            edges = list(layer.items())
            if len(edges) == 1:  # the area of a single step still has a width to fill
                edges = [(step, edges[0][1]) for step in self._x_range]
            upper = [f"{self._x(step):.1f} {self._y(edge[1]):.1f}" for step, edge in edges]
            lower = [f"{self._x(step):.1f} {self._y(edge[0]):.1f}" for step, edge in edges]
            path = f"M{'L'.join([*upper, *reversed(lower)])}Z"
            yield Markup('<path class="area" style="{}" d="{}"/>').format(self._style(index), path)

    def _hover_columns(self) -> Iterable[Markup]:
        steps = self._steps
        values = [{p.x: p for p in each.points} for each in self.series]
        cuts = [LEFT, *((self._x(a) + self._x(b)) / 2 for a, b in pairwise(steps)), RIGHT]
        for index, step in enumerate(steps):
            lines = [f"step {number(step, 7)}"]
            for each, points in zip(self.series, values, strict=True):
                if step in points:
                    lines.append(f"{each.name}: {self._with_interval(points[step])}")
            left, right = cuts[index], cuts[index + 1]
            yield Markup(
                '<rect class="hover" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title>'
                "</rect>"
            ).format(left, TOP, right - left, BOTTOM - TOP, "\n".join(lines))

    def _with_interval(self, p: Point) -> str:
        if p.low is None or p.high is None:
            return self.show(p.y)
        return f"{self.show(p.y)} ({self.show(p.low)} to {self.show(p.high)})"

    def _event_lines(self) -> Iterable[Markup]:
        for each in self._visible_events:
            line = f"M{self._x(each.x):.1f} {TOP}V{BOTTOM}"
            yield Markup(
                '<g><title>step {}: {}</title><path class="hit" d="{}"/>'
                '<path class="event" d="{}"/></g>'
            ).format(number(each.x, 7), each.text, line, line)

    def _style(self, index: int) -> str:
        colour = self.series[index].colour or f"var(--c{index % PALETTE})"
        dash = "none" if self.stacked else DASHES[index % len(DASHES)]
        return f"--c:{colour};--dash:{dash}"

    def _sample(self, index: int) -> Markup:
        if self.stacked:
            shape = Markup('<rect class="area" style="{}" x="5" width="12" height="10" rx="2"/>')
        elif self.series[index].mark == "points":
            shape = Markup(
                '<path class="whisker" style="{0}" d="M8 0h6m-3 0v10m-3 0h6"/>'
                '<circle style="{0}" cx="11" cy="5" r="3"/>'
            )
        else:
            shape = Markup('<path class="line" style="{}" d="M1 5h20"/>')
        sample = shape.format(self._style(index))
        return Markup('<svg class="key" viewBox="0 0 22 10" aria-hidden="true">{}</svg>').format(
            sample
        )
