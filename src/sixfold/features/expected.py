"""How long an outcome takes by what one row says alone: a sum of effects, one of each column, learned on the log of the time.

It is the first of two stages. What is left over it (`Stream.over`), averaged by key or place as of now, tells a bad evening
from a busy hour: the mean of the times themselves cannot, for it rises with what the row says already. It is kept plain on
purpose: a forest here learns the days it is fitted on by heart, and what is left of them is not what will be left of others.
"""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..types import Floats

BINS = 16
"""A column is cut at its quantiles into so many parts at most; each has an effect of its own, and so has a missing value."""
L2 = 20.0
"""Rows of no effect that are imagined in each part."""
_LEAST_S = 1.0
"""Shorter times count as this long where logs are taken."""
_BLOCK = 8192


class Expectation(msgspec.Struct, frozen=True, dict=True):
    """base: the mean log of the seconds; borders: where each column (f) is cut, rising; effects: of each part between them, then
    the one of a missing value."""

    base: float
    borders: list[list[float]]
    effects: list[list[float]]

    def logs(self, table: Floats) -> NDArray[np.float64]:
        """The log of the seconds expected of each row (n,) of a table (n, f)."""
        out = np.full(len(table), self.base)
        for place, (borders, effects) in enumerate(self._arrays):
            out += effects[_part(table[:, place], borders)]
        return out

    @cached_property
    def _arrays(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Borders and effects of each column, made once."""
        pairs = zip(self.borders, self.effects, strict=True)
        return [(np.array(borders, np.float64), np.array(effects, np.float64)) for borders, effects in pairs]


NOTHING = Expectation(0.0, [], [])
"""Of an outcome that was not seen yet: a second, whatever the row."""


def fit(table: Floats, seconds: NDArray[np.float64]) -> Expectation:
    """What rows (n, f) that took so many seconds (n,) tell of others: ridge regression on the parts of all columns."""
    if not len(table):
        return NOTHING
    y = logs_of(seconds)
    base = float(y.mean())
    borders = [_borders(column) for column in table.T]
    parts = [len(one) + 2 for one in borders]
    start = np.concatenate([[0], np.cumsum(parts)])
    cut = (_part(column, np.array(one, np.float64)) for column, one in zip(table.T, borders, strict=True))
    at = np.stack(list(cut), axis=1) + start[:-1]
    gram, moment = np.eye(start[-1]) * L2, np.zeros(start[-1])
    for block in range(0, len(at), _BLOCK):
        rows = at[block : block + _BLOCK]
        hot = np.zeros((len(rows), start[-1]))
        hot[np.arange(len(rows))[:, None], rows] = 1
        gram += hot.T @ hot  # whole numbers, so in whatever order they are added
        moment += hot.T @ (y[block : block + _BLOCK] - base)
    effects = np.linalg.solve(gram, moment)
    return Expectation(base, borders, [one.tolist() for one in np.split(effects, start[1:-1])])


def logs_of(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log of times (n,), where short ones count as a second."""
    return np.asarray(np.log(np.maximum(seconds, _LEAST_S)))


def _borders(column: Floats) -> list[float]:
    known = column[np.isfinite(column)]
    if not len(known):
        return []
    # Cut below a value, so that what stands in few values, such as 0 and 1, falls into as many parts.
    cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return [float(one) for one in cuts if one > known.min()]


def _part(column: Floats, borders: NDArray[np.float64]) -> NDArray[np.intp]:
    part = np.searchsorted(borders, column.astype(np.float64), side="right")
    return np.where(np.isnan(column), len(borders) + 1, part)
