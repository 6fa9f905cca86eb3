"""Do things happen as often as predicted? The plot and the table, by tenths of the prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..evaluation.results import Bin
from . import wording
from .axis import Axis, around
from .markup import Html, figure, header_row, row_name, tag
from .plot import Plot

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
    plot = Plot(axis, axis)
    ends = [wilson(one.observed, one.n) for one in bins] if happens else []
    points = [(one.predicted, one.observed) for one in bins]
    shapes = [
        plot.diagonal(),
        *(
            plot.line("span", (one.predicted, low), (one.predicted, high))
            for one, (low, high) in zip(bins, ends, strict=False)
        ),
        *plot.path(points),
        *map(plot.dot, points),
    ]
    label = f"Calibration of {head}: observed against predicted, by tenth of the prediction"
    spread = "; lines are 95 % intervals, were the rows independent" if happens else ""
    caption = f"Calibration of {head}: on the diagonal what was predicted came true{spread}"
    return figure(caption, plot.draw(label, ("Predicted", "Observed"), shapes))


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
