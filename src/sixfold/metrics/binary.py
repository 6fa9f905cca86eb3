"""How good are probabilities, or scores, of something that happens or not?

All take label (n,) of 0 and 1 and predicted (n,), with an optional weight (n,) of each row.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError
from .kernel import Cells, Doubles, Indices, Kernel, Statistic, column, ratio, runs, share, sums, weights

TINY = float(np.finfo(np.float64).eps)


@Kernel
def log_loss(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of -log p(label), in nats; lower is better. NaN without rows.

    Probabilities are kept 2.2e-16 away from 0 and 1, so that one wrong certainty costs 36 and not infinity.

    >>> round(log_loss([1, 0], [0.8, 0.4]), 4)
    0.367
    """
    y, p, w = rows(label, predicted, weight)
    return sums([_loss(y, _probability(p)), 1.0], ratio, weight=w)


@Kernel
def normalised_entropy(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """Log loss over that of always predicting the base rate: 1 is no better than knowing nothing.

    He et al. 2014, "Practical Lessons from Predicting Clicks on Ads at Facebook", section 2. NaN
    where only one class is there, since the base rate is then certain.

    >>> round(normalised_entropy([1, 0], [0.8, 0.4]), 4)
    0.5294
    """
    y, p, w = rows(label, predicted, weight)
    return sums([_loss(y, _probability(p)), y, 1 - y], _over_base_rate, weight=w)


@Kernel
def brier(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of (predicted - label) squared; lower is better. NaN without rows."""
    y, p, w = rows(label, predicted, weight)
    return sums([(_probability(p) - y) ** 2, 1.0], ratio, weight=w)


@Kernel
def auc(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The chance that a positive is predicted above a negative, a tie counting half. NaN with one class only.

    >>> auc([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1])
    0.875
    """
    y, p, w = rows(label, predicted, weight)
    order, starts = runs(p)
    return Cells(_classes(y, w, order), order, starts, _auc, w > 0)


@Kernel
def grouped_auc(
    label: ArrayLike, predicted: ArrayLike, *, group: ArrayLike, weight: ArrayLike | None = None
) -> Statistic:
    """The mean of each group's AUC, weighted by the group's rows: the order within one member's items.

    group (n,), of any sortable dtype. A group with one class has no AUC and is left out; NaN where
    that leaves none. Zhou et al. 2018, "Deep Interest Network for Click-Through Rate
    Prediction", its metric.

    >>> grouped_auc([1, 0, 1, 0, 1], [0.2, 0.1, 0.8, 0.9, 0.5], group=[1, 1, 2, 2, 3])
    0.5
    """
    y, p, w = rows(label, predicted, weight)
    groups = np.asarray(group)
    if groups.shape != y.shape:
        raise DataError(f"group has shape {groups.shape}, expected {y.shape}: give one value for each row")
    _, codes = np.unique(groups, return_inverse=True)
    both = (np.bincount(codes, y * w) > 0) & (np.bincount(codes, (1 - y) * w) > 0)
    counted = both[codes] & (w > 0)
    used = np.flatnonzero(counted)
    order, starts = runs(codes[used], p[used])
    row = used[order]
    bounds = np.flatnonzero(np.diff(codes[row][starts], prepend=-1))
    return Cells(_classes(y, w, row), row, starts, partial(_grouped_auc, bounds=bounds), counted)


@Kernel
def average_precision(label: ArrayLike, predicted: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The precision at each threshold, weighted by the recall it adds; ties share one threshold. NaN without positives.

    The area under the precision-recall curve by steps, without interpolation, as scikit-learn has it.

    >>> round(average_precision([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1]), 4)
    0.8333
    """
    y, p, w = rows(label, predicted, weight)
    order, starts = runs(-p)
    return Cells(_classes(y, w, order), order, starts, _average_precision, w > 0)


@Kernel
def precision(
    label: ArrayLike, predicted: ArrayLike, *, threshold: float = 0.5, weight: ArrayLike | None = None
) -> Statistic:
    """The share of positives among rows predicted at or above the threshold; NaN where no row is."""
    y, p, w = rows(label, predicted, weight)
    above = 1.0 * (p >= threshold)
    return sums([y * above, above], ratio, weight=w)


@Kernel
def recall(
    label: ArrayLike, predicted: ArrayLike, *, threshold: float = 0.5, weight: ArrayLike | None = None
) -> Statistic:
    """The share of the positives that are predicted at or above the threshold; NaN without positives."""
    y, p, w = rows(label, predicted, weight)
    return sums([y * (p >= threshold), y], ratio, weight=w)


@Kernel
def f1(label: ArrayLike, predicted: ArrayLike, *, threshold: float = 0.5, weight: ArrayLike | None = None) -> Statistic:
    """The harmonic mean of precision and recall; NaN where nothing is positive, neither label nor prediction."""
    y, p, w = rows(label, predicted, weight)
    above = 1.0 * (p >= threshold)
    return sums([2 * y * above, y + above], ratio, weight=w)


def rows(label: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None) -> tuple[Doubles, Doubles, Doubles]:
    """Label, prediction and weight as float64 (n,); DataError where they do not fit or a label is not 0 or 1."""
    y = column("label", label)
    odd = y[(y != 0) & (y != 1)]
    if len(odd):
        raise DataError(f"label is {odd[0]:g} in a row, expected 0 or 1; a metric of amounts is in metrics.regression")
    return y, column("predicted", predicted, rows=len(y)), weights(weight, len(y))


def _probability(predicted: Doubles) -> Doubles:
    odd = predicted[(predicted < 0) | (predicted > 1)]
    if len(odd):
        raise DataError(f"predicted is {odd[0]:g} in a row, expected a probability from 0 to 1; calibrate scores first")
    return predicted


def _loss(label: Doubles, predicted: Doubles) -> Doubles:
    kept = np.clip(predicted, TINY, 1 - TINY)
    return -np.log(np.where(label == 1, kept, 1 - kept))


def _over_base_rate(totals: Doubles) -> float:
    loss, positives, negatives = totals
    if not (positives and negatives):
        return np.nan
    rows = positives + negatives
    return float(-loss / (positives * np.log(positives / rows) + negatives * np.log(negatives / rows)))


def _classes(label: Doubles, weight: Doubles, row: Indices) -> Doubles:
    """Positives and negatives (2, n) in the order of row: the terms of every metric of an order."""
    label, weight = label[row], weight[row]
    return np.array([label * weight, (1 - label) * weight])


def _auc(cells: Doubles) -> float:
    """Each positive wins against the negatives in the cells before its own and half of those within."""
    positives, negatives = cells
    won = positives @ (np.cumsum(negatives) - 0.5 * negatives)
    return share(won, positives.sum() * negatives.sum())


def _grouped_auc(cells: Doubles, *, bounds: Indices) -> float:
    """As `_auc` within each group, whose cells begin at bounds (groups,)."""
    positives, negatives = cells
    up_to = np.cumsum(negatives)
    before = np.repeat(up_to[bounds] - negatives[bounds], np.diff(bounds, append=len(up_to)))
    won = np.add.reduceat(positives * (up_to - before - 0.5 * negatives), bounds)
    p, n = np.add.reduceat(cells, bounds, axis=1)
    both = (p > 0) & (n > 0)
    size = (p + n)[both]
    return share(size @ (won[both] / (p * n)[both]), size.sum())


def _average_precision(cells: Doubles) -> float:
    positives, negatives = cells
    found, shown = np.cumsum(positives), np.cumsum(positives + negatives)
    precise = np.divide(found, shown, out=np.zeros_like(found), where=shown > 0)
    return share(positives @ precise, positives.sum())
