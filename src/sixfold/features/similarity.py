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
    first, ask = moments(members, ts)
    profiles = []
    for start in range(0, len(first), BLOCK):
        rows = first[start : start + BLOCK]
        asks = Asks(members[rows], ts[rows], {})
        profiles.append(profile(*_liked(queries, vectors, half_life, asks), asks))
    of_asks = np.concatenate(profiles or [np.zeros((0, 1))])
    if len(of_asks) == 1:
        return np.asarray(vectors(items, ts) @ of_asks[0])
    out: NDArray[np.float64] = np.einsum("nd,nd->n", of_asks[ask], vectors(items, ts))
    return out


def moments(members: Rows, ts: Times) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct (member, ts) of rows (n,): one row of each, and which of them each row is.

    >>> first, which = moments(np.array([7, 7, 3], np.int32), np.array([5, 5, 5]))
    >>> first.tolist(), which.tolist()
    ([2, 0], [1, 1, 0])
    """
    if not len(ts) or ((members == members[0]).all() and (ts == ts[0]).all()):
        # One request: nothing to sort.
        return np.zeros(min(len(ts), 1), np.int64), np.zeros(len(ts), np.int64)
    order = np.lexsort((ts, members))
    new = np.ones(len(order), bool)
    new[1:] = (members[order[1:]] != members[order[:-1]]) | (ts[order[1:]] != ts[order[:-1]])
    which = np.empty(len(order), np.int64)
    which[order] = np.cumsum(new) - 1
    return order[new], which


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
    if len(ask):
        first = np.flatnonzero(np.append(True, ask[1:] != ask[:-1]))
        sums[ask[first]] = np.add.reduceat(weight[:, None] * liked, first, axis=0)
    return sums, total
