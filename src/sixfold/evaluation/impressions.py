"""Metrics over impressions: predictions for what was shown and logged, against what came of it.

These rows are as the log has them: no negative was dropped, and the position is the logged one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..metrics import binary, calibration, regression
from ..metrics.interval import interval, sliced
from ..metrics.kernel import Statistic, mean
from ..metrics.spec import (
    auc,
    average_precision,
    bias,
    brier,
    grouped_auc,
    log_loss,
    mae,
    normalised_entropy,
    positive_rate,
    rmse,
)
from ..metrics.spec import calibration as ratio
from ..metrics.target import Metric
from ..types import Floats, Rows
from .results import Bin, Measures, measure

ORDER = ("auc", "grouped_auc", "average_precision")
"""Metrics that need no probability, only an order."""


def standard(member: str) -> tuple[Metric, ...]:
    """What is always measured of a probability."""
    return (
        log_loss(), normalised_entropy(), auc(), grouped_auc(by=member), average_precision(), brier(), ratio(),
        positive_rate(),
    )  # fmt: skip


def statistic(metric: Metric, label: Floats, predicted: Floats, member: Rows) -> Statistic | None:
    """The kernel of a metric over impressions; None where it is none."""
    if metric.name == "grouped_auc":
        return binary.grouped_auc.of(label, predicted, group=member)
    if metric.name == "positive_rate":
        return mean.of(label)
    kernels = {
        "log_loss": binary.log_loss, "normalised_entropy": binary.normalised_entropy, "auc": binary.auc,
        "average_precision": binary.average_precision, "brier": binary.brier,
        "calibration": calibration.calibration_ratio,
        "rmse": regression.rmse, "mae": regression.mae, "bias": regression.bias, "mape": regression.mape,
    }  # fmt: skip
    return kernels[metric.name].of(label, predicted) if metric.name in kernels else None


def judge(
    metrics: Iterable[Metric], label: Floats, predicted: Floats, member: Rows, rng: np.random.Generator
) -> Measures:
    """Each metric with its interval, clustered by member."""
    out: Measures = {}
    for metric in metrics:
        found = statistic(metric, label, predicted, member)
        if found is not None:
            out[str(metric)] = measure(metric, interval(found, cluster=member, rng=rng))
    return out


def by_slice(
    metrics: Iterable[Metric],
    label: Floats,
    predicted: Floats,
    member: Rows,
    values: NDArray[np.str_],
    rng: np.random.Generator,
) -> dict[str, Measures]:
    """Each metric within each value of a slice."""
    out: dict[str, Measures] = {}
    for metric in metrics:

        def of(rows: NDArray[np.intp], metric: Metric = metric) -> Statistic:
            found = statistic(metric, label[rows], predicted[rows], member[rows])
            assert found is not None
            return found

        for value, found in sliced(of, values, cluster=member, rng=rng, replicates=100).items():
            out.setdefault(str(value), {})[str(metric)] = measure(metric, found)
    return out


def amounts(label: Floats, predicted: Floats, member: Rows, rng: np.random.Generator) -> Measures:
    """The errors of a head that predicts an amount, over the rows that have one."""
    known = ~np.isnan(label)
    return judge((rmse(), mae(), bias()), label[known], predicted[known], member[known], rng)


def tenths(label: Floats, predicted: Floats) -> list[Bin]:
    """Predicted against observed in tenths of the prediction."""
    found = calibration.by_bin(label, predicted)
    columns = (found.n, found.predicted, found.observed)
    return [Bin(int(n), float(p), float(o)) for n, p, o in zip(*columns, strict=True)]
