"""What is a promise worth? label (n,) and promised (n,) in one unit: late is a label above what was promised."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError
from .kernel import Doubles, Kernel, Statistic, column, ratio, sums, weights


@Kernel
def late_share(label: ArrayLike, promised: ArrayLike, *, by: float = 0.0, weight: ArrayLike | None = None) -> Statistic:
    """The share of rows that are late by more than `by`; NaN without rows.

    >>> late_share([30, 36, 41], [30, 30, 30], by=5)
    0.6666666666666666
    """
    late, w = _late(label, promised, weight)
    return sums([(late > by).astype(np.float64), 1.0], ratio, weight=w)


@Kernel
def promise_cost(
    label: ArrayLike, promised: ArrayLike, *, late: float, early: float, weight: ArrayLike | None = None
) -> Statistic:
    """The mean cost of promises: `late` for each unit after what was promised, `early` for each before.

    It is (late + early) times the pinball loss at the level late / (late + early), so the quantile of that level
    is the promise that costs least in the mean.

    >>> promise_cost([30.0, 36.0], [32.0, 32.0], late=3.0, early=1.0)
    7.0
    """
    if not (late >= 0 and early >= 0 and 0 < late + early < np.inf):
        raise DataError(f"late is {late} and early is {early}; expected finite costs of 0 or more, not both 0")
    minutes, w = _late(label, promised, weight)
    return sums([np.where(minutes > 0, late * minutes, -early * minutes), 1.0], ratio, weight=w)


def _late(label: ArrayLike, promised: ArrayLike, weight: ArrayLike | None) -> tuple[Doubles, Doubles]:
    """label - promised, and weight."""
    y = column("label", label)
    return y - column("promised", promised, rows=len(y)), weights(weight, len(y))
