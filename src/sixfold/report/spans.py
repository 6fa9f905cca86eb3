"""How time was cut in four, to scale: no part has seen what comes after it."""

from __future__ import annotations

from itertools import pairwise

from ..design import split_fractions
from ..types import Cuts
from . import wording
from .markup import Html, figure, header_row, row_name, tag
from .review import Review
from .strips import block, strip

_PARTS = (("retrievers", ""), ("ranker", "training rows"), ("calibration", "calibration rows"), ("test", "test rows"))


def section(found: Review) -> Html:
    """The four spans of a release with their rows, or the shares that the design asks for."""
    cuts = None if found.manifest is None else found.manifest.cuts
    places = _shares(found) if cuts is None else _to_scale(cuts)
    counts = found.evaluation.counts
    rows = []
    for i, (name, counted) in enumerate(_PARTS):
        start, stop = places[i], places[i + 1]
        when = f"{wording.share(stop - start)} of the events" if cuts is None else _when(cuts, i)
        rows_of = wording.number(counts[counted]) if counted in counts else wording.UNKNOWN
        shape = strip(f"{name}: {when}", block(100 * start, 100 * stop))
        rows.append(tag("tr", row_name(name), tag("td", shape), tag("td", when), tag("td.n", rows_of)))
    head = header_row("Part", "Time", "From and to (UTC)" if cuts is not None else "Share", "Rows", right=("Rows",))
    caption = "Time is cut in four, so that nothing is judged on what it was fitted on"
    return figure(caption, tag("table.chart.spans", head, tag("tbody", *rows)))


def _edges(cuts: Cuts) -> tuple[int, ...]:
    return cuts.start, cuts.first, cuts.second, cuts.third, cuts.end


def _to_scale(cuts: Cuts) -> list[float]:
    edges = _edges(cuts)
    length = max(edges[-1] - edges[0], 1)
    return [(edge - edges[0]) / length for edge in edges]


def _shares(found: Review) -> list[float]:
    return [0.0, *split_fractions(found.design.learning.split), 1.0]


def _when(cuts: Cuts, i: int) -> str:
    start, stop = list(pairwise(_edges(cuts)))[i]
    return f"{wording.minute(start)} to {wording.minute(stop)}"
