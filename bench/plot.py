"""Line charts as SVG: small enough to be read, so that the report needs no library and no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.result import Plot

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 15, 35, 75
COLOURS = ("#0b6e99", "#d9730d", "#0f7b6c", "#ad1a72", "#6940a5", "#9b9a97")


@dataclass(frozen=True, slots=True)
class Scale:
    """From values between `low` and `high` to pixels between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    def place(self, value: float) -> float:
        low, high, at = (self._bent(one) for one in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.logarithmic else value

    def ticks(self) -> tuple[float, ...]:
        """Round values within the scale: powers of ten, with 2 and 5 between where there are few; or even steps."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            factors = (1, 2, 5) if len(decades) <= 4 else (1,)
            found = [factor * 10.0**decade for decade in decades for factor in factors]
        else:
            step = _round_up((self.high - self.low) / 5)
            found = [step * number for number in range(math.ceil(self.low / step), int(self.high / step) + 1)]
        return tuple(value for value in found if self.low * 0.999 <= value <= self.high * 1.001)


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(value))
    return next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= value * 0.999)


def scales(plot: Plot) -> tuple[Scale, Scale]:
    """The axes of a chart; a linear one begins at 0 upwards, a logarithmic one at the smallest value.

    Errors: ValueError when there are no points.
    """
    points = [point for series in plot.series for point in series.points]
    if not points:
        raise ValueError(f"nothing to plot: {plot.title}")
    xs, ys = [x for x, _ in points], [y for _, y in points]
    logarithmic = plot.logarithmic and min(*xs, *ys, 1) > 0
    x = Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, logarithmic)
    low = min(ys) * 0.8 if logarithmic else 0.0
    return x, Scale(low, max(ys) * (1.25 if logarithmic else 1.05) or 1.0, HEIGHT - BOTTOM, TOP, logarithmic)


def svg(plot: Plot) -> str:
    """The chart as an `svg` element."""
    x, y = scales(plot)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(plot.title)}">',
        _text(WIDTH / 2, 18, plot.title, "middle", "title"),
        *(_grid_up(tick, x.place(tick)) for tick in x.ticks()),
        *(_grid_across(tick, y.place(tick)) for tick in y.ticks()),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 34, plot.x_label, "middle"),
        f'<g transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2})">'
        f"{_text(14, (TOP + HEIGHT - BOTTOM) / 2, plot.y_label, 'middle')}</g>",
    ]
    for number, series in enumerate(plot.series):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_line([(x.place(one), y.place(other)) for one, other in series.points], colour))
        across, down = LEFT + (number % 3) * 165, HEIGHT - 24 + (number // 3) * 15
        parts.append(f'<rect x="{across}" y="{down - 9}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(across + 15, down, series.name, "start"))
    return "\n".join((*parts, "</svg>"))


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _grid_up(value: float, x: float) -> str:
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    return line + _text(x, HEIGHT - BOTTOM + 16, f"{value:,g}", "middle")


def _grid_across(value: float, y: float) -> str:
    line = f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + _text(LEFT - 6, y + 4, f"{value:,g}", "end")


def _text(x: float, y: float, content: str, anchor: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
