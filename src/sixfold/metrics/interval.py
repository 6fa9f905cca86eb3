"""How sure is a metric? The percentile bootstrap over whole clusters.

Rows of one member are alike, so the members, not the rows, are drawn again (Field and Welsh 2007,
"Bootstrapping clustered data"). A replicate draws as many clusters as there are, with replacement,
and every row counts as often as its cluster was drawn. Percentile intervals are a little narrow for
few clusters: a nominal 95 % covers 88 % with 10 clusters, 92 % with 30, 94 % with 100 (2 000 trials of
a normal mean).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from .kernel import Doubles, Indices, Statistic, runs, value


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric's value and the range in which it would fall again.

    n is how many rows count (an nDCG of NaN does not), clusters how many clusters those rows come from.
    value is NaN where the metric is undefined; low and high also with fewer than two clusters, which
    say nothing about the spread.
    """

    value: float
    low: float
    high: float
    n: int
    clusters: int


def interval(
    statistic: Statistic,
    *,
    cluster: ArrayLike,
    rng: np.random.Generator,
    replicates: int = 200,
    level: float = 0.95,
) -> Interval:
    """The interval of one metric; cluster (n,) says whose each row is, in any sortable dtype.

    >>> from sixfold.metrics.kernel import mean
    >>> found = interval(mean.of([1, 1, 0, 0]), cluster=[7, 7, 8, 9], rng=np.random.default_rng(0))
    >>> found.value, found.n, found.clusters
    (0.5, 4, 3)
    """
    codes, clusters = _codes(cluster, counted=statistic.counted)
    drawn = _resample([statistic], codes, clusters, rng=rng, replicates=replicates)
    return _interval(value(statistic), drawn[0], level=level, n=int(statistic.counted.sum()), clusters=clusters)


def paired(
    a: Statistic,
    b: Statistic,
    *,
    cluster: ArrayLike,
    rng: np.random.Generator,
    replicates: int = 200,
    level: float = 0.95,
) -> Interval:
    """The interval of a - b, both measured on the same rows and drawn together.

    What a and b share cancels, so a difference shows that two separate intervals would hide.
    """
    if len(a.counted) != len(b.counted):
        raise DataError(f"a has {len(a.counted)} rows and b has {len(b.counted)}; measure both on the same rows")
    counted = a.counted | b.counted
    codes, clusters = _codes(cluster, counted=counted)
    drawn_a, drawn_b = _resample([a, b], codes, clusters, rng=rng, replicates=replicates)
    difference = value(a) - value(b)
    return _interval(difference, drawn_a - drawn_b, level=level, n=int(counted.sum()), clusters=clusters)


def sliced(
    of: Callable[[Indices], Statistic],
    by: NDArray[Any],
    *,
    cluster: NDArray[Any],
    rng: np.random.Generator,
    replicates: int = 200,
    level: float = 0.95,
) -> dict[Any, Interval]:
    """The interval within each value of by (n,), in the order of the values; `of` measures the given rows.

    sliced(lambda rows: auc.of(label[rows], predicted[rows]), country, cluster=member, rng=rng)
    """
    order, starts = runs(by)
    return {
        key: interval(of(rows), cluster=cluster[rows], rng=rng, replicates=replicates, level=level)
        for key, rows in zip(by[order[starts]].tolist(), np.split(order, starts[1:]), strict=False)
    }


def _codes(cluster: ArrayLike, *, counted: NDArray[np.bool_]) -> tuple[Indices, int]:
    """Clusters numbered from 0, and how many: those without a row that counts are not drawn."""
    found = np.asarray(cluster)
    if found.shape != counted.shape:
        raise DataError(f"cluster has shape {found.shape}, expected {counted.shape}: give one for each row")
    values, inverse = np.unique(found[counted], return_inverse=True)
    codes = np.zeros(len(found), dtype=np.intp)  # rows that do not count have zero terms, so any cluster does
    codes[counted] = inverse
    return codes, len(values)


def _resample(
    statistics: Sequence[Statistic], codes: Indices, clusters: int, *, rng: np.random.Generator, replicates: int
) -> Doubles:
    """The value of each metric in each replicate, (metrics, replicates); a replicate draws for all of them."""
    clustered = [statistic.clustered(codes, clusters) for statistic in statistics]
    drawn = np.full((len(statistics), replicates), np.nan)
    for replicate in range(replicates if clusters > 1 else 0):
        # Counting uniform draws is multinomial, and five times faster than Generator.multinomial.
        times = np.bincount(rng.integers(clusters, size=clusters), minlength=clusters).astype(np.float64)
        drawn[:, replicate] = [each.at(times) for each in clustered]
    return drawn


def _interval(measured: float, drawn: Doubles, *, level: float, n: int, clusters: int) -> Interval:
    """Between the percentiles of the replicates in which the metric is defined."""
    known = drawn[~np.isnan(drawn)]
    if np.isnan(measured) or not len(known):
        return Interval(measured, np.nan, np.nan, n, clusters)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(measured, float(low), float(high), n, clusters)
