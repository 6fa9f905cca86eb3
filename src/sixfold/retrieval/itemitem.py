"""Item to item: what those who did what you did also did, a few neighbours kept for each item.

Cosine or Jaccard of two items' members (Sarwar et al. 2001, "Item-based Collaborative Filtering
Recommendation Algorithms"), shrunk towards 0 where few members met them. Memory grows with items x
neighbours, so it goes where EASE's square matrix cannot, and each answer can be explained by the items
of the history that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..errors import DesignError
from ..types import NOWHERE, Arrays, Floats, Interactions, Queries, Retrieved, Rows, Times
from .fitted import array, below, check
from .history import FOREVER, History, matrix, recall
from .index import blocks, nothing, own, places, top, walk

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PAIRS = 4_000_000
"""Co-occurring pairs of items held at a time while fitting: about 100 MB."""


class ItemItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="item-item"):
    """The `neighbours` most similar items of each item, asked with a history halved every `half_life`.

    A member who met n items counts n^-spread: 1 takes from the busy what they would add only by being
    busy, 0 counts all alike. `shrink` is a number of average members, added to every denominator.
    """

    similarity: Literal["cosine", "jaccard"] = "cosine"
    neighbours: int = 200
    shrink: float = 5.0
    spread: float = 1.0
    half_life: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("neighbours", 1), ("shrink", 0)):
            if getattr(self, name) < least:
                raise DesignError(f"ItemItem has {name}={getattr(self, name)}; give it {least} at least")

    def fit(self, interactions: Interactions, born: Times, rng: np.random.Generator) -> ItemItemFitted:
        del born, rng
        shape = (interactions.items, self.neighbours)
        ids, similarities = np.full(shape, NOWHERE, np.int32), np.zeros(shape, np.float32)
        for item, other, similarity in self._pairs(matrix(interactions)):
            order, place = _ranked(item, other, similarity)
            order, place = order[place < self.neighbours], place[place < self.neighbours]
            ids[item[order], place] = other[order]
            similarities[item[order], place] = similarity[order]
        half_life = FOREVER if self.half_life is None else np.int64(durations.parse(self.half_life))
        counts = np.bincount(interactions.item, minlength=interactions.items).astype(np.float32)
        return ItemItemFitted(ids, similarities, counts, half_life)

    def _pairs(self, seen: csr_array) -> Iterator[tuple[Rows, Rows, Floats]]:
        """Every pair of items with a member in common, and how similar they are, some items at a time."""
        sizes = np.diff(seen.indptr)
        seen.data = np.ones_like(seen.data)
        turned = seen.T.tocsr()
        weight = np.maximum(sizes, 1).astype(np.float32) ** np.float32(-self.spread)
        seen.data *= np.repeat(weight, sizes)
        mass = np.asarray(seen.sum(axis=0), np.float32)
        shrink = np.float32(self.shrink * weight.sum() / max(len(weight), 1))
        # An item has at most as many partners as its members have items between them.
        for start, stop in _cuts(turned @ sizes, PAIRS):
            shared = (turned[start:stop] @ seen).tocoo()
            different = shared.row + start != shared.col
            item, other = shared.row[different] + np.int32(start), shared.col[different]
            yield item, other, self._similarity(shared.data[different], mass[item], mass[other], shrink)

    def _similarity(self, shared: Floats, one: Floats, other: Floats, shrink: np.float32) -> Floats:
        whole = np.sqrt(one * other) if self.similarity == "cosine" else one + other - shared
        return shared / (whole + shrink)


def _cuts(costs: NDArray[np.float64], most: int) -> Iterator[tuple[int, int]]:
    """[start, stop) of runs that cost about `most` together, or of a single one that costs more."""
    reached = np.cumsum(costs)
    start, spent = 0, 0.0
    while start < len(costs):
        stop = max(int(np.searchsorted(reached, spent + most, side="right")), start + 1)
        yield start, stop
        start, spent = stop, float(reached[stop - 1])


def _ranked(item: Rows, other: Rows, similarity: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs by item, the most similar first, and the place (0 is first) of each among its item's."""
    order = np.lexsort((other, -similarity, item))
    sizes = np.bincount(item)
    return order, np.arange(len(item)) - np.repeat(np.cumsum(sizes) - sizes, sizes)


