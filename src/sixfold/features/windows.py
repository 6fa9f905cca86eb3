"""Sawtooth windows: how much happened in the last 7 days, in a few integers a cell.

With b = window / tiles a read at t sees the events in [floor((t - window) / b) * b, t): the head exact to
the event, the tail in whole tiles (the sawtooth window of Chronon's aggregations). What it gives up: up to
one tile more than the window asked for. `fold` and `read` are the online schedule, `bulk` is the same formula
over a whole log; all three give the same integers.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Rows, Times
from .ordered import Ordered

UNSEEN = np.int64(np.iinfo(np.int64).min)
"""The newest tile of a cell in which nothing has happened."""


def record(tiles: int) -> np.dtype[np.void]:
    """What a cell holds: its newest tile, and a ring of counts by tile number."""
    return np.dtype([("at", np.int64), ("counts", np.int32, (tiles + 1,))], align=True)


def width(window: int, tiles: int) -> int:
    """Microseconds of a tile, rounded up: `tiles` of them cover the window, so that a ring of one more holds a read."""
    return -(-window // tiles)


def tail(ts: Times, window: int, tiles: int) -> NDArray[np.int64]:
    """The number of the first tile that a read at each ts sees."""
    return (ts - window) // width(window, tiles)


def fold(
    newest: NDArray[np.int64],
    counts: NDArray[np.signedinteger[Any]],
    cells: Rows,
    ts: Times,
    *,
    window: int,
    weight: NDArray[np.int64],
) -> None:
    """Count events into their cells, in place and in any order.

    newest (cells,) is the greatest tile of each cell, counts (cells, tiles + 1) a ring by tile number.
    """
    ring = counts.shape[1]
    tile = ts // width(window, ring - 1)
    touched = np.unique(cells)
    before = newest[touched]
    np.maximum.at(newest, cells, tile)
    _clear(counts, touched, before, newest[touched])
    fresh = tile > newest[cells] - ring
    np.add.at(counts, (cells[fresh], tile[fresh] % ring), weight[fresh].astype(counts.dtype))


def _clear(
    counts: NDArray[np.signedinteger[Any]], cells: Rows, before: NDArray[np.int64], after: NDArray[np.int64]
) -> None:
    """Empty the slots of tiles that a cell's ring has moved past."""
    ring = counts.shape[1]
    moved = after > before
    cells, before, after = cells[moved], before[moved], after[moved]
    # A slot keeps what it holds only if its tile is still within the ring.
    held = _tiles(before, ring)
    stale = (held <= (after - ring)[:, None]) | (before == UNSEEN)[:, None]
    kept = counts[cells]
    kept[stale] = 0
    counts[cells] = kept


def _tiles(newest: NDArray[np.int64], ring: int) -> NDArray[np.int64]:
    """The tile that each slot of a ring holds, given the newest: (n, ring)."""
    newest = np.where(newest == UNSEEN, 0, newest)
    slot = np.arange(ring)
    return newest[:, None] - (newest[:, None] - slot) % ring


def read(
    newest: NDArray[np.int64], counts: NDArray[np.signedinteger[Any]], ts: Times, *, window: int
) -> NDArray[np.float64]:
    """The count of cells with the newest tile (n,) and ring (n, tiles + 1) as of ts (n,), all events folded so far lying
    before ts; 0 where nothing happened."""
    ring = counts.shape[1]
    # How many tiles before its newest a cell still counts; a slot's own distance from the newest comes from a table, for
    # a modulo of every slot took longer than all the rest.
    first = tail(ts, window, ring - 1)
    back = np.minimum(np.maximum(newest, first - 1) - first, ring)
    seen = _distances(ring).take(newest % ring, axis=0) <= back.astype(np.int8)[:, None]
    total: NDArray[np.float64] = np.einsum("nr,nr->n", counts, seen).astype(np.float64)
    return total


@cache
def _distances(ring: int) -> NDArray[np.int8]:
    """How many tiles before the newest each slot's is, by the slot of the newest: (ring, ring)."""
    slot = np.arange(ring)
    return ((slot[:, None] - slot) % ring).astype(np.int8)


def bulk(
    events: Ordered, cells: Rows, ts: Times, *, window: int, tiles: int, weight: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What `read` would give at each (cell, ts) after folding all that came before; weight in the events' order."""
    total = np.concatenate([[0], np.cumsum(weight)])
    head = events.before(cells, ts)
    start = events.before(cells, tail(ts, window, tiles) * width(window, tiles))
    counted: NDArray[np.float64] = (total[head] - total[start]).astype(np.float64)
    return counted
