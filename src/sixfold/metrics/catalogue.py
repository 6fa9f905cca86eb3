"""What do all the slates together show of the catalogue? ids (n, k) int32 item rows, filled with -1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError
from ..types import Rows
from .kernel import Doubles, Mask, column


def coverage(ids: Rows, catalogue_size: int) -> float:
    """The share of the catalogue that is shown at least once; NaN where the catalogue is empty.

    It grows with the number of requests: compare it over equally many. It has no bootstrap interval,
    because a resample always shows fewer distinct items.

    >>> coverage(np.array([[0, 2], [2, -1]]), 4)
    0.5
    """
    _in_catalogue(ids, catalogue_size)
    seen = np.zeros(catalogue_size, dtype=np.bool_)
    seen[ids[ids >= 0]] = True
    return float(seen.mean()) if catalogue_size else np.nan


def novelty(ids: Rows, popularity: ArrayLike) -> Doubles:
    """How surprising each slate is, in bits: the mean of -log2 of its items' share of all outcomes.

    popularity (items,) counts the outcomes of each item; one is added to all, so that an item never
    seen is very novel but not infinitely. One value per request (n,), NaN where the slate is empty.
    Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma of recommender systems".

    >>> novelty(np.array([[0, 1], [1, -1]]), [1, 0, 0]).tolist()
    [1.5, 2.0]
    """
    counts = 1 + column("popularity", popularity)
    _in_catalogue(ids, len(counts))
    bits = np.append(-np.log2(counts / counts.sum()), 0)  # the last is where the filler -1 looks
    return _mean_of_places(bits[ids], ids >= 0)


def new_share(ids: Rows, age_s: ArrayLike, *, younger_than_s: float) -> Doubles:
    """The share of each slate's items that are younger than that, at the time of the request.

    age_s (n, k) seconds, NaN where not known, which is not new. One value per request (n,), NaN where
    the slate is empty.
    """
    age = np.asarray(age_s, dtype=np.float64)
    if age.shape != ids.shape:
        raise DataError(f"age_s has shape {age.shape}, expected {ids.shape}: give one age for each place of ids")
    return _mean_of_places((age < younger_than_s).astype(np.float64), ids >= 0)


def _mean_of_places(values: Doubles, filled: Mask) -> Doubles:
    number = filled.sum(axis=1)
    mean: Doubles = np.full(len(number), np.nan)
    np.divide((values * filled).sum(axis=1), number, out=mean, where=number > 0)
    return mean


def _in_catalogue(ids: Rows, items: int) -> None:
    if ids.ndim != 2 or ids.max(initial=-1) >= items or ids.min(initial=0) < -1:
        raise DataError(
            f"ids has shape {ids.shape} and ranges from {ids.min(initial=0)} to {ids.max(initial=-1)}; "
            f"expected (requests, places) of item rows below {items}, or -1"
        )
