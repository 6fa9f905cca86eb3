"""How well an item suits a member's taste: a place for each item in a few learned directions, a taste for each member.

Items have places z (f,) in which what is shown spreads evenly; a member with taste t (f,) likes what lies along it, with
log-odds <t, z>. What was liked then lies around t, and tastes around what the member's own attributes tell, so that after
likes of a total weight n and a mean m the taste is expected at (n m + t0 / v) / (n + 1 / v), direction by direction: v is
how far tastes spread along it and t0 is the taste of those alike. `taste_fit` learns the directions; a place is made of
an item's attributes alone, so that an item published a minute ago has one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..types import Asks, Queries, Rows, Times
from .similarity import weighed
from .worked import Attributes

Doubles = NDArray[np.float64]


class Part(msgspec.Struct, frozen=True, dict=True):
    """What one attribute adds to a place: `table` (d, f), by dimension of a vector or by value of a category.

    hashes: of a category the d values that are known, ascending, else empty; centre and scale (d,) of a number or vector.
    """

    path: str
    hashes: list[int]
    centre: list[float]
    scale: list[float]
    table: list[list[float]]

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.uint64], Doubles, Doubles]:
        """Hashes, the centre and scale, and the table with a last row of zeros for what is unknown."""
        table = np.array(self.table, np.float64).reshape(len(self.table), -1)
        padded = np.concatenate([table, np.zeros((1, table.shape[1]))])
        return np.array(self.hashes, np.uint64), np.array([self.centre, self.scale], np.float64), padded

    def place(self, held: NDArray[Any]) -> Doubles:
        """What the attributes held (n, ...) add, (n, f): nothing where they are unknown.

        A member of a category of k members counts 1 / sqrt(k).
        """
        hashes, (centre, scale), table = self._arrays
        if held.dtype != np.uint64:
            x = (held.reshape(len(held), len(centre)) - centre) * scale
            unknown = np.isnan(x)
            if unknown.any():
                x[unknown] = 0
            return np.asarray(x @ table[:-1])
        if not len(hashes) or not len(held):
            return np.zeros((len(held), table.shape[1]))
        # Fillers come last, and most rows have fewer members than there is room for.
        held = held[:, : max(int((held != 0).any(axis=0).sum()), 1)]
        at = np.minimum(np.searchsorted(hashes, held), len(hashes) - 1)
        at[hashes[at] != held] = len(hashes)
        if held.shape[1] == 1:
            return table[at[:, 0]]
        count = (held != 0).sum(axis=1)
        return np.asarray(table[at].sum(axis=1) / np.sqrt(np.maximum(count, 1))[:, None])


class TasteFitted(msgspec.Struct, frozen=True):
    """f directions: the parts of an item's place and where the mean of what is shown lies (f,); the parts of a member's
    expected taste and the usual taste (f,); how far tastes spread along each direction (f,), a variance."""

    items: list[Part]
    mean: list[float]
    members: list[Part]
    usual: list[float]
    spread: list[float]

    def place(self, *held: NDArray[Any]) -> Doubles:
        """The place (n, f) of items with these values (n, ...) of the parts' attributes."""
        out = np.tile(-np.array(self.mean), (len(held[0]), 1))
        for part, values in zip(self.items, held, strict=True):
            out += part.place(values)
        return out

    def expected(self, attribute: Attributes, members: Rows, ts: Times) -> Doubles:
        """The taste (n, f) that members are expected to have by what they are, as of ts (n,)."""
        out = np.tile(np.array(self.usual), (len(members), 1))
        for part in self.members:
            out += part.place(attribute(part.path, members, ts))
        return out


def taste(
    queries: Callable[[Asks], Queries],
    places: Callable[[Rows, Times], Doubles],
    attribute: Attributes,
    fitted: TasteFitted,
    *,
    half_life: int,
    members: Rows,
    items: Rows,
    ts: Times,
) -> Doubles:
    """The log-odds (n,) that its member's taste as of ts (n,) adds to each item, beside those of the mean item.

    places gives `TasteFitted.place` of items (n,) as of ts (n,).
    """
    spread = np.array(fitted.spread)

    def tastes(sums: Doubles, total: Doubles, asks: Asks) -> Doubles:
        expected = fitted.expected(attribute, asks.member, asks.ts)
        return np.asarray((sums + expected / spread) / (total[:, None] + 1 / spread))

    return weighed(queries, places, tastes, half_life=half_life, members=members, items=items, ts=ts)
