"""Between probabilities and log-odds, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EDGE = 1e-12


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probability of each log-odds; exact in both tails, never an overflow.

    >>> sigmoid(np.array([-800.0, 0.0, 800.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    tail = np.exp(-np.abs(x))
    out: NDArray[np.float64] = np.where(x >= 0, 1.0, tail) / (1.0 + tail)
    return out


def logit(p: ArrayLike) -> NDArray[np.float64]:
    """The log-odds of each probability, which is first held within 1e-12 of 0 and 1."""
    held = np.clip(np.asarray(p, dtype=np.float64), _EDGE, 1 - _EDGE)
    out: NDArray[np.float64] = np.log(held) - np.log1p(-held)
    return out
