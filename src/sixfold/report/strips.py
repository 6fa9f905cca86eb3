"""Drawings one row high: an SVG as wide as its cell, placed in per cent, whose words and numbers stand beside it.

So a figure is a table, and reads on a telephone, in print and aloud as it does on a screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from . import wording
from .axis import Axis
from .markup import NOTHING, Html, joined, tag

HEIGHT = 22
"""Of every strip, in pixels."""


def strip(label: str, *shapes: str) -> Html:
    """Shapes on one line; the label says in words what they show."""
    at = {"width": "100%", "height": str(HEIGHT), "role": "img", "aria-label": label}
    return tag("svg.strip", tag("title", label), *shapes, at=at)


def mark(x: float) -> Html:
    """A vertical line across the strip, at x per cent."""
    return _line("mark", (x, x), (0, HEIGHT))


def band(start: float, stop: float) -> Html:
    """A shaded part of the strip, from start to stop per cent."""
    return _rectangle("rect.band", start, stop, inset=0)


def block(start: float, stop: float) -> Html:
    """A bar from start to stop per cent."""
    return _rectangle("rect.bar", start, stop, inset=5)


def span(axis: Axis, value: float | None, low: float | None, high: float | None) -> Html:
    """A value as a dot on its interval."""
    if value is None:
        return NOTHING
    middle = HEIGHT // 2
    known = low is not None and high is not None
    line = _line("span", (axis.at(low), axis.at(high)), (middle, middle)) if known else NOTHING  # type: ignore[arg-type]
    return joined(line, tag("circle.dot", at={"cx": f"{axis.at(value):.2f}%", "cy": str(middle), "r": "4"}))


def scale(axis: Axis) -> Html:
    """The axis under a column of strips."""
    ticks = axis.ticks()
    places = _places(ticks)
    shapes = [_line("axis", (0, 100), (0, 0))]
    for tick in ticks:
        x = axis.at(tick)
        text = tag("text.tick", wording.number(tick, places=places), at={"x": f"{x:.2f}%", "y": "16"})
        shapes += [_line("axis", (x, x), (0, 4)), text]
    return tag("svg.strip", *shapes, at={"width": "100%", "height": "20", "aria-hidden": "true"})


def _places(ticks: Sequence[float]) -> int:
    """The decimals that tell neighbouring ticks apart."""
    step = min((b - a for a, b in pairwise(ticks)), default=max(ticks, default=1.0))
    places = 0
    while places < 9 and abs(round(step, places) - step) > 1e-9 * abs(step):
        places += 1
    return places


def _line(kind: str, x: tuple[float, float], y: tuple[int, int]) -> Html:
    at = {"x1": f"{x[0]:.2f}%", "x2": f"{x[1]:.2f}%", "y1": str(y[0]), "y2": str(y[1])}
    return tag(f"line.{kind}", at=at)


def _rectangle(name: str, start: float, stop: float, *, inset: int) -> Html:
    width, height = f"{max(stop - start, 0.0):.2f}%", str(HEIGHT - 2 * inset)
    return tag(name, at={"x": f"{start:.2f}%", "y": str(inset), "width": width, "height": height})
