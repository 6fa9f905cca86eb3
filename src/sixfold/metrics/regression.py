"""How far off is an estimate? label (n,) and predicted (n,) in one unit, with an optional weight (n,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .kernel import Doubles, Kernel, Statistic, column, ratio, sums, weights


@Kernel
def rmse(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The root of the mean squared error, in the label's unit; NaN without rows."""
    _, error, w = _errors(label, predicted, weight)
    return sums([error**2, 1.0], _root, weight=w)


@Kernel
def mae(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean absolute error, in the label's unit; NaN without rows."""
    _, error, w = _errors(label, predicted, weight)
    return sums([np.abs(error), 1.0], ratio, weight=w)


@Kernel
def bias(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of predicted - label: above 0 estimates too much; NaN without rows.

    >>> bias([10, 20], [13, 21])
    2.0
    """
    _, error, w = _errors(label, predicted, weight)
    return sums([error, 1.0], ratio, weight=w)


@Kernel
def over(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of what estimates are above their labels, 0 for the others: with `under` it splits `mae` in two.

    >>> over([10, 20], [13, 19]), under([10, 20], [13, 19])
    (1.5, 0.5)
    """
    _, error, w = _errors(label, predicted, weight)
    return sums([np.maximum(error, 0), 1.0], ratio, weight=w)


@Kernel
def under(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of what estimates are below their labels, 0 for the others; over - under is `bias`."""
    _, error, w = _errors(label, predicted, weight)
    return sums([np.maximum(-error, 0), 1.0], ratio, weight=w)


@Kernel
def mape(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of |predicted - label| / |label|, as a fraction: 0.1 is 10 %.

    Its flaw: an estimate of nothing errs by 100 %, one that is too large by any number of per cent, so
    a model chosen by it estimates too little. The best constant for labels of 10, 20 and 40 is 10 by
    MAPE and 20 by MAE. Judge times by `mae`, `bias` and the split into `over` and `under`.

    A label of 0 has no percentage: those rows are left out, and an interval's n counts the rest. NaN
    where no row remains.

    >>> mape([10, 0, 20], [11, 5, 20]), int(mape.of([10, 0, 20], [11, 5, 20]).counted.sum())
    (0.05, 2)
    """
    y, error, w = _errors(label, predicted, weight)
    size = np.where(y == 0, 1, np.abs(y))
    return sums([np.abs(error) / size, 1.0], ratio, weight=w * (y != 0))


def _errors(label: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None) -> tuple[Doubles, Doubles, Doubles]:
    """Label, predicted - label, and weight."""
    y = column("label", label)
    return y, column("predicted", predicted, rows=len(y)) - y, weights(weight, len(y))


def _root(totals: Doubles) -> float:
    return float(np.sqrt(ratio(totals)))
