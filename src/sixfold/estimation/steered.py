"""Coverage that the log's own outcomes steer, kept beside the estimates under way: `adaptive`, online.

An outcome is folded when it is settled: not before its highest quantile, so that quick ones do not come first. Until the log's
time is so far it waits here. What is folded together is folded in the order of (settled, id); so the state is a matter of the
log and its batches, and the same in whoever reads the log.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes
from ..features.store import Store
from ..types import SECOND, Times
from .adaptive import Adaptive, Steering
from .law import Doubles

MOST = 200_000
"""Outcomes that wait at most; of more, those that are settled last are passed over."""
_STATE, _WAITING, _COUNT = "steered", "steered.waiting", "steered.count"
_FIRST = np.zeros(1, np.int64)


class Steer(msgspec.Struct, frozen=True):
    """What steers: the outcome that says how long it took, and the forecast numbers that are the quantiles at these levels."""

    by: Adaptive
    label: str
    quantiles: tuple[str, ...]
    levels: tuple[float, ...]


class Steered:
    """The steering of one kind of estimates, in one `Store`."""

    def __init__(self, steer: Steer, store: Store) -> None:
        self._store, self._start = store, steer.by.start(steer.levels)
        q, e = len(steer.levels), len(steer.by.steps)
        self._blank = np.zeros((), [("offsets", np.float64, (q, e)), ("trust", np.float64, (q, e))])
        self._blank["offsets"], self._blank["trust"] = self._start.offsets[0], self._start.trust[0]
        self._none = np.zeros(
            (), [("settled", np.int64), ("id", np.uint64), ("seconds", np.float64), ("q", np.float64, (q,))]
        )
        if _COUNT not in store:
            store.create(_COUNT, np.zeros(1, np.int64))
            store.create(_STATE, self._blank[None].copy())

    def offset(self) -> Doubles:
        """How far each level (q,) is to be moved now, in widths."""
        return np.asarray(self._read().offset()[0])

    def add(self, asked: Times, when: Times, ids: Hashes, seconds: Doubles, quantiles: Doubles) -> None:
        """Outcomes of n estimates that became known: when each was asked and known, what it took, its quantiles (n, q)."""
        known = np.isfinite(quantiles).all(axis=1)
        fresh = np.repeat(self._none[None], int(known.sum()))
        settled = np.maximum(asked + (np.max(quantiles, axis=1, initial=0) * SECOND).astype(np.int64), when)
        for name, values in (("settled", settled), ("id", ids), ("seconds", seconds), ("q", quantiles)):
            fresh[name] = values[known]
        held = np.concatenate([self._waiting(), fresh])
        self._hold(held[np.lexsort((held["id"], held["settled"]))][:MOST])

    def fold(self, now: int) -> None:
        """Fold what is settled by `now`, int64 us."""
        held = self._waiting()
        due = int(np.searchsorted(held["settled"], now, side="right"))
        if not due:
            return
        steering = self._read()
        for one in held[:due]:
            steering = steering.fold(one["q"][None], one["seconds"][None])
        made = self._blank[None].copy()
        made["offsets"], made["trust"] = steering.offsets, steering.trust
        self._store.put(_STATE, _FIRST, made)
        self._hold(held[due:])

    def _read(self) -> Steering:
        held = self._store.read(_STATE, _FIRST, self._blank)
        return Steering(self._start.levels, self._start.steps, held["offsets"], held["trust"])

    def _waiting(self) -> NDArray[np.void]:
        return self._store.read(_WAITING, np.arange(int(self._store[_COUNT][0])), self._none)

    def _hold(self, held: NDArray[np.void]) -> None:
        self._store.require(_WAITING, len(held), self._none)
        self._store.put(_WAITING, np.arange(len(held)), held)
        self._store.put(_COUNT, _FIRST, np.array([len(held)]))
