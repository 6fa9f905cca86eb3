"""What members did, as a matrix to learn from and as a weighted history to ask with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra
from ..types import Floats, Interactions, Queries, Rows
from .index import BLOCK_BYTES

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FOREVER = np.int64(0)
"""The half-life of what is never forgotten, as a fitted retriever keeps it."""


@dataclass(frozen=True, slots=True)
class History:
    """What each query's member did, of what the model knows.

    places (n, h) int32 places of the model's own items, 0 where unknown; weights (n, h) float32: 1
    for the newest and halved once a half-life before it, 0 where unknown.
    """

    places: Rows
    weights: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether there is anything at all, (n,)."""
        return np.asarray(self.weights.any(axis=1))


def recall(queries: Queries, places: Rows, half_life: np.int64) -> History:
    """The queries' histories, weighted by age; `places` (n, h) as of `index.look_up`, half_life in us.

    Age is counted from the member's newest item, not from the request: who comes back after a year is
    still known by what was liked last, and two members who differ only in that get one answer.
    """
    there = places >= 0
    weights = there.astype(np.float32)
    if half_life > 0 and there.size:
        newest = np.where(there, queries.history_ts, np.iinfo(np.int64).min).max(axis=1, keepdims=True)
        age = np.where(there, newest - queries.history_ts, 0)
        weights *= np.exp2(-age / half_life).astype(np.float32)
    return History(np.where(there, places, 0), weights)


def matrix(interactions: Interactions) -> csr_array:
    """Members x items, float32: the summed weight of each pair; rows sorted by item."""
    try:
        from scipy.sparse import coo_array
    except ImportError as error:
        raise MissingExtra("scipy", "train") from error
    shape = (interactions.members, interactions.items)
    out = coo_array((interactions.weight, (interactions.member, interactions.item)), shape=shape).tocsr()
    out.sum_duplicates()
    return out


def padded(seen: csr_array, bytes_each: int) -> Iterator[tuple[Rows, Rows, Floats]]:
    """The rows of a matrix in blocks of about equal length: who (b,), places (b, w), weights (b, w).

    Longest first, filled with place 0 and weight 0; `bytes_each` is what a row costs beside these.
    """
    counts = np.diff(seen.indptr)
    order = np.argsort(-counts, kind="stable").astype(np.int32)
    start = 0
    while start < len(order):
        width = int(counts[order[start]])
        who = order[start : start + max(BLOCK_BYTES // (bytes_each + 32 * width), 1)]
        entry = seen.indptr[who][:, None] + np.arange(width)
        there = np.arange(width) < counts[who][:, None]
        entry = np.where(there, entry, 0)
        yield who, np.where(there, seen.indices[entry], 0), np.where(there, seen.data[entry], 0)
        start += len(who)
