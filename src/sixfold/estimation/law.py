"""A distribution told by its quantiles: what lies between them and beyond.

levels (q,) rise within (0, 1); quantiles (n, q) float64, a row a distribution, never falling. Between neighbours the
distribution is uniform; beyond the two outermost it is exponential, with the slope of the outermost piece, so a tail
goes on as it set out. With one level all mass is at its quantile. Arguments x and u are (n, s): s points a row.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError

Doubles = NDArray[np.float64]

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The levels unless told otherwise."""


def checked_levels(levels: ArrayLike) -> Doubles:
    """The levels (q,) as float64; DesignError where they do not rise within (0, 1)."""
    found = np.asarray(levels, np.float64)
    if found.ndim == 1 and _rise(found.tobytes()):
        return found
    raise DesignError(f"levels is {found.tolist()}; expected rising numbers between 0 and 1, such as (0.05, 0.5, 0.95)")


@lru_cache(maxsize=64)
def _rise(levels: bytes) -> bool:
    """Whether there are levels that rise within (0, 1); asked of the same ones many times a request."""
    found = np.frombuffer(levels)
    return bool(len(found) and found[0] > 0 and found[-1] < 1 and (np.diff(found) > 0).all())


def checked(levels: ArrayLike, quantiles: ArrayLike) -> tuple[Doubles, Doubles]:
    """Levels (q,) and quantiles (n, q) as float64; DataError where they do not fit together."""
    p, q = checked_levels(levels), np.asarray(quantiles, np.float64)
    if q.ndim != 2 or q.shape[1] != len(p):
        raise DataError(f"quantiles has shape {q.shape}; expected (n, {len(p)}), a column for each level")
    return p, q


def span(quantiles: Doubles) -> Doubles:
    """How wide each row (n, q) is: the yardstick (n, 1) by which errors of unlike rows are compared; never 0."""
    wide = quantiles[:, -1:] - quantiles[:, :1] if quantiles.shape[1] > 1 else np.abs(quantiles)
    return np.maximum(wide, 1.0)


def at(levels: Doubles, quantiles: Doubles, u: Doubles) -> Doubles:
    """The quantiles (n, s) at other levels u (s,) or (n, s) within (0, 1).

    >>> at(np.array([0.25, 0.75]), np.array([[10.0, 20.0]]), np.array([0.25, 0.5, 0.75])).tolist()
    [[10.0, 15.0, 20.0]]
    """
    if np.ndim(u) == 1:
        # At the same levels for every row it is the same sum of its quantiles: one product, 10 times as fast for one row.
        return np.asarray(quantiles @ _shares(levels.tobytes(), np.asarray(u, np.float64).tobytes()))
    return _at(levels, quantiles, u)


