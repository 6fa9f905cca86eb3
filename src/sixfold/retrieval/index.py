"""The exact k best items of each query: no excluded row, none unborn, ties to the lower row.

Three searches, by what is known beforehand: `dense` scores every item; `walk` goes down one order
that all queries share; `norms.NormIndex` scans vectors until no later one can win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from ..types import NOWHERE, Floats, Queries, Retrieved, Rows, Times

BLOCK_BYTES = 32 << 20
"""What one block of queries may take at a time: a batch of any size runs in bounded memory."""

_SIGN = np.uint32(1 << 31)
_LOW = np.uint64((1 << 32) - 1)
_HALF = np.uint64(32)


def blocks(queries: Queries, bytes_each: int) -> Iterator[tuple[slice, Queries]]:
    """The queries in parts of about BLOCK_BYTES, where one of them needs `bytes_each`."""
    size = max(BLOCK_BYTES // max(bytes_each, 1), 1)
    for start in range(0, len(queries), size):
        yield slice(start, start + size), queries.part(start, start + size)


def nothing(n: int, k: int) -> Retrieved:
    """An answer to n queries without an item in it."""
    return Retrieved(np.full((n, k), NOWHERE, np.int32), np.full((n, k), -np.inf, np.float32))


def places(rows: Rows, items: int) -> Rows:
    """Where each of the catalogue's items stands in `rows`, -1 where it does not: int32 (items,).

    >>> places(np.array([2, 0], np.int32), 4)
    array([ 1, -1,  0, -1], dtype=int32)
    """
    place = np.full(items, NOWHERE, np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    return place


def look_up(place: Rows, rows: Rows) -> Rows:
    """The place of each row, of any shape; -1 for a filler and for a row the catalogue has not."""
    inside = (rows >= 0) & (rows < len(place))
    return np.where(inside, place[np.where(inside, rows, 0)], NOWHERE) if len(place) else np.full_like(rows, NOWHERE)


def top(ids: Rows, scores: Floats, k: int) -> Retrieved:
    """The k best of m scored ids a query, best first; a score of -inf stands for no candidate.

    ids (m,) or (n, m) int32, scores (n, m) float32 without NaN. Score and id are packed into one
    uint64 that orders as they do, so that a partition of plain integers settles ties as well.

    >>> top(np.array([4, 7, 9], np.int32), np.array([[1, 2, 2]], np.float32), 2).ids
    array([[7, 9]], dtype=int32)
    """
    n, m = scores.shape
    keys = _ordered(scores).astype(np.uint64) << _HALF | (_LOW - ids.astype(np.uint64))
    if m > k:
        keys.partition(m - k, axis=1)
        keys = keys[:, m - k :]
    keys = np.sort(keys, axis=1)[:, ::-1]
    found = _unordered((keys >> _HALF).astype(np.uint32))
    answer = nothing(n, k)
    answer.scores[:, : keys.shape[1]] = found
    answer.ids[:, : keys.shape[1]] = np.where(found > -np.inf, (_LOW - (keys & _LOW)).astype(np.int32), NOWHERE)
    return answer


def _ordered(scores: Floats) -> NDArray[np.uint32]:
    # IEEE 754 floats compare as integers once the negative ones are flipped; + 0 makes both zeros one.
    bits = (scores + np.float32(0)).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _unordered(bits: NDArray[np.uint32]) -> Floats:
    return np.where(bits & _SIGN, bits & ~_SIGN, ~bits).view(np.float32)


def own(rows: Rows, items: int) -> Rows:
    """The place of each row where the model's items are the catalogue's first ones in their order; -1 beyond them."""
    return np.where(rows < items, rows, NOWHERE)


def dense(
    queries: Queries, k: int, rows: Rows, place: Rows, score: Callable[[Queries], Floats], *, bytes_each: int = 0
) -> Retrieved:
    """The k best where every item has a score.

    `score` gives (b, m) float32, freshly made, for b queries over the m catalogue rows `rows`, which ascend and of which `place`
    is `places(rows, items)`, made once; `bytes_each` is what it needs for one query beside its result.
    """
    rows = rows[: np.searchsorted(rows, len(queries.born))]
    born = queries.born[rows]
    answer = nothing(len(queries), k)
    for part, block in blocks(queries, 24 * len(rows) + bytes_each):
        scores = score(block)[:, : len(rows)]
        scores[born >= block.ts[:, None]] = -np.inf
        query, column = taken(place, block)
        there = column < len(rows)
        scores[query[there], column[there]] = -np.inf
        best = top(rows, scores, k)
        answer.ids[part], answer.scores[part] = best.ids, best.scores
    return answer


def walk(queries: Queries, k: int, order: Rows, place: Rows, score: Callable[[Rows, Times], Floats]) -> Retrieved:
    """The first k of an order of items that all queries share: those born and not excluded.

    `place` is `places(order, items)`, made once and not for each request. `score` gives (m,) float32 for m chosen items,
    (m,) int32 and the ts (m,) of whom each is for.
    """
    if len(queries.born) < len(place):
        order = order[order < len(queries.born)]
        place = places(order, len(queries.born))
    answer = nothing(len(queries), k)
    for part, block in blocks(queries, 16 * (k + queries.exclude.shape[1])):
        free = _free(block, k, order, place)
        rank = np.cumsum(free, axis=1) - 1
        query, column = np.nonzero(free & (rank < k))
        chosen, at = order[column], rank[query, column]
        answer.ids[part][query, at] = chosen
        answer.scores[part][query, at] = score(chosen, block.ts[query])
    return answer


def _free(queries: Queries, k: int, order: Rows, place: Rows) -> NDArray[np.bool_]:
    # Only a head of the order is looked at, twice as long each time that some query finds too few in it.
    query, column = taken(place, queries)
    width = k + queries.exclude.shape[1]
    while True:
        head = order[:width]
        free = queries.born[head] < queries.ts[:, None]
        inside = column < len(head)
        free[query[inside], column[inside]] = False
        if len(head) == len(order) or (free.sum(axis=1) >= k).all():
            return free
        width *= 2


def taken(place: Rows, queries: Queries) -> tuple[NDArray[np.intp], Rows]:
    """What may not be given, as (query, place) pairs: two arrays of one length."""
    column = look_up(place, queries.exclude)
    query, at = np.nonzero(column >= 0)
    return query, column[query, at]
