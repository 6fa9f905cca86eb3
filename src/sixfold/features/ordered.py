"""Events in order of (cell, ts), and how many of a cell's lie strictly before a time.

This one search is how every bulk form answers *as of ts*: counts, decays, attributes and histories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Times

_Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Ordered:
    """Events sorted by cell, then ts, then as given. `order` takes the events' own arrays into this order."""

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    ts: Times
    _instants: Times
    _keys: NDArray[np.int64]

    @staticmethod
    def of(cells: _Ints, ts: Times, *, count: int | None = None) -> Ordered:
        """Order events by cell (n,) and ts (n,); cells lie in [0, count)."""
        cells = cells.astype(np.int64)
        count = int(cells.max(initial=-1)) + 1 if count is None else count
        # A ts becomes its rank among all ts, so that (cell, ts) fits one int64 whatever the span.
        instants, rank = np.unique(ts, return_inverse=True)
        keys = cells * (len(instants) + 1) + rank
        order = np.argsort(keys, kind="stable")
        start = np.searchsorted(cells[order], np.arange(count + 1))
        return Ordered(order, start, ts[order], instants, keys[order])

    def before(self, cells: _Ints, ts: Times) -> NDArray[np.int64]:
        """The end, in this order, of what each cell knows strictly before ts (n,): its events are [start, end).

        A cell of -1, or one not known, has an end of 0.
        """
        known = (cells >= 0) & (cells < len(self.start) - 1)
        rank = np.searchsorted(self._instants, ts, side="left")
        keys = np.where(known, cells, 0).astype(np.int64) * (len(self._instants) + 1) + rank
        return np.where(known, np.searchsorted(self._keys, keys, side="left"), 0)

    def first(self, cells: _Ints) -> NDArray[np.int64]:
        """Where each cell's events start; 0 where the cell is not known."""
        known = (cells >= 0) & (cells < len(self.start) - 1)
        return np.where(known, self.start[np.where(known, cells, 0)], 0)