@dataclass(frozen=True, slots=True)
class ItemItemFitted:
    """ids (items, neighbours) int32, most similar first, filled with -1; similarities of that shape, 0
    where filled; counts (items,) float32, what to give who has no history; half_life int64 us, 0 for none."""

    ids: Rows
    similarities: Floats
    counts: Floats
    half_life: np.int64

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        """Only items with a neighbour in the history are given, so there may be fewer than k."""
        answer = nothing(len(queries), k)
        # Some six arrays over (h, neighbours) are alive while they are summed by item.
        bytes_each = 64 * queries.history.shape[1] * self.ids.shape[1]
        for part, block in blocks(queries, bytes_each):
            best = self._answer(block, k)
            answer.ids[part], answer.scores[part] = best.ids, best.scores
        return answer

    def _answer(self, queries: Queries, k: int) -> Retrieved:
        history = recall(queries, own(queries.history, len(self.ids)), self.half_life)
        if not history.known.any():
            return self._popular(queries, k)
        warm = top(*self._candidates(queries, history), k)
        if history.known.all():
            return warm
        cold, known = self._popular(queries, k), history.known[:, None]
        return Retrieved(np.where(known, warm.ids, cold.ids), np.where(known, warm.scores, cold.scores))

    def _popular(self, queries: Queries, k: int) -> Retrieved:
        order = np.argsort(-self.counts, kind="stable").astype(np.int32)
        return walk(queries, k, order, places(order, len(order)), lambda ids, ts: self.counts[ids])

    def _candidates(self, queries: Queries, history: History) -> tuple[Rows, Floats]:
        """The neighbours of each query's history, (n, m) int32 without repeats, and their summed scores."""
        scores = history.weights[:, :, None] * self.similarities[history.places]
        query, at, neighbour = np.nonzero(scores)
        item = self.ids[history.places[query, at], neighbour]
        catalogue = max(len(self.ids), len(queries.born))
        keys, group = np.unique(query * catalogue + item, return_inverse=True)
        sums = np.bincount(group, scores[query, at, neighbour]).astype(np.float32)
        query, item = np.divmod(keys, catalogue)
        free = self._free(queries, query, item)
        return _padded(len(queries), query[free], item[free].astype(np.int32), sums[free])

    def _free(self, queries: Queries, query: NDArray[np.intp], item: NDArray[np.intp]) -> NDArray[np.bool_]:
        known = item < len(queries.born)
        born = queries.born[np.where(known, item, 0)] if len(queries.born) else np.zeros(len(item), np.int64)
        catalogue = max(len(self.ids), len(queries.born))
        row, column = np.nonzero((queries.exclude >= 0) & (queries.exclude < catalogue))
        excluded = row * catalogue + queries.exclude[row, column]
        return known & (born < queries.ts[query]) & ~np.isin(query * catalogue + item, excluded)

    def to_arrays(self) -> Arrays:
        return {
            "ids": self.ids,
            "similarities": self.similarities,
            "counts": self.counts,
            "half_life": np.array(self.half_life),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        ids = array(arrays, "ids", np.int32, (None, None))
        below(ids, len(ids), "ids")
        similarities = array(arrays, "similarities", np.float32, ids.shape)
        check(bool((similarities[ids < 0] == 0).all()), "similarities", "0 where there is no neighbour")
        counts = array(arrays, "counts", np.float32, (len(ids),))
        return cls(ids, similarities, counts, np.int64(array(arrays, "half_life", np.int64, ())))


def _padded(n: int, query: NDArray[np.intp], item: Rows, score: Floats) -> tuple[Rows, Floats]:
    """(n, m) ids and scores of candidates (c,) sorted by query, filled with -1 and -inf."""
    sizes = np.bincount(query, minlength=n)
    place = np.arange(len(query)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    answer = nothing(n, int(sizes.max(initial=0)))
    answer.ids[query, place], answer.scores[query, place] = item, score
    return answer.ids, answer.scores
