"""When requests are sent: fixed before the first one is, so that no answer, however late, delays the next question.

A loop that waits for answers sends least while the service is slowest and so never measures its worst moments
(coordinated omission: Tene 2013, "How NOT to Measure Latency"; Schroeder, Wierman, Harchol-Balter 2006, "Open Versus
Closed", section 3).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Seconds: TypeAlias = NDArray[np.float64]
"""Seconds since the start, ascending (n,) float64."""


def constant(rate: float, seconds: float) -> Seconds:
    """Requests at equal distances.

    >>> constant(4, 1).tolist()
    [0.0, 0.25, 0.5, 0.75]
    """
    return np.arange(round(rate * seconds)) / rate


def poisson(rate: float, seconds: float, rng: np.random.Generator) -> Seconds:
    """Requests of many independent people: as bursty as those are."""
    return np.sort(rng.uniform(0.0, seconds, rng.poisson(rate * seconds)))
