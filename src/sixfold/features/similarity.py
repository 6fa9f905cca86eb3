"""How near an item is to what its member liked: the recency-weighted mean of the history's vectors, times the item's.

A category counts as the vector of its shares among the members of the category. Vectors are centred on the mean item and
scaled by the spread of each dimension, so that 0 is indifferent and a rare genre in common says more than a frequent
one; a short history is drawn towards 0 by `SHRINK` imagined indifferent items. It is no accumulator: the history and
the vectors are all it reads, online and in bulk alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..types import Asks, Floats, Queries, Rows, Times
from .decay import factor

SHRINK = 3.0
BLOCK = 2048
"""Asks whose histories are gathered at once."""

Vectors = Callable[[Rows, Times], Floats]
"""The centred and scaled vectors (n, d) of items as of ts, NaN where an item has none."""


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
    pairs = np.stack([members.astype(np.int64), ts])
    distinct, ask = np.unique(pairs, axis=1, return_inverse=True)
    profile = np.concatenate(
        [
            _profiles(queries, vectors, half_life, distinct[:, start : start + BLOCK])
            for start in range(0, distinct.shape[1], BLOCK)
        ]
        or [np.zeros((0, 1))]
    )
    out: NDArray[np.float64] = np.einsum("nd,nd->n", profile[ask.reshape(-1)], vectors(items, ts))
    return out


def _profiles(
    queries: Callable[[Asks], Queries], vectors: Vectors, half_life: int, distinct: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean vector (n, d) of what each member liked, an item counting half after each half-life."""
    asks = Asks(distinct[0].astype(np.int32), distinct[1], {})
    found = queries(asks)
    some = found.history >= 0
    ask, place = np.nonzero(some)
    liked = vectors(found.history[some], asks.ts[ask]).astype(np.float64)
    weight = factor(asks.ts[ask] - found.history_ts[ask, place], half_life)
    known = ~np.isnan(liked).any(axis=1)
    liked, weight, ask = liked[known], weight[known], ask[known]
    total = np.bincount(ask, weight, len(asks))
    sums = np.stack([np.bincount(ask, weight * column, len(asks)) for column in liked.T], axis=1)
    return sums / (total + SHRINK)[:, None]
