"""Coverage that the log's own outcomes steer, kept beside the estimates under way: `adaptive`, online.

An outcome is folded when it is settled: not before its highest quantile, so that quick ones do not come first. Until the log's
time is so far it waits here. What is folded together is folded in the order of (settled, id); so the state is a matter of the
log and its batches, and the same in whoever reads the log. Evaluation replays the same arithmetic (`layered`).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes, hash_strings
from ..features.ids import IdTable
from ..features.store import Store
from ..types import NOWHERE, Rows, Times
from .adaptive import Adaptive, Steering, settled_at
from .law import Doubles, checked_levels
from .layered import NOBODY, Layered

MOST = 200_000
"""Outcomes that wait at most; of more, those that are settled last are passed over."""
_ALL, _EACH, _IDS = "steered", "steered.each", "steered.ids"
_WAITING, _COUNT = "steered.waiting", "steered.count"
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
        self._steer, self._store = steer, store
        self._levels = checked_levels(steer.levels)
        start = Layered.start(steer.by, self._levels, groups=1)
        self._all = _record(start.all)
        self._each = None if start.each is None else _record(start.each)
        self._ids = None if start.each is None else IdTable(store, _IDS)
        self._none = np.zeros((), [("settled", np.int64), ("id", np.uint64), ("group", np.uint64), ("seconds", np.float64),
                                   ("q", np.float64, (len(self._levels),))])  # fmt: skip
        if _COUNT not in store:
            store.create(_COUNT, np.zeros(1, np.int64))
            store.create(_ALL, self._all[None].copy())

    def offsets(self, entities: Sequence[str]) -> Doubles:
        """How far (n, q) each level is to be moved now, in widths, for those who are steered by these entities, "" for none."""
        rows = self._rows(hash_strings(np.array([entity.encode() for entity in entities])))
        known = np.flatnonzero(rows >= 0)
        groups = np.full(len(rows), NOBODY)
        groups[known] = np.arange(len(known))
        return self._read(rows[known]).offsets(groups)

    def add(self, asked: Times, when: Times, ids: Hashes, seconds: Doubles, quantiles: Doubles, groups: Hashes) -> None:
        """Outcomes of n estimates that became known: when each was asked and known, what it took, its quantiles (n, q), and
        the hash of the entity that it is steered by, 0 where there is none."""
        known = np.isfinite(quantiles).all(axis=1)
        fresh = np.repeat(self._none[None], int(known.sum()))
        settled = settled_at(asked[known], when[known], quantiles[known])
        told = (("id", ids), ("group", groups), ("seconds", seconds), ("q", quantiles))
        for name, values in (("settled", settled), *((name, values[known]) for name, values in told)):
            fresh[name] = values
        held = np.concatenate([self._waiting(), fresh])
        self._hold(held[np.lexsort((held["id"], held["settled"]))][:MOST])

    def fold(self, now: int) -> None:
        """Fold what is settled by `now`, int64 us."""
        held = self._waiting()
        due = held[: int(np.searchsorted(held["settled"], now, side="right"))]
        if not len(due):
            return
        rows, group = np.unique(self._inserted(due["group"]), return_inverse=True)
        # Those of nobody come first, and are no row.
        nobody = int((rows < 0).sum())
        steering = self._read(rows[nobody:])
        steering = steering.fold(due["q"], due["seconds"], groups=np.maximum(group - nobody, NOBODY))
        self._store.put(_ALL, _FIRST, _records(self._all, steering.all))
        if self._each is not None and steering.each is not None and nobody < len(rows):
            self._store.put(_EACH, rows[nobody:], _records(self._each, steering.each))
        self._hold(held[len(due) :])

    def _rows(self, entities: Hashes) -> Rows:
        """The row of each entity (n,), -1 where it has had no outcome yet or is none."""
        if self._ids is None:
            return np.full(len(entities), NOWHERE, np.int32)
        return np.where(entities == 0, NOWHERE, self._ids.lookup(entities))

    def _inserted(self, entities: Hashes) -> Rows:
        if self._ids is not None and self._each is not None:
            self._ids.insert(entities[entities != 0])
            self._store.require(_EACH, len(self._ids), self._each)
        return self._rows(entities)

    def _read(self, rows: Rows) -> Layered:
        """The state, with the entities of these rows as its groups."""
        by, each = self._steer.by, None
        if self._each is not None:
            each = _steering(self._levels, by.by_steps, self._store.read(_EACH, rows, self._each))
        return Layered(_steering(self._levels, by.steps, self._store.read(_ALL, _FIRST, self._all)), each)

    def _waiting(self) -> NDArray[np.void]:
        return self._store.read(_WAITING, np.arange(int(self._store[_COUNT][0])), self._none)

    def _hold(self, held: NDArray[np.void]) -> None:
        self._store.require(_WAITING, len(held), self._none)
        self._store.put(_WAITING, np.arange(len(held)), held)
        self._store.put(_COUNT, _FIRST, np.array([len(held)]))


def _record(steering: Steering) -> NDArray[np.void]:
    """The first group as a record."""
    shape = steering.offsets.shape[1:]
    blank = np.zeros((), [("offsets", np.float64, shape), ("trust", np.float64, shape)])
    blank["offsets"], blank["trust"] = steering.offsets[0], steering.trust[0]
    return blank


def _records(blank: NDArray[np.void], steering: Steering) -> NDArray[np.void]:
    out = np.repeat(blank[None], len(steering.offsets))
    out["offsets"], out["trust"] = steering.offsets, steering.trust
    return out


def _steering(levels: Doubles, steps: tuple[float, ...], held: NDArray[np.void]) -> Steering:
    return Steering(levels, np.array(steps), held["offsets"], held["trust"])
