"""What is wrong with a place: missing, zero, swapped, negated, outside.

A place is two numbers of one table: `lat` and `lon` of an entity, `context.drop_lat` and `context.drop_lon` of a decision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from ..errors import DesignError

Doubles = NDArray[np.float64]

REASONS = (
    "",
    "a coordinate is missing",
    "the place is (0, 0)",
    "latitude and longitude are swapped",
    "a sign is lost",
    "no such place on Earth",
    "outside the area served",
)
"""What each code of `checked_places` says; 0 is a place as it should be."""
_MISSING, _ZERO, _SWAPPED, _NEGATED, _IMPOSSIBLE, _OUTSIDE = range(1, 7)
_ZERO_DEGREES = 1e-6
"""Nearer to (0, 0) than 11 cm is no order from the Gulf of Guinea."""

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Area(msgspec.Struct, frozen=True):
    """The degrees that are served; west may be above east, which is an area across the date line."""

    south: Latitude
    west: Longitude
    north: Latitude
    east: Longitude

    def __post_init__(self) -> None:
        if not self.south < self.north:
            raise DesignError(f"an area runs from {self.south} south to {self.north} north; expected south below north")

    def holds(self, lat: Doubles, lon: Doubles) -> NDArray[np.bool_]:
        """(n,) whether each place is inside; never where it is missing."""
        after, before = lon >= self.west, lon <= self.east
        return (
            (self.south <= lat) & (lat <= self.north) & (after & before if self.west <= self.east else after | before)
        )


_WORLD = Area(-90, -180, 90, 180)


def checked_places(lat: ArrayLike, lon: ArrayLike, *, area: Area | None = None) -> NDArray[np.uint8]:
    """The code (n,) of what is wrong with each place, 0 where nothing is; REASONS[code] says it.

    Whether a place is swapped or negated shows only against an area: it is outside, and would be inside were the two
    exchanged or signs turned. Without one, only an impossible latitude that is a possible longitude is called swapped.

    >>> city = Area(52.2, 4.7, 52.5, 5.1)
    >>> found = checked_places([52.37, 4.89, -52.37, 0.0], [4.89, 52.37, 4.89, 0.0], area=city)
    >>> [REASONS[code] for code in found]
    ['', 'latitude and longitude are swapped', 'a sign is lost', 'the place is (0, 0)']
    """
    y, x = np.broadcast_arrays(np.asarray(lat, np.float64), np.asarray(lon, np.float64))
    served = _WORLD if area is None else area
    # Without an area any sign gives a possible place, which says nothing.
    turned = np.zeros(y.shape, bool) if area is None else _turned(y, x, area)
    wrong = {
        _MISSING: ~(np.isfinite(y) & np.isfinite(x)),
        _ZERO: (np.abs(y) < _ZERO_DEGREES) & (np.abs(x) < _ZERO_DEGREES),
        0: served.holds(y, x),
        _SWAPPED: served.holds(x, y),
        _NEGATED: turned,
        _IMPOSSIBLE: ~_WORLD.holds(y, x),
    }
    return np.select(list(wrong.values()), [np.uint8(code) for code in wrong], np.uint8(_OUTSIDE))


def is_place(lat: float, lon: float, *, area: Area | None = None) -> bool:
    """Whether `checked_places` has nothing against one place, for a tenth of what arrays cost."""
    if not (math.isfinite(lat) and math.isfinite(lon)) or max(abs(lat), abs(lon)) < _ZERO_DEGREES:
        return False
    return bool((_WORLD if area is None else area).holds(np.asarray(lat), np.asarray(lon)))


def real_places(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
    """(n,) whether each place is one on Earth but (0, 0): of what `checked_places` does not complain, for less."""
    y, x = np.abs(np.asarray(lat, np.float64)), np.abs(np.asarray(lon, np.float64))
    return np.asarray((y <= 90) & (x <= 180) & ((y >= _ZERO_DEGREES) | (x >= _ZERO_DEGREES)))


def served(columns: Mapping[str, NDArray[Any]], area: Area | None) -> dict[str, NDArray[Any]]:
    """The same columns (n,), the places among them that are not in the area unknown: both of their numbers NaN.

    Whatever enters features passes here, whether of a log or of a request, so that a place is known to all of them or to none.
    """
    out = dict(columns)
    if area is None:
        return out
    for name in columns:
        lat, lon = name, f"{name.removesuffix('lat')}lon"
        if not (name == "lat" or name.endswith("_lat")) or lon not in columns:
            continue
        ends = [np.asarray(columns[end]) for end in (lat, lon)]
        if all(end.dtype.kind == "f" for end in ends):
            known = checked_places(*ends, area=area) == 0
            out |= {end: np.where(known, column, np.nan) for end, column in zip((lat, lon), ends, strict=True)}
    return out


def _turned(lat: Doubles, lon: Doubles, area: Area) -> NDArray[np.bool_]:
    """(n,) whether the place is in the area once one sign, or both, are turned."""
    return area.holds(-lat, lon) | area.holds(lat, -lon) | area.holds(-lat, -lon)
