"""Log gamma and the incomplete beta function on arrays, for laws whose truth is a formula.

The base install has no SciPy, and a world may import none; tests/worlds/test_incomplete.py holds both against it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Reals: TypeAlias = NDArray[np.float64]

_BERNOULLI = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_SHIFT = 7
_TERMS = 400
_TINY = 1e-300


def log_gamma(x: Reals) -> Reals:
    """Log of the gamma function for x > 0, to 1e-12: Stirling's series (DLMF 5.11.1) at x + 7, brought back by the recurrence.

    >>> log_gamma(np.array([1.0, 5.0])).round(9)
    array([0.        , 3.17805383])
    """
    up = np.ones_like(x)
    for step in range(_SHIFT):
        up = up * (x + step)
    z = x + _SHIFT
    series = sum(b / z ** (2 * i + 1) for i, b in enumerate(_BERNOULLI))
    out: Reals = (z - 0.5) * np.log(z) - z + 0.5 * np.log(2 * np.pi) + series - np.log(up)
    return out


def log_beta(a: Reals, b: Reals) -> Reals:
    """Log of the beta function for a, b > 0."""
    return log_gamma(a) + log_gamma(b) - log_gamma(a + b)


def beta_cdf(a: Reals, b: Reals, x: Reals) -> Reals:
    """P(X <= x) of a beta variable, the regularised incomplete beta function; arrays broadcast, x is clipped to [0, 1].

    >>> beta_cdf(np.array([2.0]), np.array([3.0]), np.array([0.5])).round(9)
    array([0.6875])
    """
    a, b, x = np.broadcast_arrays(a, b, np.clip(x, 0.0, 1.0))
    # The fraction converges fast below the mean only; above it the mirrored one does.
    above = x > (a + 1) / (a + b + 2)
    a, b, x = np.where(above, b, a), np.where(above, a, b), np.where(above, 1 - x, x)
    with np.errstate(divide="ignore"):
        front = np.exp(a * np.log(x) + b * np.log1p(-x) - log_beta(a, b)) / a
    part = np.where(x > 0, front * _fraction(a, b, x), 0.0)
    return np.where(above, 1 - part, part)


def _fraction(a: Reals, b: Reals, x: Reals) -> Reals:
    """The continued fraction of DLMF 8.17.22, by Lentz's method: about sqrt(max(a, b)) terms below the mean."""
    out = np.ones_like(x)
    c, d = np.ones_like(x), np.zeros_like(x)
    for term in range(_TERMS):
        m = (term + 1) // 2
        if term % 2:
            step = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            step = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + step * d)
        c = _away(1 + step / c)
        out = out * (c * d)
        if np.abs(c * d - 1).max(initial=0.0) < 1e-13:
            break
    return 1 / out


def _away(x: Reals) -> Reals:
    """Never 0, so that it can be divided by."""
    return np.where(np.abs(x) < _TINY, _TINY, x)
