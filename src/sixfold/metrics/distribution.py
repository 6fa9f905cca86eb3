"""How good is a whole distribution? Quantiles (n, q) at rising levels (q,), judged by one label (n,) each."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError
from .kernel import Doubles, Kernel, Statistic, column, ratio, sums, weights


@Kernel
def pinball(label: ArrayLike, predicted: ArrayLike, *, level: float, weight: ArrayLike | None = None) -> Statistic:
    """The mean pinball loss of one quantile, in the label's unit: least, in the mean, at the true quantile.

    A miss costs `level` a unit where the label is above, 1 - `level` where it is below (Koenker and Bassett
    1978, "Regression Quantiles"). At level 0.5 it is half the mean absolute error.

    >>> pinball([10.0, 10.0], [8.0, 11.0], level=0.9)
    0.95
    """
    if not 0 < level < 1:
        raise DataError(f"level is {level}; expected a number between 0 and 1, such as 0.9")
    y = column("label", label)
    above = y - column("predicted", predicted, rows=len(y))
    return sums([np.maximum(level * above, (level - 1) * above), 1.0], ratio, weight=weights(weight, len(y)))


@Kernel
def coverage(label: ArrayLike, low: ArrayLike, high: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The share of labels within [low, high], both ends counted; NaN without rows.

    >>> coverage([1, 5, 9, 12], [0, 5, 10, 11], [2, 6, 11, 13])
    0.75
    """
    y = column("label", label)
    lower, upper = (column(name, values, rows=len(y)) for name, values in (("low", low), ("high", high)))
    inside = (lower <= y) & (y <= upper)
    return sums([inside.astype(np.float64), 1.0], ratio, weight=weights(weight, len(y)))


@Kernel
def width(low: ArrayLike, high: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of high - low: what coverage was bought with, for an interval of everything covers it all."""
    lower = column("low", low)
    span = column("high", high, rows=len(lower)) - lower
    return sums([span, 1.0], ratio, weight=weights(weight, len(lower)))


@Kernel
def crps(label: ArrayLike, quantiles: ArrayLike, *, levels: ArrayLike, weight: ArrayLike | None = None) -> Statistic:
    """The mean continuous ranked probability score, in the label's unit: the absolute error of a distribution.

    It is the integral over x of (F(x) - [x >= label])^2 (Gneiting and Raftery 2007, "Strictly Proper Scoring Rules",
    section 4.2), exact for the law whose distribution function F is straight between neighbouring quantiles and has the
    rest of its mass at the two outermost ones. So levels that stop at 0.95 never see how far the tail beyond it goes:
    compare forecasts at the same levels only. With one level it is the absolute error.

    >>> crps([3.0], [[1.0, 2.0]], levels=[0.0, 1.0])    # uniform on [1, 2]: 1/3 up to 2, then 1
    1.3333333333333333
    """
    y = column("label", label)
    p, q = _checked(quantiles, levels, rows=len(y))
    return sums([_scores(y, p, q), 1.0], ratio, weight=weights(weight, len(y)))


def _scores(y: Doubles, p: Doubles, q: Doubles) -> Doubles:
    """The score (n,) of each label; each straight piece of F is cut where the label stands in it."""
    start, stop, below, above = q[:, :-1], q[:, 1:], p[:-1], p[1:]
    cut = np.clip(y[:, None], start, stop)
    length = stop - start
    at_cut = below + (above - below) * np.divide(cut - start, length, out=np.zeros_like(length), where=length > 0)
    left = (cut - start) * _square(below, at_cut)
    right = (stop - cut) * _square(1 - at_cut, 1 - above)
    outside = np.maximum(q[:, 0] - y, 0) + np.maximum(y - q[:, -1], 0)
    scores: Doubles = (left + right).sum(axis=1) + outside
    return scores


def _square(first: Doubles, last: Doubles) -> Doubles:
    """The mean square of a straight line from `first` to `last`."""
    return (first**2 + first * last + last**2) / 3


def _checked(quantiles: ArrayLike, levels: ArrayLike, *, rows: int) -> tuple[Doubles, Doubles]:
    """Levels (q,) and quantiles (n, q) as float64; DataError where either does not rise or they do not fit."""
    p, q = column("levels", levels), np.asarray(quantiles, np.float64)
    if not len(p) or (np.diff(p) <= 0).any() or p[0] < 0 or p[-1] > 1:
        raise DataError(f"levels is {p.tolist()}; expected rising numbers from 0 to 1, such as [0.1, 0.5, 0.9]")
    if q.shape != (rows, len(p)):
        raise DataError(f"quantiles has shape {q.shape}, expected ({rows}, {len(p)}): a row a label, a column a level")
    if np.isnan(q).any() or (np.diff(q, axis=1) < 0).any():
        raise DataError("quantiles fall or are NaN in some rows; sort each row (np.sort(quantiles, axis=1)) first")
    return p, q