@lru_cache(maxsize=64)
def _shares(levels: bytes, u: bytes) -> Doubles:
    """How much (q, s) of each quantile is in those at levels u (s,); levels and u as bytes of float64."""
    p = np.frombuffer(levels)
    return _at(p, np.eye(len(p)), np.broadcast_to(np.frombuffer(u), (len(p), len(u) // 8)))


def _at(levels: Doubles, quantiles: Doubles, u: Doubles) -> Doubles:
    """`at` for u (n, s)."""
    scale = _scales(levels, quantiles)
    piece = np.clip(np.searchsorted(levels, u) - 1, 0, max(len(levels) - 2, 0))
    slope = _slopes(levels, quantiles)
    # One flat index instead of three gathers along an axis: 2.5 times as fast.
    flat = piece + np.arange(len(quantiles))[:, None] * slope.shape[1]
    start = np.ascontiguousarray(quantiles[:, : slope.shape[1]]).ravel()
    out: Doubles = start.take(flat) + slope.ravel().take(flat) * (u - levels.take(piece))
    for side, beyond, gone in ((0, u < levels[0], _lower), (1, u > levels[-1], _upper)):
        row, _ = np.nonzero(beyond)
        if len(row):
            out[beyond] = quantiles[row, -side] + scale[side][row] * gone(levels, u[beyond])
    return out


def below(levels: Doubles, quantiles: Doubles, x: Doubles) -> Doubles:
    """The probability (n, s) of at most x (n, s): what undoes `at`.

    Of the realised value itself (s = 1) it is the probability integral transform, uniform where forecasts are right.

    >>> below(np.array([0.25, 0.75]), np.array([[10.0, 20.0]]), np.array([[10.0, 15.0, 20.0]])).tolist()
    [[0.25, 0.5, 0.75]]
    """
    low, high = (side[:, None] for side in _scales(levels, quantiles))
    under, over = quantiles[:, :1] - x, x - quantiles[:, -1:]
    start, length = quantiles[:, None, :-1], np.diff(quantiles, axis=1)[:, None]
    inside = x[:, :, None] - start
    reached = np.divide(inside, length, out=(inside >= 0).astype(np.float64), where=length > 0)
    out = levels[0] + np.clip(reached, 0, 1) @ np.diff(levels)
    out = np.where(under > 0, levels[0] * _fading(under, low), out)
    return np.asarray(np.where(over >= 0, 1 - (1 - levels[-1]) * _fading(over, high), out))


def mean(levels: Doubles, quantiles: Doubles) -> Doubles:
    """The mean (n,) of each distribution, its tails included.

    >>> mean(np.array([0.25, 0.75]), np.array([[10.0, 20.0]])).tolist()
    [15.0]
    """
    return np.asarray(quantiles @ _shares_of_mean(levels.tobytes()))


@lru_cache(maxsize=64)
def _shares_of_mean(levels: bytes) -> Doubles:
    """How much (q,) of each quantile is in the mean; levels as bytes of float64."""
    p = np.frombuffer(levels)
    each = np.eye(len(p))
    low, high = _scales(p, each)
    inner = (each[:, :-1] + each[:, 1:]) / 2 @ np.diff(p)
    tails = p[0] * (each[:, 0] - low) + (1 - p[-1]) * (each[:, -1] + high)
    return np.asarray(inner + tails)


def excess(levels: Doubles, quantiles: Doubles, x: Doubles) -> Doubles:
    """The mean of max(T - x, 0) for each x (n, s): how late, in the mean, one is who said x. Exact, tails included.

    >>> excess(np.array([0.25, 0.75]), np.array([[10.0, 20.0]]), np.array([[-1000.0, 15.0]])).round(2).tolist()
    [[1015.0, 4.15]]
    """
    low, high = (side[:, None] for side in _scales(levels, quantiles))
    under, over = np.maximum(quantiles[:, :1] - x, 0), quantiles[:, -1:] - x
    out = levels[0] * (under - low * (1 - _fading(under, low)))
    out += (1 - levels[-1]) * (np.maximum(over, 0) + high * _fading(np.maximum(-over, 0), high))
    # Of each piece, the part above x times its mean height.
    start, stop = (quantiles[:, None, cut] - x[:, :, None] for cut in (slice(None, -1), slice(1, None)))
    length, above = stop - start, np.maximum(stop, 0)
    from_ = np.maximum(start, 0)
    part = np.divide(above - from_, length, out=np.ones(length.shape), where=length > 0)
    return np.asarray(out + (part * (from_ + above) / 2) @ np.diff(levels))


def _slopes(levels: Doubles, quantiles: Doubles) -> Doubles:
    """How far (n, max(q - 1, 1)) each piece goes for a level of 1."""
    if len(levels) == 1:
        return np.zeros((len(quantiles), 1))
    return np.diff(quantiles, axis=1) / np.diff(levels)


def _scales(levels: Doubles, quantiles: Doubles) -> tuple[Doubles, Doubles]:
    """The mean length (n,) of the exponential below and of the one above."""
    if len(levels) == 1:
        return np.zeros(len(quantiles)), np.zeros(len(quantiles))
    low = (quantiles[:, 1] - quantiles[:, 0]) / np.log(levels[1] / levels[0])
    high = (quantiles[:, -1] - quantiles[:, -2]) / np.log((1 - levels[-2]) / (1 - levels[-1]))
    return low, high


def _lower(levels: Doubles, u: Doubles) -> Doubles:
    return np.asarray(np.log(np.maximum(u, np.finfo(np.float64).tiny) / levels[0]))


def _upper(levels: Doubles, u: Doubles) -> Doubles:
    return np.asarray(np.log((1 - levels[-1]) / np.maximum(1 - u, np.finfo(np.float64).epsneg)))


def _fading(distance: Doubles, scale: Doubles) -> Doubles:
    """exp(-distance / scale), 0 at any distance where the scale is 0."""
    ratio = np.divide(distance, scale, out=np.full(distance.shape, np.inf), where=scale > 0)
    return np.asarray(np.exp(-np.maximum(ratio, 0)))
