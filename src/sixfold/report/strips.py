"""Charts one row high: a strip is an SVG as wide as its cell, placed in per cent, with its numbers beside it.

Text stays in the table, so that a figure reads on a telephone, in print and aloud as it does on a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..evaluation.results import Measure
from ..metrics.target import ABOUT, Target, Verdict
from . import wording
from .axis import Axis, around
from .markup import NOTHING, Html, row_name, tag

HEIGHT = 22


def strip(label: str, *shapes: str) -> Html:
    """Shapes on one line, with what they say in words."""
    at = {"width": "100%", "height": str(HEIGHT), "role": "img", "aria-label": label}
    return tag("svg.strip", tag("title", label), *shapes, at=at)


def mark(x: float) -> Html:
    """A vertical line across the strip."""
    return _line(f"{x:.2f}%", f"{x:.2f}%", "0", str(HEIGHT), "mark")


def band(start: float, stop: float) -> Html:
    """A shaded part of the strip."""
    return tag("rect.band", at={"x": f"{start:.2f}%", "y": "0", "width": f"{stop - start:.2f}%", "height": str(HEIGHT)})


def span(axis: Axis, value: float | None, low: float | None, high: float | None) -> Html:
    """A value as a dot on its interval."""
    if value is None:
        return NOTHING
    middle, shapes = str(HEIGHT // 2), []
    if low is not None and high is not None:
        shapes.append(_line(f"{axis.at(low):.2f}%", f"{axis.at(high):.2f}%", middle, middle, "span"))
    shapes.append(tag("circle.dot", at={"cx": f"{axis.at(value):.2f}%", "cy": middle, "r": "4"}))
    return Html("".join(shapes))


def bar(label: str, share: float) -> Html:
    """A bar over that share of the strip's width."""
    width = f"{100 * min(1.0, max(0.0, share)):.2f}%"
    return strip(label, tag("rect.bar", at={"x": "0", "y": "5", "width": width, "height": str(HEIGHT - 10)}))


def scale(axis: Axis) -> Html:
    """The axis under a column of strips."""
    ticks = axis.ticks()
    places = wording.decimals(*ticks) if len(ticks) < 2 else _places(ticks)
    texts = [
        tag("text.tick", wording.number(tick, places=places), at={"x": f"{axis.at(tick):.2f}%", "y": "14"})
        for tick in ticks
    ]
    lines = [_line(f"{axis.at(tick):.2f}%", f"{axis.at(tick):.2f}%", "0", "4", "axis") for tick in ticks]
    at = {"width": "100%", "height": "18", "aria-hidden": "true"}
    return tag("svg.strip", _line("0", "100%", "0", "0", "axis"), *lines, *texts, at=at)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a chart: a name, what was measured, and whether it stands out."""

    name: str
    measure: Measure
    strong: bool = False


def chart(
    caption: str, rows: Sequence[Row], *, unit: str, reference: float | None = None, axis: Axis | None = None
) -> Html:
    """Values with their intervals on one axis, a row each; `reference` is marked on all of them."""
    ends = [x for row in rows for x in (row.measure.value, row.measure.low, row.measure.high)]
    axis = axis or around([*ends, reference])
    behind = NOTHING if reference is None else mark(axis.at(reference))
    body = [_chart_row(row, axis, behind) for row in rows]
    foot = tag("tr", tag("td"), tag("td", scale(axis)), tag("td"))
    head = tag(
        "thead.quiet", tag("tr", *(tag("th", name, at={"scope": "col"}) for name in ("System", unit, "Value [95 %]")))
    )
    return tag(
        "figure",
        tag("figcaption", caption),
        tag("table.chart", head, tag("tbody", *body), tag("tfoot", foot)),
    )


def against(verdict: Verdict) -> Html:
    """A target as a shaded range, with the measured value and its interval; nothing where nothing was measured."""
    if verdict.measured is None:
        return NOTHING
    low, high = _wanted(verdict.target)
    axis = around([verdict.measured, verdict.low, verdict.high, low, high], margin=0.25)
    start, stop = (0.0 if low is None else axis.at(low)), (100.0 if high is None else axis.at(high))
    edges = [mark(axis.at(edge)) for edge in (low, high) if edge is not None]
    label = f"{wording.number(verdict.measured)} against {verdict.target}"
    shape = span(axis, verdict.measured, verdict.low, verdict.high)
    return strip(label, band(start, stop), *edges, shape)


def bars(caption: str, head: tuple[str, str, str], rows: Iterable[tuple[str, float, str]]) -> Html:
    """Names with a bar and a text each, the longest bar as wide as there is room."""
    rows = list(rows)
    longest = max((value for _, value, _ in rows), default=0) or 1
    body = [
        tag("tr", row_name(name), tag("td", bar(f"{name}: {text}", value / longest)), tag("td.n", text))
        for name, value, text in rows
    ]
    heads = tag("thead.quiet", tag("tr", *(tag("th", name, at={"scope": "col"}) for name in head)))
    return tag("figure", tag("figcaption", caption), tag("table.chart.bars", heads, tag("tbody", *body)))


def _chart_row(row: Row, axis: Axis, behind: Html) -> Html:
    found = row.measure
    label = f"{row.name}: {wording.measured(found)}"
    shape = strip(label, behind, span(axis, found.value, found.low, found.high))
    number = tag("td.n", wording.value_of(found), " ", tag("small", wording.ends(found)))
    return tag("tr.chosen" if row.strong else "tr", row_name(row.name), tag("td", shape), number)


def _wanted(target: Target) -> tuple[float | None, float | None]:
    """The range that meets a target, None where it is open."""
    match target.op:
        case ">=":
            return target.value, None
        case "<=":
            return None, target.value
        case "about":
            slack = ABOUT * abs(target.value)
            return target.value - slack, target.value + slack
        case "within":
            return target.value, target.high


def _places(ticks: Sequence[float]) -> int:
    """The decimals that tell neighbouring ticks apart."""
    step = min(abs(b - a) for a, b in zip(ticks, ticks[1:], strict=False))
    places = 0
    while places < 9 and abs(round(step, places) - step) > 1e-9 * step:
        places += 1
    return places


def _line(x1: str, x2: str, y1: str, y2: str, kind: str) -> Html:
    return tag(f"line.{kind}", at={"x1": x1, "x2": x2, "y1": y1, "y2": y2})
