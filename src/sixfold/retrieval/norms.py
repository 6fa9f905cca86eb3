"""The k greatest inner products with a query's vector after a look at a few of the vectors.

Vectors are sorted by norm, longest first, and scanned in blocks. v . q <= reach |v| |q| with a reach of 1 (Cauchy-Schwarz), so
once that falls below the k-th best score, no later vector can enter. Where norms spread, as matrix factorisation makes them do,
this ends early: of 1 M x 64 it reads 4 to 13 %. Where all norms are alike it reads everything, and an approximate index (extra
`ann`) is the better tool.

In many dimensions hardly any vector points the way of a query: the cosine of the best 250 of 1 M x 64 is 0.22 in the median and
0.69 for one in a hundred. So the reach is measured on those who ask when the index is made, and is the least that keeps all but
five in a thousand of the best: 0.65 reads less than half of what 1 does.

What a scan costs is the reading of memory, so beside the vectors stand their coordinates in a byte each. A product of bytes is
off by at most `slack` |v| |q|: what falls short of the k-th best by more is not among the best, and the rest is scored exactly.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..native import kernels
from ..types import Arrays, Floats, Queries, Retrieved, Rows
from .fitted import array, below, check
from .index import look_up, nothing, places, top

FIRST, MOST = 4_096, 32_768
"""Vectors in the first block, and in the largest: each block is twice the one before."""
KEPT = 0.995
"""The share of the best that a reach keeps at least, in the mean over those it is measured on."""
ASKING, DEPTH = 200, 300
"""Those it is measured on, and how many of their best."""
_REACHES = np.arange(100, 0, -5) / 100
_FINEST = 8191
"""Steps of a query's coordinates on either side of 0: of two bytes, but few enough that sums of 2 000 products fit in four."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Vectors in bytes: codes (items, f) int8 times steps (items,) float32; off by at most slack |v| in length."""

    codes: NDArray[np.int8]
    steps: Floats
    slack: float

    @classmethod
    def of(cls, vectors: Floats, norms: Floats) -> Self:
        """The bytes of the vectors (items, f) of these lengths (items,)."""
        codes, steps = np.empty(vectors.shape, np.int8), np.empty(len(vectors), np.float32)
        slack = 0.0
        for start in range(0, len(vectors), MOST):
            some = slice(start, start + MOST)
            steps[some] = np.abs(vectors[some]).max(axis=1, initial=0) / np.float32(127)
            step = np.maximum(steps[some], np.finfo(np.float32).tiny)[:, None]
            codes[some] = np.rint(vectors[some] / step)
            off = np.linalg.norm(vectors[some] - codes[some] * steps[some][:, None], axis=1)
            slack = max(slack, float((off / np.maximum(norms[some], np.finfo(np.float32).tiny)).max(initial=0)))
        return cls(codes, steps, slack)


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
        exact = cls(vectors, order, norms, coded=Coded.of(vectors, norms))
        if asking is None or not len(asking) or len(order) <= max(FIRST, 2 * DEPTH):
            return exact
        return replace(exact, reach=exact._least_reach(asking))

    def _least_reach(self, asking: Floats) -> float:
        """The least reach by which a scan for the DEPTH best of each query's vector (n, f) finds all but 1 - KEPT of them."""
        found = np.empty((len(asking), len(_REACHES)))
        for vector, row in zip(asking, found, strict=True):
            scores = self.vectors @ vector
            best = np.argpartition(scores, len(scores) - DEPTH)[-DEPTH:]
            # Where a scan ends of each reach: norms fall, so it is the first place whose bound is below the last of the best.
            bounds = scores[best].min() / np.maximum(_REACHES * np.linalg.norm(vector), np.finfo(np.float32).tiny)
            ends = np.searchsorted(-self.norms, -bounds, side="right")
            row[:] = (best[:, None] < ends).mean(axis=0)
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
        near = self._near(vector, length, rounding)
        banned = look_up(self.place, query.exclude[0])
        banned = np.sort(banned[banned >= 0])
        rows, scores = np.empty(0, np.int32), np.empty(0, np.float32)
        least = np.float32(-np.inf)
        norms, start, size, end = self.norms, 0, max(FIRST, 2 * k), len(self.rows)
        while start < end:
            stop = min(start + size, end)
            block = slice(start, stop)
            if start == 0 or near is None:
                new = self.vectors[block] @ vector
                better = np.flatnonzero(new >= least)
                new = new[better]
            else:
                better = near(block, least)
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

    def _near(self, vector: Floats, length: float, rounding: float) -> Near | None:
        """Tells the vectors of a block that may score well enough, from their bytes; None without bytes or kernels."""
        finest = float(np.abs(vector).max(initial=0)) / _FINEST
        if self.coded is None or kernels is None or not np.isfinite(finest) or finest < np.finfo(np.float32).tiny:
            return None
        coded, rounded = self.coded, np.rint(vector / finest).astype(np.int16)
        off = np.linalg.norm(vector - rounded * finest)
        slack = coded.slack * length + off * (1 + coded.slack) + length * rounding

        def near(block: slice, least: np.float32) -> NDArray[np.intp]:
            steps, some = coded.steps[block], float(least - slack * self.norms[block.start])
            out = np.empty(len(steps), np.int64)
            return out[: kernels.near(coded.codes[block], steps, rounded, finest, some, out)]

        return near

    def to_arrays(self) -> Arrays:
        out = {"vectors": self.vectors, "rows": self.rows, "norms": self.norms, "reach": np.array(self.reach)}
        if self.coded is not None:
            out |= {"codes": self.coded.codes, "steps": self.coded.steps, "slack": np.array(self.coded.slack)}
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
        if "codes" not in arrays:
            return cls(vectors, rows, norms, reach)
        steps, slack = array(arrays, "steps", np.float32, (items,)), float(array(arrays, "slack", np.float64, ()))
        check(bool((steps >= 0).all()), "steps", "at least 0")
        check(0 <= slack < 1, "slack", "at least 0 and below 1")
        return cls(vectors, rows, norms, reach, Coded(array(arrays, "codes", np.int8, (items, factors)), steps, slack))


Near = Callable[[slice, np.float32], NDArray[np.intp]]
"""The vectors of a block, by their place in it, that may score at least so much."""
