"""What is a promise worth, and what would it be at other prices? Nothing is trained for it: promises alone change."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.results import Cost
from . import wording
from .axis import Axis, around
from .markup import Html, figure, header_row, joined, row_name, tag
from .plot import Plot


def section(costs: Sequence[Cost]) -> Html:
    """The design's own price in words, the two curves and the table."""
    return joined(tag("p", said(costs)), tag("div.pair", _cost(costs), _frontier(costs)), _table(costs))


def said(costs: Sequence[Cost]) -> str:
    """What the design's own price brings, and what its neighbours would."""
    own = next(one for one in costs if one.own)
    text = (
        f"With a late minute at {_factor(own)} times the price of an early one, {wording.share(own.late)} come late, "
        f"{wording.share(own.very_late)} by more than 10 minutes; the mean promise is "
        f"{wording.number(own.promised, places=1)} minutes. It was expected to cost "
        f"{wording.number(own.expected)} early minutes a row, and cost {wording.number(own.realised)}"
    )
    dearer = next((one for one in costs if one.ratio > own.ratio), None)
    if dearer is None:
        return f"{text}."
    return (
        f"{text}. At {_factor(dearer)} times, the mean promise is {wording.number(dearer.promised - own.promised, places=1)} "
        f"minutes longer, and {wording.share(dearer.late)} come late."
    )


def _cost(costs: Sequence[Cost]) -> Html:
    top = max(max(one.expected, one.realised) for one in costs)
    plot = Plot(_ratios(costs), Axis(0, 1.08 * top or 1.0))
    own = next(one for one in costs if one.own)
    shapes = [
        plot.line("own", (own.ratio, 0), (own.ratio, plot.y.high)),
        *plot.path([(one.ratio, one.expected) for one in costs]),
        *(plot.dot((one.ratio, one.realised), size=6 if one.own else 4) for one in costs),
    ]
    label = "The cost of promises against the price of a late minute, expected and paid"
    caption = "Cost a row, in early minutes: the line is what the distributions expect, dots are what was paid; the design's own price is marked"  # noqa: E501
    return figure(caption, plot.draw(label, ("A late minute costs so many early ones", "Cost a row"), shapes))


def _frontier(costs: Sequence[Cost]) -> Html:
    x = around([one.promised for one in costs], margin=0.12)
    plot = Plot(x, Axis(0, 1.12 * max(one.late for one in costs) or 1.0))
    points = [(one.promised, one.late) for one in costs]
    shapes = [
        *plot.path(points),
        *(plot.dot(at, size=6 if one.own else 4) for at, one in zip(points, costs, strict=True)),
        *(plot.note(at, f"{_times(one)}") for at, one in zip(points, costs, strict=True) if _noted(one, costs)),
    ]
    label = "The share of rows that come late against the mean promise, by the price of a late minute"
    caption = "What a longer promise buys: the share that comes late, by the price of a late minute"
    return figure(caption, plot.draw(label, ("Mean promise, minutes", "Share late"), shapes))


def _noted(one: Cost, costs: Sequence[Cost]) -> bool:
    """The ends and the design's own are named; more would be written over each other."""
    return one.own or one in (costs[0], costs[-1])


def _ratios(costs: Sequence[Cost]) -> Axis:
    least, most = min(one.ratio for one in costs), max(one.ratio for one in costs)
    return Axis(least / 1.15, most * 1.15, log=True) if least > 0 else around([least, most])


def _table(costs: Sequence[Cost]) -> Html:
    names = ("Expected cost", "Cost", "Late", "Late by over 10 min", "Mean promise")
    rows = [
        tag("tr.chosen" if one.own else "tr", row_name(_times(one)), *(tag("td.n", text) for text in _texts(one)))
        for one in costs
    ]
    table = tag("table", header_row("Late to early", *names, right=names), tag("tbody", *rows))
    return tag(
        "details", tag("summary", "The same in numbers"), figure("Promises by the price of a late minute", table)
    )


def _texts(one: Cost) -> tuple[str, ...]:
    money = (wording.number(value, places=2) for value in (one.expected, one.realised))
    minutes = f"{wording.number(one.promised, places=1)} min"
    return *money, wording.share(one.late), wording.share(one.very_late), minutes


def _times(one: Cost) -> str:
    return f"{_factor(one)}{wording.THIN}:{wording.THIN}1"


def _factor(one: Cost) -> str:
    return wording.given(float(f"{one.ratio:.3g}"))
