"""Pooling adjacent violators: the rising step function nearest to noisy values.

Barlow, Bartholomew, Bremner, Brunk 1972, "Statistical Inference under Order Restrictions", chapter 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Starts = NDArray[np.intp]

_STALLED = 0.95


def pool(sums: Doubles, weights: Doubles) -> Starts:
    """The first row of each block of the isotonic fit to sums / weights, both (n,), weights > 0.

    A block's value is its summed sums over its summed weights; values rise strictly from block to
    block, ties being pooled.

    >>> pool(np.array([0.0, 1.0, 0.0, 1.0]), np.ones(4)).tolist()
    [0, 1, 3]
    """
    starts = np.arange(len(sums))
    while len(starts) > 1:
        means = sums / weights
        first = np.flatnonzero(np.r_[True, means[1:] > means[:-1]])
        # All neighbours that fail to rise end in one block whatever the order of merging, so a whole
        # run is merged at once. Random labels shrink by half a pass; long tails, which lose one
        # block a pass, are left to the stack, so that the whole is linear.
        if len(first) > _STALLED * len(starts):
            return starts if len(first) == len(starts) else starts[_stack(sums, weights)]
        sums, weights, starts = merged(sums, first), merged(weights, first), starts[first]
    return starts


def _stack(sums: Doubles, weights: Doubles) -> Starts:
    """The same by the classic stack, one step a row."""
    first: list[int] = []
    total: list[float] = []
    weight: list[float] = []
    for at, (s, w) in enumerate(zip(sums.tolist(), weights.tolist(), strict=True)):
        start = at
        while first and total[-1] * w >= s * weight[-1]:
            start, s, w = first.pop(), s + total.pop(), w + weight.pop()
        first.append(start)
        total.append(s)
        weight.append(w)
    return np.array(first, np.intp)


def merged(values: Doubles, starts: Starts) -> Doubles:
    """The sum of `values` (n,) over each block."""
    out: Doubles = np.add.reduceat(values, starts)
    return out


def at_least(rows: Doubles, least: float) -> Starts:
    """Neighbouring blocks of `rows` (b,) joined from the left until each has `least`; the rest joins the last.

    >>> at_least(np.array([5.0, 1.0, 1.0, 4.0, 1.0]), 3).tolist()
    [0, 1]
    """
    reached = np.cumsum(rows)
    starts, done = [0], 0.0
    while reached[-1] - done >= 2 * least:
        after = int(np.searchsorted(reached, done + least)) + 1
        if after >= len(rows) or reached[-1] - reached[after - 1] < least:
            break
        starts.append(after)
        done = reached[after - 1]
    return np.array(starts, np.intp)
