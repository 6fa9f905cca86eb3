"""Do things happen as often as predicted? The plot and the table, by tenths of the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ..evaluation.results import Bin
from . import wording
from .axis import Axis, around
from .markup import Html, figure, header_row, row_name, tag

SIDE, LEFT, TOP, BELOW = 280, 52, 10, 44
"""The square of the plot and the room around it, in units of the SVG."""

_SPREAD = 8.0
"""From this ratio of the largest to the smallest prediction on, a logarithmic plot reads better."""


def section(head: str, bins: Sequence[Bin], *, happens: bool) -> Html:
    """The plot of a head beside its table; `happens` where the head predicts a probability."""
    return tag("div.pair", _plot(head, bins, happens=happens), _table(head, bins))


def wilson(observed: float, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of n independent rows. Wilson 1927.

    >>> [round(x, 4) for x in wilson(0.5, 100)]
    [0.4038, 0.5962]
    """
    middle = (observed + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(observed * (1 - observed) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def axis_of(bins: Sequence[Bin]) -> Axis:
    """One axis for both sides of the plot: logarithmic where predictions spread over magnitudes and nothing is 0."""
    values = [x for one in bins for x in (one.predicted, one.observed)]
    if min(values) > 0 and max(values) / min(values) >= _SPREAD:
        return Axis(min(values) / 1.3, max(values) * 1.3, log=True)
    return around([0.0, *values])


def _plot(head: str, bins: Sequence[Bin], *, happens: bool) -> Html:
    axis = axis_of(bins)
    ends = [wilson(one.observed, one.n) for one in bins] if happens else [(one.observed,) * 2 for one in bins]
    points = [(_x(axis, one.predicted), _y(axis, one.observed)) for one in bins]
    shapes = [
        *_grid(axis),
        _line("diagonal", _x(axis, axis.low), _y(axis, axis.low), _x(axis, axis.high), _y(axis, axis.high)),
        *(
            _line("span", x, _y(axis, low), x, _y(axis, high))
            for (x, _), (low, high) in zip(points, ends, strict=True)
            if happens
        ),
        *(_line("path", *a, *b) for a, b in pairwise(points)),
        *(tag("circle.dot", at={"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "4"}) for x, y in points),
        _text("Predicted", LEFT + SIDE / 2, TOP + SIDE + 38),
        _text("Observed", 0, 0, turned=f"translate(11 {TOP + SIDE // 2}) rotate(-90)"),
    ]
    label = f"Calibration of {head}: observed against predicted, by tenth of the prediction"
    at = {"viewBox": f"0 0 {LEFT + SIDE + 12} {TOP + SIDE + BELOW}", "role": "img", "aria-label": label}
    spread = "; lines are 95 % intervals, were the rows independent" if happens else ""
    return figure(f"Calibration of {head}: on the diagonal what was predicted came true{spread}",
                  tag("svg.square", tag("title", label), *shapes, at=at))  # fmt: skip


def _table(head: str, bins: Sequence[Bin]) -> Html:
    rows = [
        tag("tr", row_name(str(tenth + 1)), *(tag("td.n", text) for text in _texts(one)))
        for tenth, one in enumerate(bins)
    ]
    names = ("Rows", "Predicted", "Observed", "Predicted / observed")
    columns = header_row("Tenth", *names, right=names)
    return figure(f"The same in numbers, {head}", tag("table", columns, tag("tbody", *rows)))


def _texts(one: Bin) -> tuple[str, ...]:
    places = wording.decimals(one.predicted, one.observed)
    ratio = wording.number(one.predicted / one.observed, places=2) if one.observed else wording.UNKNOWN
    sides = (wording.number(x, places=places) for x in (one.predicted, one.observed))
    return wording.number(one.n), *sides, ratio


def _grid(axis: Axis) -> list[Html]:
    shapes = []
    for tick in axis.ticks():
        x, y, text = _x(axis, tick), _y(axis, tick), wording.given(tick)
        shapes += [
            _line("grid", x, TOP, x, TOP + SIDE),
            _line("grid", LEFT, y, LEFT + SIDE, y),
            _text(text, x, TOP + SIDE + 18),
            _text(text, LEFT - 7, y + 4, end=True),
        ]
    return shapes


def _x(axis: Axis, value: float) -> float:
    return LEFT + SIDE * axis.at(value) / 100


def _y(axis: Axis, value: float) -> float:
    return TOP + SIDE - SIDE * axis.at(value) / 100


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Html:
    return tag(f"line.{kind}", at={"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"})


def _text(text: str, x: float, y: float, *, end: bool = False, turned: str = "") -> Html:
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
    return tag("text.end" if end else "text.tick", text, at=at | ({"transform": turned} if turned else {}))
