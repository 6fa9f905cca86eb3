"""Do quantiles hold what they say? The share of rows below each of them, as a plot and in numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.results import Level
from . import wording
from .axis import Axis
from .markup import Html, figure, header_row, joined, row_name, tag
from .plot import Plot


def section(levels: Sequence[Level]) -> Html:
    """What the outermost quantiles cover in a sentence, the plot and the table."""
    return joined(tag("p", said(levels)), tag("div.pair", _plot(levels), _table(levels)))


def said(levels: Sequence[Level]) -> str:
    """How much lies between the outermost quantiles, and how many of all are off by more than their interval."""
    first, last = levels[0], levels[-1]
    wanted, found = last.level - first.level, last.below - first.below
    opening = (
        f"{wording.share(found)} of the rows lie between the outermost quantiles, where {wording.share(wanted)} should."
    )
    off = [one for one in levels if _off(one)]
    if not off:
        return f"{opening} No quantile is off by more than its interval."
    worst = max(off, key=lambda one: abs(one.below - one.level))
    how = "short" if worst.below < worst.level else "long"
    return (
        f"{opening} {len(off)} of {len(levels)} quantiles are off by more than their interval; most so the one of "
        f"{wording.share(worst.level)}, which is too {how}: {wording.share(worst.below)} of the rows are below it."
    )


def _off(one: Level) -> bool:
    return one.low is not None and one.high is not None and not one.low <= one.level <= one.high


def _plot(levels: Sequence[Level]) -> Html:
    plot = Plot(Axis(0, 1), Axis(0, 1))
    points = [(one.level, one.below) for one in levels]
    ends = [(one.level, one.low, one.high) for one in levels if one.low is not None and one.high is not None]
    shapes = [
        plot.diagonal(),
        *(plot.line("span", (level, low), (level, high)) for level, low, high in ends),
        *plot.path(points),
        *map(plot.dot, points),
    ]
    label = "The share of rows that took at most each quantile, against its level"
    caption = "On the diagonal quantiles hold: so many rows as the level says took no longer; lines are 95 % intervals"
    return figure(caption, plot.draw(label, ("Level of the quantile", "Share of rows below"), shapes))


def _table(levels: Sequence[Level]) -> Html:
    names = ("Share below [95 %]", "Off by, points")
    rows = [_row(one) for one in levels]
    table = tag("table", header_row("Quantile", *names, right=names), tag("tbody", *rows))
    return figure("The same in numbers", table)


def _row(one: Level) -> Html:
    below = joined(wording.share(one.below))
    if one.low is not None and one.high is not None:
        below = joined(below, " ", tag("small", f"[{wording.share(one.low)}, {wording.share(one.high)}]"))
    off = wording.number(100 * (one.below - one.level), places=1)
    return tag("tr", row_name(wording.share(one.level)), tag("td.n", below), tag("td.n", off))
