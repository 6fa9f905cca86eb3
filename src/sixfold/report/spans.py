"""How time was cut, to scale: no part has seen what comes after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..steps import split_fractions
from ..types import Cuts
from . import wording
from .markup import Html, figure, header_row, row_name, tag
from .review import Review
from .strips import block, strip

X = TypeVar("X", int, float)

_PARTS = (("retrievers", ""), ("ranker", "training rows"), ("calibration", "calibration rows"), ("test", "test rows"))
_OF_ESTIMATES = (("training", "training rows"), ("calibration", "calibration rows"), ("test", "test rows"))


def section(found: Review) -> Html:
    """The spans of a release with their rows, or the shares that the design asks for."""
    cuts = None if found.manifest is None else found.manifest.cuts
    estimates = found.design.estimates
    parts = _OF_ESTIMATES if estimates else _PARTS
    edges = _edges_of(_edges(cuts), estimates) if cuts is not None else ()
    places = _to_scale(edges) if edges else _edges_of(_shares(found), estimates)
    counts = found.evaluation.counts
    rows = []
    for i, (name, counted) in enumerate(parts):
        start, stop = places[i], places[i + 1]
        when = _when(edges, i) if edges else f"{wording.share(stop - start)} of the events"
        rows_of = wording.number(counts[counted]) if counted in counts else wording.UNKNOWN
        shape = strip(f"{name}: {when}", block(100 * start, 100 * stop))
        rows.append(tag("tr", row_name(name), tag("td", shape), tag("td", when), tag("td.n", rows_of)))
    head = header_row("Part", "Time", "From and to (UTC)" if edges else "Share", "Rows", right=("Rows",))
    times = ("three", "four")[len(parts) - 3]
    caption = f"Time is cut in {times}, so that nothing is judged on what it was fitted on"
    return figure(caption, tag("table.chart.spans", head, tag("tbody", *rows)))


def _edges(cuts: Cuts) -> tuple[int, ...]:
    return cuts.start, cuts.first, cuts.second, cuts.third, cuts.end


def _edges_of(edges: Sequence[X], estimates: bool) -> Sequence[X]:
    """The edges, without the cut between retrievers and ranker where there are none of them."""
    return [edge for i, edge in enumerate(edges) if i != 1 or not estimates]


def _to_scale(edges: Sequence[int]) -> tuple[float, ...]:
    length = max(edges[-1] - edges[0], 1)
    return tuple((edge - edges[0]) / length for edge in edges)


def _shares(found: Review) -> list[float]:
    return [0.0, *split_fractions(found.design.learning.split), 1.0]


def _when(edges: Sequence[int], i: int) -> str:
    return f"{wording.minute(edges[i])} to {wording.minute(edges[i + 1])}"
