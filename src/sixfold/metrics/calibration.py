"""Do things happen as often as predicted?

label (n,) of 0 and 1, predicted (n,), weight (n,). A ratio over everything can be 1 while the low
and the high predictions are both wrong, so read `by_bin` with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .binary import rows
from .kernel import Cells, Doubles, Indices, Kernel, Statistic, ratio, runs, sums


@dataclass(frozen=True, slots=True)
class Bins:
    """A calibration table, one entry per bin from the lowest predictions to the highest.

    n (b,) int64 rows; predicted (b,) mean prediction; observed (b,) share of positives;
    ratio (b,) predicted over observed, NaN where nothing was observed.
    """

    n: NDArray[np.int64]
    predicted: Doubles
    observed: Doubles
    ratio: Doubles

    def __len__(self) -> int:
        return len(self.n)


@Kernel
def calibration_ratio(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """Sum of predictions over number of positives: above 1 promises too much. NaN without positives.

    >>> calibration_ratio([1, 0, 0, 0], [0.2, 0.1, 0.1, 0.1])
    0.5
    """
    y, p, w = rows(label, predicted, weight)
    return sums([p, y], ratio, weight=w)


@Kernel
def ece(label: ArrayLike, predicted: ArrayLike, *, bins: int = 10, weight: ArrayLike | None = None) -> Statistic:
    """Expected calibration error: the mean of |predicted - observed| over the bins of `by_bin`, by rows.

    Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", with bins
    of equal size. Noise alone lifts it above 0, and a resample has more noise, so its interval leans
    upwards. The bins stay where the whole sample put them. NaN without rows.
    """
    y, p, w = rows(label, predicted, weight)
    order, starts = _bins(p, w, bins)
    return Cells(np.array([(p - y) * w, w])[:, order], order, starts, _mean_gap, w > 0)


def by_bin(label: ArrayLike, predicted: ArrayLike, *, bins: int = 10, weight: ArrayLike | None = None) -> Bins:
    """The calibration table of about equally heavy bins of the prediction.

    Equal predictions share a bin, so ties may leave fewer bins than asked for; rows of weight 0
    do not count.

    >>> by_bin([0, 0, 1, 1], [0.1, 0.1, 0.1, 0.9], bins=2).n.tolist()
    [3, 1]
    """
    y, p, w = rows(label, predicted, weight)
    counted = w > 0
    y, p, w = y[counted], p[counted], w[counted]
    order, starts = _bins(p, w, bins)
    predicted_sum, observed_sum, total = np.add.reduceat(np.array([p * w, y * w, w])[:, order], starts, axis=1)
    share = np.divide(predicted_sum, observed_sum, out=np.full(len(starts), np.nan), where=observed_sum > 0)
    return Bins(np.diff(starts, append=len(order)), predicted_sum / total, observed_sum / total, share)


def _bins(predicted: Doubles, weight: Doubles, bins: int) -> tuple[Indices, Indices]:
    """Rows by rising prediction and where each bin starts: a run of ties goes where its middle falls."""
    order, starts = runs(predicted)
    heavy = np.add.reduceat(weight[order], starts)
    total = heavy.sum()
    if not total:
        return order, starts[:1]
    middle = np.cumsum(heavy) - 0.5 * heavy
    return order, starts[np.flatnonzero(np.diff(np.floor(middle / total * bins), prepend=-1))]


def _mean_gap(cells: Doubles) -> float:
    return ratio(np.abs(cells).sum(axis=1))
