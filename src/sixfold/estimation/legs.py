"""The time of several legs in a row, by the distribution of each and by how they go together.

Quantiles of legs do not add up: where legs are independent the sum's 95 % quantile is below the sum of theirs, and
where a busy hour slows all of them it is not. What is kept of the dependence is one correlation matrix of the legs'
normal scores (a Gaussian copula; Sklar 1959, Nelsen 2006 chapter 2), learned on rows that the legs' estimators have not
seen. Given up: legs that go together only in their extremes.

Legs come one after the other, so the matrix is kept as its Cholesky factor: leg k is a sum of its own shock and those
of the legs before it. To know a finished leg is to know its shock, and to have waited in a running leg is to know that
its shock is above a bound: both are exact, and cost no more than the forecast did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..ranking.arrays import need, read
from ..types import Arrays, Floats
from .law import Doubles, at, below, checked_levels
from .normal import normal_below, normal_score

BLOCK = 128
"""Rows at a time, so that their draws stay in cache."""
_FARTHEST = 3.09
"""The score of one in a thousand; a time farther out tells of other legs no more than that, for it may be a mistake."""
_A_UNIT = 8
_KNOTS = np.arange(-4 * _A_UNIT, 4 * _A_UNIT + 1) / _A_UNIT
"""Normal scores at which a leg's time is worked out; between them it is a straight line."""
_AT_KNOTS = normal_below(_KNOTS)
_LEAST = 1e-6
"""The least eigenvalue of a correlation matrix that is kept."""


class Legs(msgspec.Struct, frozen=True, tag="legs"):
    """How the legs go together. draws: points by which the sum is integrated, the same ones for every row; prior: rows
    of independent legs that are imagined beside the ones seen.
    """

    draws: Annotated[int, Meta(ge=16, le=4096, multiple_of=2)] = 256
    prior: Annotated[float, Meta(ge=0)] = 30.0

    def fit(self, pits: ArrayLike) -> FittedLegs:
        """The dependence in pits (m, k): `law.below` of what each of k legs took, in the order in which legs come.

        Rows that lack a leg (NaN) are left out. Raises DataError without any.
        """
        found = np.asarray(pits, np.float64)
        if found.ndim != 2 or not found.shape[1]:
            raise DataError(f"pits has shape {found.shape}; expected (m, k), a column for each leg")
        whole = found[~np.isnan(found).any(axis=1)]
        legs, rows = found.shape[1], len(whole)
        seen = np.eye(legs) if rows < 2 else _normal_correlation(whole)
        matrix = (rows * seen + self.prior * np.eye(legs)) / max(rows + self.prior, 1e-9)
        return FittedLegs(np.asarray(np.linalg.cholesky(_positive(matrix)), np.float64), even_scores(self.draws, legs))


