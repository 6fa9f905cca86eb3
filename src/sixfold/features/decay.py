"""Exponentially decayed sums: what happened lately, with no edge, in two numbers a cell.

The sum of a cell at t is sum_i w_i * 2^(-(t - ts_i) / half_life). A cell keeps its sum at a reference time, the
ts of its newest event, and never moves it back: an event that arrives late is decayed to the reference.
Any order of folding gives the same sum within 1e-9 (float64 addition is not associative).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import Rows, Times
from .ordered import Ordered

UNSEEN = np.int64(np.iinfo(np.int64).min)
"""The reference time of a cell in which nothing has happened."""


def factor(age: NDArray[np.int64], half_life: int) -> NDArray[np.float64]:
    """2^(-age / half_life) for ages in microseconds."""
    return np.exp2(age * (-1.0 / half_life))


def fold(
    sums: NDArray[np.float64], reference: Times, cells: Rows, ts: Times, *, half_life: int, weight: NDArray[np.float64]
) -> None:
    """Add events to the sums of their cells, in place and in any order."""
    touched = np.unique(cells)
    before = reference[touched]
    np.maximum.at(reference, cells, ts)
    age = np.where(before == UNSEEN, 0, reference[touched] - before)
    sums[touched] *= factor(age, half_life)
    np.add.at(sums, cells, weight * factor(reference[cells] - ts, half_life))


def read(sums: NDArray[np.float64], reference: Times, cells: Rows, ts: Times, *, half_life: int) -> NDArray[np.float64]:
    """The decayed sum of each cell (n,) as of ts (n,), all events folded so far lying before ts; 0 for cell -1."""
    if not len(sums):
        return np.zeros(len(cells))
    known = (cells >= 0) & (cells < len(sums))
    at = np.where(known, cells, 0)
    known &= reference[at] != UNSEEN
    age = np.where(known, ts - reference[at], 0)
    return np.where(known, sums[at] * factor(age, half_life), 0.0)


def running(events: Ordered, weight: NDArray[np.float64], *, half_life: int) -> NDArray[np.float64]:
    """The decayed sum of each event's cell just after that event, in the events' order.

    A doubling scan (Hillis and Steele 1986): after pass d every entry holds the sum over the 2^d events up to
    it, so log2(longest cell) vectorised passes do it, with no power that could overflow.
    """
    sums = weight.astype(np.float64).copy()
    place = np.arange(len(sums)) - np.repeat(events.start[:-1], np.diff(events.start))
    step = 1
    at = np.flatnonzero(place >= step)
    while len(at):
        sums[at] += sums[at - step] * factor(events.ts[at] - events.ts[at - step], half_life)
        step *= 2
        at = at[place[at] >= step]
    return sums


def bulk(events: Ordered, sums: NDArray[np.float64], cells: Rows, ts: Times, *, half_life: int) -> NDArray[np.float64]:
    """What `read` would give at each (cell, ts) after folding all that came before; `sums` from `running`."""
    end = events.before(cells, ts)
    some = end > events.first(cells)
    last = np.where(some, end - 1, 0)
    if not len(sums):
        return np.zeros(len(cells))
    age = np.where(some, ts - events.ts[last], 0)
    return np.where(some, sums[last] * factor(age, half_life), 0.0)
