"""Cells of the map at several sizes, each inside exactly one larger one: squares of a quadtree on the Mercator map.

A cell is one uint64: a leading 1, then two bits a level that say which quarter was taken. So its parent is the
number shifted by two bits, the whole world is 1, and 0 is no cell. That exactness is why these are squares and not
hexagons: statistics back off from a cell to its parent, and in H3 6 % of the points of a cell of size 8 lie outside
its ancestor of size 6 (200 000 points). It is also why a service needs nothing but NumPy.

Given up: a cell's size shrinks with the cosine of the latitude (within a city it does not), its corner neighbours are
1.4 times as far as those across an edge, and beyond 85.05 degrees everything is in the outermost row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..events.hashing import Hashes, combine
from .geography import EARTH_KM, Doubles

FINEST = 26
"""The finest level: cells of 60 cm at the equator, whose numbers a float64 still holds exactly."""
_EDGE = 85.05112877980659
_SPREAD = [(16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
           (1, 0x5555555555555555)]  # fmt: skip


def cells(lat: ArrayLike, lon: ArrayLike, *, level: int) -> Hashes:
    """The cell (n,) uint64 of each place at `level` (0 is the world, each next one quarters); 0 where it is missing.

    >>> one = cells([52.37], [4.89], level=3)
    >>> names(one).tolist(), bool(parents(one)[0] == cells([52.37], [4.89], level=2)[0])
    ([b'120'], True)
    """
    if not 0 <= level <= FINEST:
        raise DataError(f"level is {level}; cells have levels from 0 (the world) to {FINEST} (60 cm)")
    y, x = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    known = np.isfinite(y) & np.isfinite(x)
    down, right = _unit(np.where(known, y, 0)), (np.where(known, x, 0) / 360 + 0.5) % 1.0
    side = 1 << level
    row, column = (np.clip(np.floor(part * side), 0, side - 1).astype(np.uint64) for part in (down, right))
    found = np.uint64(side * side) | _spread(row) << np.uint64(1) | _spread(column)
    return np.asarray(np.where(known, found, np.uint64(0)))


def parents(of: Hashes, *, up: int = 1) -> Hashes:
    """The cell `up` levels above each; the world has no parent but 0, as has no cell at all."""
    return of >> np.uint64(2 * up)


def ladder(lat: ArrayLike, lon: ArrayLike, *, levels: Sequence[int]) -> Hashes:
    """The cells (n, k) of each place at k levels, the finest computed once and the others its parents."""
    finest = max(levels)
    own = cells(lat, lon, level=finest)
    return np.stack([parents(own, up=finest - level) for level in levels], axis=-1)


def level_of(km: float, *, lat: float) -> int:
    """The level whose cells are nearest to `km` wide at this latitude, by ratio.

    >>> level_of(1.0, lat=52.37)
    15
    """
    around = 2 * np.pi * EARTH_KM * np.cos(np.radians(lat))
    return int(np.clip(np.rint(np.log2(around / km)), 0, FINEST))


def levels(of: Hashes) -> NDArray[np.int64]:
    """The level (n,) of each cell, -1 of no cell."""
    bits = np.frexp(of.astype(np.float64))[1].astype(np.int64)
    return np.asarray(np.where(of == 0, -1, (bits - 1) // 2))


def places(of: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row, from the north, and the column, from the west, of each cell (n,) on the map of its level; 0 of no cell.

    >>> row, column = places(cells([52.37], [4.89], level=3))
    >>> int(row[0]), int(column[0])
    (2, 4)
    """
    side = np.exp2(np.maximum(levels(of), 0).astype(np.float64))
    inside = np.where(of == 0, np.uint64(0), of ^ (side * side).astype(np.uint64))
    return _gather(inside >> np.uint64(1)).astype(np.int64), _gather(inside).astype(np.int64)


def centres(of: Hashes) -> tuple[Doubles, Doubles]:
    """The latitude and longitude (n,) of each cell's middle; NaN of no cell."""
    side = np.exp2(levels(of).astype(np.float64))
    rows, columns = places(of)
    down, right = (rows + 0.5) / side, (columns + 0.5) / side
    missing = np.where(of == 0, np.nan, 0.0)
    return np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * down)))) + missing, 360 * right - 180 + missing


def names(of: Hashes) -> NDArray[np.bytes_]:
    """Each cell as text: one digit 0 to 3 a level, so that a parent's name begins its children's; '' of no cell and the world."""
    found, level = np.asarray(of), levels(of)
    deepest = max(int(level.max(initial=1)), 1)
    place = 2 * (level[:, None] - 1 - np.arange(deepest))
    digit = (found[:, None] >> np.maximum(place, 0).astype(np.uint64)) & np.uint64(3)
    text = np.where(place >= 0, digit + np.uint64(ord("0")), np.uint64(0)).astype(np.uint8)
    return text.view(f"S{deepest}")[:, 0]


def pairs(start: Hashes, stop: Hashes) -> Hashes:
    """A hash (n,) of each ordered pair of cells, 0 where either is none: the key of what is known of ways between them."""
    return np.asarray(np.where((start == 0) | (stop == 0), np.uint64(0), combine(start, stop)))


def _unit(lat: Doubles) -> Doubles:
    """How far down the map, 0 to 1, a latitude is."""
    held = np.radians(np.clip(lat, -_EDGE, _EDGE))
    return np.asarray(0.5 - np.arcsinh(np.tan(held)) / (2 * np.pi))


def _spread(bits: Hashes) -> Hashes:
    """The lowest 32 bits with a 0 between each two (Morton 1966)."""
    for shift, mask in _SPREAD:
        bits = (bits | bits << np.uint64(shift)) & np.uint64(mask)
    return bits


def _gather(bits: Hashes) -> Hashes:
    """Every second bit, from the lowest on, side by side: what undoes `_spread`."""
    bits = bits & np.uint64(_SPREAD[-1][1])
    for (shift, _), mask in zip(_SPREAD[::-1], [mask for _, mask in _SPREAD[-2::-1]] + [0xFFFFFFFF], strict=True):
        bits = (bits | bits >> np.uint64(shift)) & np.uint64(mask)
    return bits
