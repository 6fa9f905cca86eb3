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

from dataclasses import dataclass
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

BLOCK = 256
"""Rows at a time, so that their draws stay in cache."""
_EDGE = 1e-9
_LEAST = 1e-6
"""The least eigenvalue of a correlation matrix that is kept."""


class Legs(msgspec.Struct, frozen=True, tag="legs"):
    """How the legs go together. draws: points by which the sum is integrated, the same ones for every row; prior: rows
    of independent legs that are imagined beside the ones seen.
    """

    draws: Annotated[int, Meta(ge=16, le=4096)] = 128
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

    def total(self, levels: ArrayLike, quantiles: Floats) -> Floats:
        """Quantiles (n, q) float32 of the whole time, from those of the legs (n, k, q), before anything has happened."""
        nothing = np.zeros(len(quantiles))
        return self.remaining(levels, quantiles, done=nothing.astype(np.int64), elapsed_s=nothing)

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
        p, q = checked_levels(levels), np.asarray(quantiles, np.float64)
        legs = len(self.factor)
        if q.ndim != 3 or q.shape[1:] != (legs, len(p)):
            raise DataError(f"quantiles has shape {q.shape}; expected (n, {legs}, {len(p)}): rows, legs, levels")
        gone = np.asarray(elapsed_s, np.float64)
        took = None if finished_s is None else np.asarray(finished_s, np.float64)
        out = np.empty((len(q), len(p)))
        for start in range(0, len(q), BLOCK):
            rows = slice(start, start + BLOCK)
            left = self._left(p, q[rows], np.asarray(done)[rows], gone[rows], None if took is None else took[rows])
            out[rows] = np.quantile(left, p, axis=1, method="hazen").T
        return out.astype(np.float32)

    def _left(
        self, levels: Doubles, quantiles: Doubles, done: NDArray[np.int_], gone: Doubles, took: Doubles | None
    ) -> Doubles:
        """The time left (n, s) in each draw: leg after leg, each with the shocks of those before it."""
        n, (draws, legs) = len(quantiles), self.shocks.shape
        shocks = np.broadcast_to(self.shocks, (n, draws, legs))
        if (done > 0).any() or (gone > 0).any():
            shocks = shocks.copy()
        left = np.zeros((n, draws))
        for leg in range(legs):
            law = quantiles[:, leg]
            before, own = shocks[:, :, :leg] @ self.factor[leg, :leg], self.factor[leg, leg]
            known = np.flatnonzero((done > leg) & (took is not None))
            if len(known) and took is not None:
                score = _score(levels, law[known], took[known, leg])
                shocks[known, :, leg] = (score - before[known]) / own
            running = np.flatnonzero((done == leg) & (gone > 0))
            if len(running):
                bound = normal_below((_score(levels, law[running], gone[running]) - before[running]) / own)
                even = normal_below(self.shocks[:, leg])
                shocks[running, :, leg] = normal_score(np.minimum(bound + (1 - bound) * even, 1 - _EDGE))
            still = np.flatnonzero(done <= leg)
            u = normal_below(before[still] + own * shocks[still, :, leg])
            time = at(levels, law[still], np.clip(u, _EDGE, 1 - _EDGE))
            left[still] += np.maximum(time - np.where(done[still] == leg, gone[still], 0.0)[:, None], 0.0)
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
    x^(k + 1) = x + 1), each column made exactly even by its ranks (Stein 1987).
    """
    root = 1.0
    for _ in range(64):
        root = (1 + root) ** (1 / (legs + 1))
    points = (0.5 + np.arange(draws)[:, None] * root ** -np.arange(1, legs + 1)) % 1.0
    scores = normal_score((np.argsort(np.argsort(points, axis=0), axis=0) + 0.5) / draws)
    scores -= scores.mean(axis=0)
    factor = np.linalg.cholesky(scores.T @ scores / draws)
    return np.ascontiguousarray(np.linalg.solve(factor, scores.T).T)


def _score(levels: Doubles, quantiles: Doubles, seconds: Doubles) -> Doubles:
    """The normal score (n, 1) of what took so many seconds (n,)."""
    return normal_score(below(levels, quantiles, seconds[:, None]))


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
