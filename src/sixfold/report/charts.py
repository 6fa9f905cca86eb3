"""Tables that are charts: a name, a strip on a shared axis, and the numbers of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..evaluation.results import Measure
from ..metrics.target import ABOUT, Target, Verdict
from . import strips, wording
from .axis import around
from .markup import NOTHING, Html, header_row, row_name, tag

VALUE = "Value [95 %]"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of intervals; `tone` sets it apart."""

    name: str
    measure: Measure
    tone: Literal["", "chosen", "behind"] = ""


def intervals(caption: str, rows: Sequence[Row], *, unit: str, reference: float | None = None) -> Html:
    """Values with their intervals on one axis, a row each; `reference` is marked on all of them."""
    measures = [row.measure for row in rows]
    axis = around([*(end for m in measures for end in (m.value, m.low, m.high)), reference])
    behind = NOTHING if reference is None else strips.mark(axis.at(reference))
    places = wording.shared_places(measures)
    spans = [strips.span(axis, m.value, m.low, m.high) for m in measures]
    body = (_interval(row, places, (behind, span)) for row, span in zip(rows, spans, strict=True))
    foot = tag("tfoot", tag("tr", tag("td"), tag("td", strips.scale(axis)), tag("td")))
    head = header_row("System", unit, VALUE, right=(VALUE,))
    return _chart("table.chart", caption, head, tag("tbody", *body), foot)


def bars(caption: str, head: tuple[str, str, str], rows: Iterable[tuple[str, float, str]], *, strong: str = "") -> Html:
    """Names with a bar and a text each, the longest bar as wide as there is room; the row `strong` stands out."""
    rows = list(rows)
    longest = max((value for _, value, _ in rows), default=0) or 1
    body = [
        tag(
            _tr("chosen" if name == strong else ""),
            row_name(name),
            tag("td", bar(name, text, value / longest)),
            tag("td.n", text),
        )
        for name, value, text in rows
    ]
    return _chart("table.chart.bars", caption, header_row(*head, right=head[2:]), tag("tbody", *body))


def bar(name: str, text: str, share: float) -> Html:
    """A bar over that share of the strip's width."""
    return strips.strip(f"{name}: {text}", strips.block(0, 100 * min(1.0, max(0.0, share))))


def against(verdict: Verdict) -> Html:
    """A target as a shaded range, with the measured value and its interval; nothing where nothing was measured."""
    if verdict.measured is None:
        return NOTHING
    low, high = _wanted(verdict.target)
    axis = around([verdict.measured, verdict.low, verdict.high, low, high], margin=0.25)
    band = strips.band(0.0 if low is None else axis.at(low), 100.0 if high is None else axis.at(high))
    edges = [strips.mark(axis.at(edge)) for edge in (low, high) if edge is not None]
    label = f"{wording.number(verdict.measured)} against {verdict.target}"
    return strips.strip(label, band, *edges, strips.span(axis, verdict.measured, verdict.low, verdict.high))


def _interval(row: Row, places: int, shapes: Sequence[Html]) -> Html:
    drawn = strips.strip(f"{row.name}: {wording.measured(row.measure)}", *shapes)
    value = wording.number(row.measure.value, places=places)
    ends = tag("small", wording.ends(row.measure, places=places))
    return tag(_tr(row.tone), row_name(row.name), tag("td", drawn), tag("td.n", value, " ", ends))


def _tr(tone: str) -> str:
    return f"tr.{tone}" if tone else "tr"


def _chart(kind: str, caption: str, *parts: Html) -> Html:
    return tag("figure", tag("figcaption", caption), tag(kind, *parts))


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
