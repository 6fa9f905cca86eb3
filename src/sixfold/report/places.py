"""Where are estimates wrong? A map of squares, coloured by mean error and sized by rows; drawn, not fetched."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..evaluation.results import Cell, Map
from . import wording
from .axis import round_step
from .markup import NOTHING, Html, figure, joined, tag

UNIT, LEAST, STEPS = 24, 5, 4
"""A cell of the map and the least side of a square, in units of the SVG; shades to each side of 0."""
_LONG, _SHORT = "long", "short"


def section(found: Map) -> Html:
    """What the map says, and the map; nothing where no row has a place."""
    if not found.cells:
        return NOTHING
    step = step_of(found.cells)
    caption = f"Mean of estimated less actual minutes by {found.place}; a square's area is its share of the rows"
    return joined(tag("p", said(found)), figure(caption, tag("div.map", _drawn(found, step), _legend(step))))


def said(found: Map) -> str:
    """How many squares are off by more than their interval, the worst of them, and what is not drawn."""
    off = [cell for cell in found.cells if sure(cell)]
    tried = sum(cell.half is not None for cell in found.cells)
    text = (
        f"{len(off)} of {tried} squares are off by more than their 95 % interval, where chance alone gives about "
        f"{wording.number(round(0.05 * tried))}"
    )
    if off:
        worst = max(off, key=lambda cell: cell.n * abs(cell.error))
        text += f"; most is lost in {_where(worst, found.cells)}: {_measured(worst)}"
    out = f" {wording.number(found.elsewhere)} rows lie beyond the map, or have no place." if found.elsewhere else ""
    return f"{text}.{out}"


def sure(cell: Cell) -> bool:
    """Whether the interval of a square leaves out 0."""
    return cell.half is not None and abs(cell.error) > cell.half


def step_of(cells: Sequence[Cell]) -> float:
    """Minutes from one shade to the next: the darkest holds the largest sure error of a square with many rows."""
    many = max((cell.n for cell in cells if sure(cell)), default=0) / 5
    largest = max((abs(cell.error) for cell in cells if sure(cell) and cell.n >= many), default=0.0)
    return round_step(largest / STEPS) if largest else 1.0


def shade(cell: Cell, step: float) -> str:
    """The class of a square: its side of 0 and how dark, or `level` where it may be 0.

    >>> shade(Cell(0, 0, 100, 2.5, 0.5), 1.0), shade(Cell(0, 0, 100, -0.2, 0.1), 1.0), shade(Cell(0, 0, 9, 2.5, 3.0), 1.0)
    ('long3', 'short1', 'level')
    """
    if not sure(cell):
        return "level"
    dark = min(STEPS, max(1, math.ceil(abs(cell.error) / step)))
    return f"{_LONG if cell.error > 0 else _SHORT}{dark}"


def _drawn(found: Map, step: float) -> Html:
    most = max(cell.n for cell in found.cells)
    rows, columns = (1 + max(side) for side in zip(*((cell.row, cell.column) for cell in found.cells), strict=True))
    frame = tag("rect.frame", at={"x": "0", "y": "0", "width": str(columns * UNIT), "height": str(rows * UNIT)})
    squares = [_square(cell, most, step) for cell in found.cells]
    label = f"Map of the error by {found.place}, north up: {said(found)}"
    at = {"viewBox": f"-1 -1 {columns * UNIT + 2} {rows * UNIT + 2}", "role": "img", "aria-label": label}
    return tag("svg.places", tag("title", label), frame, *squares, at=at)


def _square(cell: Cell, most: int, step: float) -> Html:
    side = max(LEAST, (UNIT - 2) * math.sqrt(cell.n / most))
    x, y = ((place + 0.5) * UNIT - side / 2 for place in (cell.column, cell.row))
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{side:.1f}", "height": f"{side:.1f}"}
    return tag(f"rect.place.{shade(cell, step)}", tag("title", _measured(cell)), at=at)


def _measured(cell: Cell) -> str:
    sign = "+" if cell.error > 0 else ""
    slack = "" if cell.half is None else f" \N{PLUS-MINUS SIGN} {wording.number(cell.half, places=1)}"
    return f"{sign}{wording.number(cell.error, places=1)}{slack} minutes over {wording.number(cell.n)} rows"


def _where(cell: Cell, cells: Sequence[Cell]) -> str:
    """The part of the map that a square is in, in words.

    >>> [_where(Cell(row, 2, 1, 0, None), [Cell(0, 0, 1, 0, None), Cell(8, 8, 1, 0, None)]) for row in (0, 4, 8)]
    ['the north-west', 'the west', 'the south-west']
    """
    down, right = (
        (place + 0.5) / (1 + max(held))
        for place, held in ((cell.row, [c.row for c in cells]), (cell.column, [c.column for c in cells]))
    )
    north = "north" if down < 1 / 3 else "south" if down > 2 / 3 else ""
    east = "west" if right < 1 / 3 else "east" if right > 2 / 3 else ""
    return f"the {'-'.join(part for part in (north, east) if part) or 'middle'}"


def _legend(step: float) -> Html:
    shades = [
        *((f"{_SHORT}{dark}", _span(dark, step)) for dark in range(STEPS, 0, -1)),
        ("level", "within its interval"),
        *((f"{_LONG}{dark}", _span(dark, step)) for dark in range(1, STEPS + 1)),
    ]
    ends = {0: "too short by, minutes", STEPS + 1: "too long by, minutes"}
    items = []
    for i, (kind, text) in enumerate(shades):
        if i in ends:
            items.append(tag("li.quiet", ends[i]))
        box = tag("rect.place." + kind, at={"x": "1", "y": "1", "width": "13", "height": "13"})
        items.append(tag("li", tag("svg", box, at={"width": "15", "height": "15", "aria-hidden": "true"}), text))
    return tag("ul.legend", *items)


def _span(dark: int, step: float) -> str:
    low, high = (wording.given(float(f"{edge * step:.6g}")) for edge in (dark - 1, dark))
    return f"over {low}" if dark == STEPS else f"{low} to {high}"
