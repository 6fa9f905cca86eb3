"""The normal distribution's function and its inverse, for whole arrays and without SciPy: straight lines in a table."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

FARTHEST = 6.0
"""Scores are held within it; beyond lie 2 of 10^9."""
_STEPS = 256
"""Points a unit: lines between them are off by less than 5e-7 in probability."""


def normal_below(z: Doubles) -> Doubles:
    """The probability that a standard normal is at most z, within 5e-7; same shape."""
    probability, slope = _table()
    place = np.clip((z + FARTHEST) * _STEPS, 0, len(slope) - 1e-9)
    left = place.astype(np.int32)
    return np.asarray(probability.take(left) + slope.take(left) * (place - left))


def normal_score(u: Doubles) -> Doubles:
    """What undoes `normal_below`, within 1e-4 for u from 1e-6 to 1 - 1e-6; same shape."""
    probability, _ = _table()
    return np.interp(u, probability, np.arange(len(probability)) / _STEPS - FARTHEST)


@cache
def _table() -> tuple[Doubles, Doubles]:
    """Probabilities at each point from -6 to 6, and how far each piece rises."""
    points = np.arange(int(2 * FARTHEST * _STEPS) + 1) / _STEPS - FARTHEST
    probability = np.array([NormalDist().cdf(z) for z in points.tolist()])
    return probability, np.diff(probability)
