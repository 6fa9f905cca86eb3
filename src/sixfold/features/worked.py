"""What the attributes of a row alone decide, such as an item's place in the directions of taste.

Requests rank the same few thousand items again and again, and publish few: so a service keeps what it worked out, by row, until
one of the attributes changes. It is the release's, so it is kept by each worker and not in the state, which outlives releases.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Rows, Times
from .spec import entity_field

Attributes = Callable[[str, Rows, Times], NDArray[Any]]
"""The value of a path for rows (n,) as of ts (n,): `Source.attribute`."""


@dataclass(frozen=True, eq=False, slots=True)
class Work:
    """What `make` gives (n, ...) of the values (n, ...) of some paths of one entity, as wide for any rows. Hashed by identity."""

    paths: tuple[str, ...]
    make: Callable[..., NDArray[Any]]

    @property
    def entity(self) -> str:
        return entity_field(self.paths[0])[0]

    def of(self, attribute: Attributes, rows: Rows, ts: Times) -> NDArray[Any]:
        """It, worked out anew."""
        return self.make(*(attribute(path, rows, ts) for path in self.paths))


class Worked:
    """One work by row, as of now. The last slot is of a row that is not known."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._version: Hashable = None
        self._stamp = 0
        self._made: NDArray[Any] = np.empty(0)
        self._stamps = np.zeros(0, np.int64)

    def read(self, attribute: Attributes, rows: Rows, ts: Times, *, count: int, version: Hashable) -> NDArray[Any]:
        """It (n, ...) of rows below `count`; `version` is another one after any of the attributes changed."""
        if not len(rows):
            return self._work.of(attribute, rows, ts)
        if version != self._version:
            # Read before the attributes are: one that changes meanwhile is a version that was not seen yet.
            self._version, self._stamp = version, self._stamp + 1
        if len(self._stamps) <= count:
            self._stamps = np.zeros(2 * count + 64, np.int64)
        slots = np.where(rows >= 0, rows, len(self._stamps) - 1)
        lacking = np.flatnonzero(self._stamps[slots] != self._stamp)
        if len(lacking):
            fresh = self._work.of(attribute, rows[lacking], ts[lacking])
            if len(self._made) != len(self._stamps):
                # Pages that no row was written to take no memory.
                self._made = np.zeros((len(self._stamps), *fresh.shape[1:]), fresh.dtype)
            self._made[slots[lacking]] = fresh
            self._stamps[slots[lacking]] = self._stamp
        return self._made.take(slots, axis=0)
