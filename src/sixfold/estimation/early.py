"""Outcomes that came before the estimate they are of, kept until that comes.

A worker hands its decisions over every few milliseconds, and a status may reach the log by another one before. So what names
an estimate that is not there waits in a ring: the newest so many, whatever they are of, for whether its estimate is on its way
or never was cannot be known. Given up: an outcome that more than `MOST` others which wait for an estimate came after.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes
from ..features.store import Store
from ..types import Times
from .law import Doubles

MOST = 16_384
"""Outcomes that wait at most: 0.6 MB."""
_OF, _SAID, _COUNT = "early.of", "early.said", "early.count"
_FIRST, _NOBODY = np.zeros(1, np.int64), np.zeros((), np.uint64)
_NOTHING = np.zeros((), [("column", np.int64), ("ts", np.int64), ("by", np.uint64), ("value", np.float64)])


class Early:
    """The outcomes that wait, in one `Store`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        if _COUNT not in store:
            store.create(_COUNT, np.zeros(1, np.int64))

    def hold(self, column: int, decisions: Hashes, ts: Times, by: Hashes, value: Doubles) -> None:
        """Keep n outcomes of one name (its `column`), by the hashes of their decisions and of their own ids."""
        if not len(decisions):
            return
        said = np.repeat(_NOTHING[None], len(decisions))
        for name, values in (("column", column), ("ts", ts), ("by", by), ("value", value)):
            said[name] = values
        count = int(self._store[_COUNT][0])
        rows = np.arange(count, count + len(said))[-MOST:] % MOST
        for name, values, blank in ((_OF, decisions, _NOBODY), (_SAID, said, _NOTHING)):
            self._store.require(name, min(count + len(said), MOST), blank)
            self._store.put(name, rows, values[-MOST:])
        self._store.put(_COUNT, _FIRST, np.array([count + len(said)]))

    def take(self, decisions: Hashes) -> tuple[Hashes, NDArray[np.void]]:
        """The decision (m,) and what was said (m,) by each outcome that waited for one of these; it waits no more."""
        size = min(int(self._store[_COUNT][0]), MOST)
        if not size or not len(decisions):
            return np.empty(0, np.uint64), np.empty(0, _NOTHING.dtype)
        wanted, held = np.sort(decisions), self._store[_OF][:size]
        at = np.minimum(np.searchsorted(wanted, held), len(wanted) - 1)
        rows = np.flatnonzero((wanted[at] == held) & (held != _NOBODY))
        of, said = held[rows], self._store.read(_SAID, rows, _NOTHING)
        if len(rows):
            self._store.put(_OF, rows, np.repeat(_NOBODY, len(rows)))
        return of, said
