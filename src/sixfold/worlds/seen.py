"""Which pairs of member and video are still fresh in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..types import Times

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Seen:
    """Pairs by key, each remembered until a ts: keys (n,) int64 rising, until (n,) int64 us.

    >>> seen = Seen().add(np.array([7]), np.array([100]))
    >>> seen.has(np.array([7, 7, 8]), np.array([99, 100, 99]))
    array([ True, False, False])
    """

    keys: Keys = field(default_factory=lambda: np.empty(0, np.int64))
    until: Times = field(default_factory=lambda: np.empty(0, np.int64))

    def has(self, keys: Keys, ts: Times) -> NDArray[np.bool_]:
        """(n,): remembered at its ts."""
        if not len(self.keys):
            return np.zeros(len(keys), bool)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        remembered: NDArray[np.bool_] = (self.keys[place] == keys) & (ts < self.until[place])
        return remembered

    def add(self, keys: Keys, until: Times) -> Seen:
        """With these pairs too; of a pair that comes twice, the later `until` holds."""
        order = np.lexsort((-until, keys))
        keys, first = np.unique(keys[order], return_index=True)
        until = until[order][first]
        old = self.keys.searchsorted(keys)
        known = np.isin(keys, self.keys, assume_unique=True)
        extended = self.until.copy()
        extended[old[known]] = np.maximum(extended[old[known]], until[known])
        new = ~known
        return Seen(np.insert(self.keys, old[new], keys[new]), np.insert(extended, old[new], until[new]))

    def since(self, ts: int) -> Seen:
        """Without what is forgotten at ts."""
        keep = self.until > ts
        return Seen(self.keys[keep], self.until[keep])
