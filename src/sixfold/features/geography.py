"""Where, how far, which way: what places say, all of it vectorised and in float64.

Places are degrees, lat (n,) and lon (n,), NaN where missing; the Earth is a sphere of radius 6371.0088 km, which is off
by up to 0.6 %. Cells of the map are in `tiles`, and what is wrong with a place in `places`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]

EARTH_KM = 6371.0088
"""The mean radius."""
NEAR_KM = 0.1
"""Distances are told apart in logs from about here on: log(1 + km / NEAR_KM)."""


class Apart(NamedTuple):
    """How far the second place is to the north and to the east of the first, km (n,) each; negative to south and west."""

    north: Doubles
    east: Doubles


class Direction(NamedTuple):
    """A bearing as two columns (n,) each, for 359 and 1 degrees are neighbours; (0, 0) where the places are one."""

    sin: Doubles
    cos: Doubles


def great_circle_km(lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike) -> Doubles:
    """The shortest way along the sphere, km (n,), by the haversine: exact for near places too.

    >>> float(great_circle_km(52.37, 4.89, 48.86, 2.35).round(1))    # Amsterdam to Paris
    429.4
    """
    y, x, to_y, to_x = _radians(lat, lon, to_lat, to_lon)
    half = np.sin((to_y - y) / 2) ** 2 + np.cos(y) * np.cos(to_y) * np.sin((to_x - x) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(half, 1))))


def apart_km(lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike) -> Apart:
    """The way split into north and east, along the meridian and along the mean parallel.

    Within a city the two are the legs of a right triangle whose hypotenuse is the great circle (10 km apart at 60
    degrees: off by less than a metre). The way east is the shorter one, across the date line where it must.
    """
    y, x, to_y, to_x = _radians(lat, lon, to_lat, to_lon)
    around = np.remainder(to_x - x + np.pi, 2 * np.pi) - np.pi
    return Apart(EARTH_KM * (to_y - y), EARTH_KM * around * np.cos((y + to_y) / 2))


def direction(lat: ArrayLike, lon: ArrayLike, to_lat: ArrayLike, to_lon: ArrayLike) -> Direction:
    """The bearing on which one sets out: sin is 1 towards the east, cos is 1 towards the north."""
    y, x, to_y, to_x = _radians(lat, lon, to_lat, to_lon)
    east = np.sin(to_x - x) * np.cos(to_y)
    north = np.cos(y) * np.sin(to_y) - np.sin(y) * np.cos(to_y) * np.cos(to_x - x)
    length = np.hypot(east, north)
    length = np.where(length == 0, 1.0, length)
    return Direction(east / length, north / length)


def log_km(km: ArrayLike) -> Doubles:
    """A distance as a feature, sign kept: 100 m more mean much nearby and nothing far away.

    >>> log_km([0.0, 0.1, -0.1]).round(3).tolist()
    [0.0, 0.693, -0.693]
    """
    found = np.asarray(km, np.float64)
    return np.asarray(np.copysign(np.log1p(np.abs(found) / NEAR_KM), found))


def _radians(*degrees: ArrayLike) -> list[Doubles]:
    return [np.radians(np.asarray(values, np.float64)) for values in degrees]
