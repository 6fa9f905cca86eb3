"""The k greatest inner products with a query's vector after a look at a few of the vectors.

Vectors are sorted by norm, longest first, and scanned in blocks. v . q <= reach |v| |q| with a reach of 1 (Cauchy-Schwarz), so
once that falls below the k-th best score, no later vector can enter. Where norms spread, as matrix factorisation makes them do,
this ends early: of 1 M x 64 it reads 4 to 13 %.

In many dimensions hardly any vector points the way of a query: the cosine of the best 250 of 1 M x 64 is 0.22 in the median and
0.69 for one in a hundred. So the reach is measured on those who ask when the index is made, and is the least that keeps all but
five in a thousand of the best: 0.65 reads less than half of what 1 does.

Which of a block may be among the best is told by bits and bytes (`coded`), and those alone are scored exactly. Where all norms
are alike, so that everything is read, that is what makes it bearable.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..types import Arrays, Floats, Queries, Retrieved, Rows
from .coded import Coded
from .fitted import array, below, check
from .index import look_up, nothing, places, top

FIRST, MOST = 4_096, 131_072
"""Vectors in the first block, and in the largest: each block is twice the one before."""
KEPT = 0.995
"""The share of the best that a reach keeps at least, in the mean over those it is measured on."""
ASKING, DEPTH = 200, 300
"""Those it is measured on, and how many of their best."""
_REACHES = np.arange(100, 0, -5) / 100


@dataclass(frozen=True, slots=True)
class NormIndex:
    """vectors (items, f) float32, longest first; rows (items,) int32, whose vector each is; norms (items,) float32; reach, the
    greatest cosine with a query that is looked for, 1 to find all; coded, the vectors in bytes; place (items,) int32, where the
    vector of each of the catalogue's rows stands."""

    vectors: Floats
    rows: Rows
    norms: Floats
    reach: float = 1.0
    coded: Coded | None = None
    place: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", places(self.rows, len(self.rows)))

    @classmethod
    def of(cls, vectors: Floats, asking: Floats | None = None) -> Self:
        """The index of the vectors (items, f), whose numbers are the catalogue's rows; its reach is measured on the vectors
        (n, f) of some who ask, and is 1 without any."""
        norms = np.linalg.norm(vectors, axis=1)
        order = np.argsort(-norms, kind="stable").astype(np.int32)
        vectors, norms = np.ascontiguousarray(vectors[order]), norms[order]
        coded = Coded.of(vectors, norms)
        exact = cls(vectors, order, norms, coded=coded)
        if asking is None or not len(asking) or len(order) <= max(FIRST, 2 * DEPTH):
            return exact
        best, scores = exact._best(asking)
        return replace(
            exact, reach=exact._least_reach(asking, best, scores), coded=coded.measured(norms, asking, best, scores)
        )

    def _best(self, asking: Floats) -> tuple[NDArray[np.intp], Floats]:
        """The DEPTH best (n, DEPTH) for each query's vector (n, f), in any order, and their scores."""
        best, scores = np.empty((len(asking), DEPTH), np.intp), np.empty((len(asking), DEPTH), np.float32)
        for row, vector in enumerate(asking):
            all_scores = self.vectors @ vector
            best[row] = np.argpartition(all_scores, len(all_scores) - DEPTH)[-DEPTH:]
            scores[row] = all_scores[best[row]]
        return best, scores

    def _least_reach(self, asking: Floats, best: NDArray[np.intp], scores: Floats) -> float:
        """The least reach by which a scan for the best (n, k) of each query's vector (n, f) finds all but 1 - KEPT of them."""
        found = np.empty((len(asking), len(_REACHES)))
        for vector, rows, each, row in zip(asking, best, scores, found, strict=True):
            # Where a scan ends of each reach: norms fall, so it is the first place whose bound is below the last of the best.
            bounds = each.min() / np.maximum(_REACHES * np.linalg.norm(vector), np.finfo(np.float32).tiny)
            ends = np.searchsorted(-self.norms, -bounds, side="right")
            row[:] = (rows[:, None] < ends).mean(axis=0)
        # Rounding may put the last of the best behind where even a reach of 1 ends.
        return float(_REACHES[found.mean(axis=0) >= KEPT].min(initial=1.0))

    def search(self, queries: Queries, vectors: Floats, k: int) -> Retrieved:
        """The k best allowed items for each query's vector (n, f), one query after the other: what
        a scan reads depends on the query, and so a batch gives the same bits as its queries alone."""
        answer = nothing(len(queries), k)
        for n in range(len(queries)):
            rows, scores = self._scan(queries.part(n, n + 1), vectors[n], k)
            best = top(rows, scores[None], k)
            answer.ids[n], answer.scores[n] = best.ids[0], best.scores[0]
        return answer

    def _scan(self, query: Queries, vector: Floats, k: int) -> tuple[Rows, Floats]:
        """The rows that may be among the k best, ties for the last place included, and their scores."""
        # The computed scores may exceed the computed bound by rounding: f + 2 products and sums each.
        rounding = 4 * (len(vector) + 2) * float(np.finfo(np.float32).eps)
        length = float(np.linalg.norm(vector))
        reach = self.reach * length * (1 + rounding)
        banned = look_up(self.place, query.exclude[0])
        banned = np.sort(banned[banned >= 0])
        rows, scores = np.empty(0, np.int32), np.empty(0, np.float32)
        least = np.float32(-np.inf)
        norms, start, size, end = self.norms, 0, max(FIRST, 2 * k), len(self.rows)
        # What is all in the first block needs no telling.
        asked = None if self.coded is None or end <= size else self.coded.asked(vector, norms)
        while start < end:
            stop = min(start + size, end)
            block = slice(start, stop)
            if start == 0 or asked is None:
                new = self.vectors[block] @ vector
                better = np.flatnonzero(new >= least)
                new = new[better]
            else:
                better = asked.near(block, least)
                new = self.vectors.take(start + better, axis=0) @ vector
            if len(new) > 4 * k:
                # Where many do well enough, as in the first block, the best of them mostly are enough, and each is a random read.
                best = new >= np.partition(new, len(new) - 2 * k)[len(new) - 2 * k]
                if np.count_nonzero(self._allowed(start + better[best], query, banned)) >= k:
                    better, new = better[best], new[best]
            allowed = self._allowed(start + better, query, banned) & (new >= least)
            rows = np.concatenate([rows, self.rows[start + better[allowed]]])
            scores = np.concatenate([scores, new[allowed]])
            if len(scores) >= k:
                least = np.partition(scores, len(scores) - k)[len(scores) - k]
                rows, scores = rows[scores >= least], scores[scores >= least]
                # Norms fall: from the first that cannot reach the last of the best, none can.
                end = stop + bisect_left(
                    range(stop, len(self.norms)), True, key=lambda at: bool(norms[at] * reach < least)
                )
            start, size = stop, min(2 * size, MOST)
        return rows, scores

    def _allowed(self, at: NDArray[np.intp], query: Queries, banned: Rows) -> NDArray[np.bool_]:
        """Whether the item at each place (m,), in rising order, is known to the catalogue, born, and at none of the `banned`."""
        rows, born = self.rows[at], query.born
        if not len(born) or not len(at):
            return np.zeros(len(rows), bool)
        known = rows < len(born)
        allowed: NDArray[np.bool_] = known & (born[np.where(known, rows, 0)] < query.ts[0])
        if len(banned):
            there = np.minimum(np.searchsorted(at, banned), len(at) - 1)
            allowed[there[at[there] == banned]] = False
        return allowed

    def to_arrays(self) -> Arrays:
        out = {"vectors": self.vectors, "rows": self.rows, "norms": self.norms, "reach": np.array(self.reach)}
        if self.coded is not None:
            out |= self.coded.to_arrays()
        return out

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        vectors = array(arrays, "vectors", np.float32, (None, None))
        items, factors = vectors.shape
        rows = array(arrays, "rows", np.int32, (items,))
        below(rows, items, "rows")
        check(bool((np.bincount(rows, minlength=items) == 1).all()), "rows", "each row once")
        norms = array(arrays, "norms", np.float32, (items,))
        check(bool((np.diff(norms) <= 0).all()), "norms", "descending")
        # Releases of before there was a reach looked everywhere, those of before there were bytes read the vectors themselves.
        reach = float(array(arrays, "reach", np.float64, ())) if "reach" in arrays else 1.0
        check(0 < reach <= 1, "reach", "above 0 and at most 1")
        coded = Coded.from_arrays(arrays, items, factors) if "signs" in arrays else None
        return cls(vectors, rows, norms, reach, coded)
