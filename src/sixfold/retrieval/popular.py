"""Retrievers that need no history: what many did of late, and what is new.

They are the floor that every other retriever has to beat, and the fallback when one is down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np

from .. import durations
from ..types import DAY, Arrays, Floats, Interactions, Queries, Retrieved, Rows, Times
from .fitted import array
from .index import places, walk


class Popular(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="popular"):
    """Items by the sum of their interactions' weights, each halved once a `half_life` (None: never)."""

    half_life: str | None = None

    def fit(self, interactions: Interactions, born: Times, rng: np.random.Generator) -> PopularFitted:
        del born, rng
        weight = interactions.weight.astype(np.float64)
        if self.half_life is not None and len(interactions):
            age = interactions.ts.max() - interactions.ts
            weight *= np.exp2(-age / durations.parse(self.half_life))
        counts = np.bincount(interactions.item, weight, minlength=interactions.items)
        return PopularFitted(counts.astype(np.float32))


@dataclass(frozen=True, slots=True)
class PopularFitted:
    """counts (items,) float32: the decayed count of each item at the time of the last interaction."""

    counts: Floats
    order: Rows = field(init=False, repr=False)
    place: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", np.argsort(-self.counts, kind="stable").astype(np.int32))
        object.__setattr__(self, "place", places(self.order, len(self.counts)))

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        return walk(queries, k, self.order, self.place, lambda ids, ts: self.counts[ids])

    def to_arrays(self) -> Arrays:
        return {"counts": self.counts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        return cls(array(arrays, "counts", np.float32, (None,)))


class Recent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recent"):
    """The newest items first, those included that were born after the fit: no model knows them yet."""

    def fit(self, interactions: Interactions, born: Times, rng: np.random.Generator) -> RecentFitted:
        del interactions, born, rng
        return RecentFitted()


@dataclass(frozen=True, slots=True)
class RecentFitted:
    """Nothing is learnt: the catalogue's `born` times come with the queries.

    Their order is kept until they change: sorting a catalogue of 1 M takes 100 times as long as seeing that it is the same.
    """

    _last: list[tuple[Times, Rows, Rows]] = field(default_factory=list, init=False, repr=False, compare=False)

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        """Scores are minus the item's age in days."""
        newest, place = self._order(queries.born)
        return walk(queries, k, newest, place, lambda ids, ts: _freshness(queries.born[ids], ts))

    def _order(self, born: Times) -> tuple[Rows, Rows]:
        for known, newest, place in self._last:
            if np.array_equal(known, born):
                return newest, place
        # A stable sort of ascending rows: of two items born together the lower row comes first.
        newest = np.argsort(-born.astype(np.float64), kind="stable").astype(np.int32)
        place = places(newest, len(born))
        self._last[:] = [(born.copy(), newest, place)]
        return newest, place

    def to_arrays(self) -> Arrays:
        return {}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        del arrays
        return cls()


def _freshness(born: Times, ts: Times) -> Floats:
    # In float64: an item known for ever has born = int64's minimum, and the difference would overflow.
    return ((born.astype(np.float64) - ts) / DAY).astype(np.float32)