@dataclass(frozen=True, slots=True)
class FittedLegs:
    """factor (k, k) float64: the lower Cholesky factor of the legs' correlations; shocks (s, k) float64: independent
    normal scores that fill the space evenly.
    """

    factor: Doubles
    shocks: Doubles
    _kept: dict[bytes, Doubles] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What `_draws` has worked out, by levels."""

    def total(self, levels: ArrayLike, quantiles: Floats) -> Floats:
        """Quantiles (n, q) float32 of the whole time, from those of the legs (n, k, q), before anything has happened."""
        p, q = self._checked(levels, quantiles)
        out = np.empty((len(q), len(p)), np.float32)
        draws = self._draws(p)
        for start in range(0, len(q), BLOCK):
            part = q[start : start + BLOCK]
            out[start : start + BLOCK] = _ordered_at(part.reshape(len(part), -1) @ draws, p)
        return out

    def _draws(self, levels: Doubles) -> Doubles:
        """How much (k q, s) of each quantile of each leg is in each draw of the whole: while nothing is known that tells rows
        apart, a draw is the same sum for all of them."""
        found = self._kept.get(key := levels.tobytes())
        if found is None:
            legs, q = len(self.factor), len(levels)
            each = np.eye(legs * q).reshape(legs * q, legs, q)
            found = self._kept[key] = self._left(levels, each, 0, np.zeros(legs * q), None)
        return found

    def _checked(self, levels: ArrayLike, quantiles: Floats) -> tuple[Doubles, Doubles]:
        p, q = checked_levels(levels), np.asarray(quantiles, np.float64)
        if q.ndim != 3 or q.shape[1:] != (len(self.factor), len(p)):
            raise DataError(
                f"quantiles has shape {q.shape}; expected (n, {len(self.factor)}, {len(p)}): rows, legs, levels"
            )
        return p, q

    def remaining(
        self,
        levels: ArrayLike,
        quantiles: Floats,
        *,
        done: NDArray[np.int_],
        elapsed_s: ArrayLike,
        finished_s: ArrayLike | None = None,
    ) -> Floats:
        """Quantiles (n, q) float32 of the time left, from those of the legs (n, k, q) as forecast at the start.

        done (n,) legs are finished, and elapsed_s (n,) seconds of the next one are gone. finished_s (n, k) is what
        finished legs took, read in its first `done` columns only: it says how the others will go. Without it they tell
        nothing. With all legs done, 0 is left.
        """
        p, q = self._checked(levels, quantiles)
        legs = len(self.factor)
        gone = np.asarray(elapsed_s, np.float64)
        took = None if finished_s is None else np.asarray(finished_s, np.float64)
        out = np.zeros((len(q), len(p)), np.float32)
        for leg in range(legs):
            same = np.flatnonzero(done == leg)
            for start in range(0, len(same), BLOCK):
                rows = same[start : start + BLOCK]
                left = self._left(p, q[rows], leg, gone[rows], None if took is None else took[rows])
                out[rows] = _ordered_at(left, p)
        return out

    def _left(self, levels: Doubles, quantiles: Doubles, running: int, gone: Doubles, took: Doubles | None) -> Doubles:
        """The time left (n, s) in each draw where leg `running` runs: leg after leg, with the shocks of those before.

        A shock is (1, s) while nothing is known that tells rows apart, (n, 1) of a leg that is finished.
        """
        tables, shocks = _tables(levels, quantiles[:, running:]), list[Doubles]()
        left = np.zeros((len(quantiles), len(self.shocks)))
        for leg, own in enumerate(np.diag(self.factor)):
            law, shock = quantiles[:, leg], self.shocks[None, :, leg]
            before = _sum(self.factor[leg], shocks)
            if leg < running and took is not None:
                # A finished leg whose time was lost is taken to have taken as long as those before it say.
                known = (_score(levels, law, took[:, leg]) - before) / own
                shock = np.where(np.isnan(known), 0.0, known)
            elif leg == running and gone.any():
                bound = normal_below((_score(levels, law, gone) - before) / own)
                shock = normal_score(bound + (1 - bound) * normal_below(shock))
            shocks.append(shock)
            if leg >= running:
                left += _times(tables[:, leg - running], before + own * shock)
            if leg == running and gone.any():
                # A leg that has run beyond what `_score` tells apart is taken to have run so long only: its tail forgets.
                held = _times(tables[:, 0], np.array([[_FARTHEST]]))
                left = np.maximum(left - np.minimum(gone[:, None], held), 0)
        return left

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring, by name."""
        return {"factor": self.factor, "shocks": self.shocks}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedLegs:
        """The legs those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        shocks = read(arrays, "shocks", np.float64, (None, None))
        legs = shocks.shape[1]
        factor = read(arrays, "factor", np.float64, (legs, legs))
        for name, values in (("factor", factor), ("shocks", shocks)):
            need(np.isfinite(values), values, name, "a finite number")
        need(np.diag(factor) > 0, np.diag(factor), "factor", "a diagonal above 0")
        return cls(factor, shocks)


def even_scores(draws: int, legs: int) -> Doubles:
    """Normal scores (draws, legs) that fill the space evenly, of mean 0 and covariance exactly 1.

    Roberts' sequence (2018, "The Unreasonable Effectiveness of Quasirandom Sequences": multiples of powers of the root of
    x^(k + 1) = x + 1), each column made exactly even by its ranks (Stein 1987), and with each point its mirror image.
    """
    root = 1.0
    for _ in range(64):
        root = (1 + root) ** (1 / (legs + 1))
    half = draws // 2
    points = (0.5 + np.arange(half)[:, None] * root ** -np.arange(1, legs + 1)) % 1.0
    scores = normal_score((np.argsort(np.argsort(points, axis=0), axis=0) + 0.5) / half)
    scores = np.concatenate([scores, -scores])
    factor = np.linalg.cholesky(scores.T @ scores / len(scores))
    return np.ascontiguousarray(np.linalg.solve(factor, scores.T).T)


def _sum(shares: Doubles, shocks: list[Doubles]) -> Doubles:
    """The shocks of the legs so far, each times its share; 0 (1, 1) before the first."""
    out: Doubles = np.zeros((1, 1))
    for share, shock in zip(shares, shocks, strict=False):
        out = out + share * shock
    return out


def _tables(levels: Doubles, quantiles: Doubles) -> Doubles:
    """The seconds (n, k, knots) at each of `_KNOTS`, of laws (n, k, q)."""
    n, legs, count = quantiles.shape
    return at(levels, quantiles.reshape(n * legs, count), _AT_KNOTS).reshape(n, legs, len(_KNOTS))


def _times(table: Doubles, scores: Doubles) -> Doubles:
    """The seconds (n, s) of normal scores (n, s) or (1, s): straight lines in a table (n, knots), which need no search."""
    place = np.clip((scores - _KNOTS[0]) * _A_UNIT, 0, len(_KNOTS) - 1 - 1e-9)
    left = place.astype(np.int32)
    if len(scores) == 1:
        start, stop = table.take(left[0], axis=1), table.take(left[0] + 1, axis=1)
    else:
        flat = left + np.arange(len(table), dtype=np.int32)[:, None] * len(_KNOTS)
        whole = np.ascontiguousarray(table).ravel()
        start, stop = whole.take(flat), whole.take(flat + 1)
    return np.asarray(start + (stop - start) * (place - left))


def _ordered_at(values: Doubles, levels: Doubles) -> Doubles:
    """The quantiles (n, q) of values (n, s), the i-th of s being that of level (i - 1/2) / s (Hazen 1914)."""
    ordered = np.sort(values.astype(np.float32), axis=1)
    place = np.clip(levels * values.shape[1] - 0.5, 0, values.shape[1] - 1)
    left = np.minimum(place.astype(np.intp), values.shape[1] - 2)
    return np.asarray(ordered[:, left] + (ordered[:, left + 1] - ordered[:, left]) * (place - left))


def _score(levels: Doubles, quantiles: Doubles, seconds: Doubles) -> Doubles:
    """The normal score (n, 1) of what took so many seconds (n,), held where one order in a thousand is."""
    score = normal_score(below(levels, quantiles, seconds[:, None]))
    return np.clip(score, -_FARTHEST, _FARTHEST)


def _normal_correlation(pits: Doubles) -> Doubles:
    """The correlations (k, k) of normal scores, from those of ranks: 2 sin(pi / 6 x Spearman's), Kruskal 1958, section 6."""
    ranks = np.argsort(np.argsort(pits, axis=0, kind="stable"), axis=0, kind="stable").astype(np.float64)
    of_ranks = np.atleast_2d(np.corrcoef(ranks, rowvar=False))
    return np.asarray(2 * np.sin(np.pi / 6 * of_ranks))


def _positive(matrix: Doubles) -> Doubles:
    """The matrix with eigenvalues of `_LEAST` at least and a diagonal of ones: sines of a correlation may lack both."""
    values, vectors = np.linalg.eigh(matrix)
    repaired = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    return np.asarray(repaired / np.outer(scale, scale))
