"""How well an item suits what a member did lately: the recency-weighted mean of the history's vectors, times the item's.

A category counts as the vector of its shares among the members of the category. Vectors are centred on the mean item and
scaled by the spread of each dimension, so that 0 is indifferent and a rare genre in common says more than a frequent
one; a short history is drawn towards 0 by `SHRINK` imagined indifferent items. It is no accumulator: the history and
the vectors are all it reads, online and in bulk alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Asks, Queries, Rows, Times
from .decay import factor

SHRINK = 3.0
BLOCK = 2048
"""Asks whose histories are gathered at once."""

Vectors = Callable[[Rows, Times], NDArray[Any]]
"""The centred and scaled vectors (n, d) of items as of ts, NaN where an item has none."""

Profile = Callable[[NDArray[np.float64], NDArray[np.float64], Asks], NDArray[np.float64]]
"""The vector (n, d) of asks, from the weighted sum (n, d) of what their members liked and its total weight (n,)."""


def similarity(
    queries: Callable[[Asks], Queries],
    vectors: Vectors,
    *,
    half_life: int,
    members: Rows,
    items: Rows,
    ts: Times,
) -> NDArray[np.float64]:
    """The similarity of each (member, item) pair (n,) as of ts (n,); NaN where the item has no vector."""

    def profile(sums: NDArray[np.float64], total: NDArray[np.float64], asks: Asks) -> NDArray[np.float64]:
        return np.asarray(sums / (total + SHRINK)[:, None])

    return weighed(queries, vectors, profile, half_life=half_life, members=members, items=items, ts=ts)


def weighed(
    queries: Callable[[Asks], Queries],
    vectors: Vectors,
    profile: Profile,
    *,
    half_life: int,
    members: Rows,
    items: Rows,
    ts: Times,
) -> NDArray[np.float64]:
    """The vector of each item (n,) times the profile of its (member, ts), made once for each of these."""
    pairs = np.stack([members.astype(np.int64), ts])
    distinct, ask = np.unique(pairs, axis=1, return_inverse=True)
    profiles = []
    for start in range(0, distinct.shape[1], BLOCK):
        member, at = distinct[:, start : start + BLOCK]
        asks = Asks(member.astype(np.int32), at, {})
        profiles.append(profile(*_liked(queries, vectors, half_life, asks), asks))
    of_asks = np.concatenate(profiles or [np.zeros((0, 1))])
    out: NDArray[np.float64] = np.einsum("nd,nd->n", of_asks[ask.reshape(-1)], vectors(items, ts))
    return out


def _liked(
    queries: Callable[[Asks], Queries], vectors: Vectors, half_life: int, asks: Asks
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weighted sum (n, d) of what each member liked and its weight (n,), an item counting half after each half-life."""
    found = queries(asks)
    some = found.history >= 0
    ask, place = np.nonzero(some)
    liked = vectors(found.history[some], asks.ts[ask]).astype(np.float64)
    weight = factor(asks.ts[ask] - found.history_ts[ask, place], half_life)
    known = ~np.isnan(liked).any(axis=1)
    liked, weight, ask = liked[known], weight[known], ask[known]
    total = np.bincount(ask, weight, len(asks)).astype(np.float64)
    sums = np.zeros((len(asks), liked.shape[1]))
    for at, column in enumerate(liked.T):
        sums[:, at] = np.bincount(ask, weight * column, len(asks))
    return sums, total
