"""What every metric is: a function of how often each row counts.

A metric adds up a few terms of its rows, over all of them (`Sums`) or within cells of rows that
belong together, such as tied predictions (`Cells`), and finishes with arithmetic on the sums. Logs,
checks and sorting happen once, in `Kernel.of`; a bootstrap replicate only changes how often each
row counts, so it costs one pass over the rows, or over the clusters where there is a single cell.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError

Doubles: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]
Mask: TypeAlias = NDArray[np.bool_]
Finish: TypeAlias = Callable[[Doubles], float]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Sums:
    """A metric that needs only totals over all rows: finish(terms @ times).

    terms (m, n) float64, weights already multiplied in; finish takes (m,); counted (n,) says which
    rows the metric looks at: all others have zero terms.
    """

    terms: Doubles
    finish: Finish
    counted: Mask

    def at(self, times: Doubles) -> float:
        """The metric where row i counts times[i] times; times (n,) float64."""
        return self.finish(self.terms @ times)

    def clustered(self, cluster: Indices, clusters: int) -> Sums:
        """The same metric over clusters for rows: `at` then takes times (clusters,)."""
        totals = [np.bincount(cluster, term, clusters) for term in self.terms]
        return Sums(np.array(totals), self.finish, np.ones(clusters, dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class Cells:
    """A metric that needs totals within cells, in the order of the cells.

    terms (m, n) float64 in cell order, weights already multiplied in; row (n,) which entry of times
    each column of terms goes by; starts (cells,) where each cell begins; finish takes (m, cells);
    counted as in `Sums`, in the order of the rows.
    """

    terms: Doubles
    row: Indices
    starts: Indices
    finish: Finish
    counted: Mask

    def at(self, times: Doubles) -> float:
        """The metric where row i counts times[i] times; times (n,) float64."""
        terms = self.terms * times[self.row]
        if len(self.starts) < len(self.row):  # without ties the reduction would be a slow copy, a third of AUC's time
            terms = np.add.reduceat(terms, self.starts, axis=1)
        return self.finish(terms)

    def clustered(self, cluster: Indices, clusters: int) -> Cells:
        """The same metric over clusters for rows: `at` then takes times (clusters,)."""
        return Cells(self.terms, cluster[self.row], self.starts, self.finish, np.ones(clusters, dtype=np.bool_))


Statistic: TypeAlias = Sums | Cells


class Kernel(Generic[P]):
    """A metric as one calls it: `auc(...)` is its value, `auc.of(...)` what a bootstrap reweights.

    NaN, never an exception, where the rows leave the metric undefined; DataError where they do not
    fit together.
    """

    def __init__(self, of: Callable[P, Statistic]) -> None:
        self.of = of
        functools.update_wrapper(self, of)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float:
        return value(self.of(*args, **kwargs))


def value(statistic: Statistic) -> float:
    """The metric where every row counts once."""
    return statistic.at(np.ones(len(statistic.counted)))


def share(part: float, whole: float) -> float:
    """part / whole, NaN where whole is 0."""
    return float(part / whole) if whole else np.nan


def ratio(totals: Doubles) -> float:
    """The first total over the second: the finish of most metrics."""
    return share(totals[0], totals[1])


def runs(*keys: NDArray[Any]) -> tuple[Indices, Indices]:
    """Rows sorted by the keys, the first key first, and where each run of equal keys starts.

    Stable, so that ties are added up in one order on every machine.

    >>> order, starts = runs(np.array([0.5, 0.1, 0.5]))
    >>> order.tolist(), starts.tolist()
    ([1, 0, 2], [0, 1])
    """
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), dtype=np.bool_)
    new[:1] = True
    for key in keys:
        ordered = key[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return order, np.flatnonzero(new)


def column(name: str, values: ArrayLike, *, rows: int | None = None) -> Doubles:
    """The values as float64 (n,); DataError where they have another shape, another length or are NaN."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or rows not in (None, len(found)):
        expected = "one dimension" if rows is None else f"({rows},)"
        raise DataError(f"{name} has shape {found.shape}, expected {expected}: give one value for each row")
    if np.isnan(found).any():
        raise DataError(f"{name} is NaN in {np.isnan(found).sum()} of {len(found)} rows; leave those rows out")
    return found


def weights(weight: ArrayLike | None, rows: int) -> Doubles:
    """The weight of each row, 1 unless given; DataError where one is negative or infinite."""
    if weight is None:
        return np.ones(rows)
    found = column("weight", weight, rows=rows)
    if len(found) and not (found.min() >= 0 and found.max() < np.inf):
        raise DataError(f"weight ranges from {found.min()} to {found.max()}; expected finite values of 0 or more")
    return found


def sums(terms: Sequence[NDArray[np.floating[Any]] | float], finish: Finish, *, weight: Doubles) -> Sums:
    """The terms (each (n,), or one number for all rows), times weight (n,), as a `Sums`."""
    return Sums(np.array([term * weight for term in terms]), finish, weight > 0)


@Kernel
def mean(values: ArrayLike, *, weight: ArrayLike | None = None) -> Statistic:
    """The mean of values (n,) where they are not NaN; NaN where none is.

    What turns a vector of one value per request (nDCG, recall, seconds watched) into one number.

    >>> mean([0.5, np.nan, 1.0])
    0.75
    """
    found = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(found)
    filled = column("values", np.where(known, found, 0))
    return sums([filled, 1.0], ratio, weight=weights(weight, len(filled)) * known)
