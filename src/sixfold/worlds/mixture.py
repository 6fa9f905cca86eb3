"""Laws of a time that are known by formula: mixtures of scaled beta primes.

A gamma variable over another is a beta prime, so a sum of gammas of one scale is one too where that scale is itself the
inverse of a gamma. Its distribution function is an incomplete beta function: no sampling, no grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .incomplete import Reals, beta_cdf, log_beta

_CHUNK = 8192
_ROUNDS = 100
_NEAR_S = 1e-5


@dataclass(frozen=True, slots=True)
class Mixture:
    """n laws of m parts each, all (n, m) float64: a part is `offset + scale * G(shape) / G(tail)`, given that it exceeds
    `offset + least`; G(k) is a gamma variable of shape k. weight sums to 1 by row; tail > 1, else there is no mean.
    """

    weight: Reals
    offset: Reals
    scale: Reals
    shape: Reals
    tail: Reals
    least: Reals

    def __len__(self) -> int:
        return len(self.weight)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Mixture:
        """The laws of some rows."""
        return Mixture(
            self.weight[rows], self.offset[rows], self.scale[rows], self.shape[rows], self.tail[rows], self.least[rows]
        )

    def mean(self) -> Reals:
        """(n,) the means."""
        whole = self.scale * self.shape / (self.tail - 1)
        beyond = beta_cdf(self.tail - 1, self.shape + 1, self._rest(self.least))
        out: Reals = (self.weight * (self.offset + whole * beyond / self._kept())).sum(axis=1)
        return out

    def cdf(self, at: Reals) -> Reals:
        """(n,) P(time <= at), of `at` (n,)."""
        parts = [(self.take(cut), t) for cut, (t,) in _chunks(self.weight.shape[1], at)]
        return np.concatenate([np.empty(0), *(part._cdf(t, part._kept()) for part, t in parts)])

    def quantiles(self, levels: Reals) -> Reals:
        """(n, q) the times not exceeded with probability `levels`, (q,) for all or (n, q); 0 < level < 1, to 1e-5 s."""
        wanted = np.broadcast_to(levels, (len(self), np.shape(levels)[-1]))
        rows = np.repeat(np.arange(len(self)), wanted.shape[1])
        start = self.mean()
        solved = [
            self.take(r)._solved(p, start[r]) for _, (r, p) in _chunks(self.weight.shape[1], rows, wanted.ravel())
        ]
        return np.concatenate([np.empty(0), *solved]).reshape(wanted.shape)

    def samples(self, size: int, rng: np.random.Generator) -> Reals:
        """(n, size) independent draws."""
        ladder = np.cumsum(self.weight, axis=1)[:, None, :-1]
        part = (rng.random((len(self), size, 1)) > ladder).sum(axis=2)
        row = np.arange(len(self))[:, None]
        ones = np.ones_like(self.weight)
        columns = (ones, self.offset, self.scale, self.shape, self.tail, self.least)
        drawn = Mixture(*(column[row, part].reshape(-1, 1) for column in columns))
        if (self.least > 0).any():
            return drawn.quantiles(rng.random((len(drawn), 1))).reshape(part.shape)
        ratio = rng.standard_gamma(drawn.shape) / rng.standard_gamma(drawn.tail)
        out: Reals = (drawn.offset + drawn.scale * ratio).reshape(part.shape)
        return out

    def _rest(self, beyond: Reals) -> Reals:
        """Seconds beyond the offset, as a beta variable: the share that `tail` has in both gammas."""
        return self.scale / (self.scale + beyond)

    def _above(self, beyond: Reals) -> Reals:
        """P(part > offset + beyond) without regard to `least`, to full relative precision however small."""
        return beta_cdf(self.tail, self.shape, self._rest(np.maximum(beyond, 0.0)))

    def _kept(self) -> Reals:
        """P(part > offset + least): what each part is divided by. Never 0."""
        return np.maximum(self._above(self.least), 1e-300)

    def _cdf(self, at: Reals, kept: Reals) -> Reals:
        above = np.minimum(self._above(at[:, None] - self.offset) / kept, 1.0)
        out: Reals = 1 - (self.weight * above).sum(axis=1)
        return out

    def _solved(self, level: Reals, start: Reals) -> Reals:
        """(n,) quantiles by Newton's steps, halved wherever they leave the bracket."""
        kept, log_b = self._kept(), log_beta(self.shape, self.tail)
        low, high = (self.offset + self.least).min(axis=1), np.maximum(start, 1.0)
        while (short := self._cdf(high, kept) < level).any():
            low, high = np.where(short, high, low), np.where(short, 2 * high, high)
        t = np.clip(start, low, high)
        for _ in range(_ROUNDS):
            missed = self._cdf(t, kept) - level
            low, high = np.where(missed < 0, t, low), np.where(missed < 0, high, t)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = t - missed / self._density(t, kept, log_b)
            step = np.where((low <= step) & (step <= high), step, (low + high) / 2)
            if np.abs(step - t).max(initial=0.0) < _NEAR_S:
                return step
            t = step
        return t

    def _density(self, at: Reals, kept: Reals, log_b: Reals) -> Reals:
        """(n,) the density in 1/s."""
        beyond = at[:, None] - self.offset
        rest = self._rest(np.maximum(beyond, 0.0))
        with np.errstate(divide="ignore"):
            log_part = (self.shape - 1) * np.log1p(-rest) + (self.tail + 1) * np.log(rest) - log_b
        part = np.where(beyond > self.least, np.exp(log_part) / self.scale / kept, 0.0)
        out: Reals = (self.weight * part).sum(axis=1)
        return out


def _chunks(parts: int, *columns: NDArray[Any]) -> Iterator[tuple[slice, tuple[NDArray[Any], ...]]]:
    """Columns of one length in pieces: so many rows that their parts stay in the cache."""
    step = max(_CHUNK // parts, 1)
    for first in range(0, len(columns[0]), step):
        cut = slice(first, first + step)
        yield cut, tuple(column[cut] for column in columns)
