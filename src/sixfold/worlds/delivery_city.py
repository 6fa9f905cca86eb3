"""The ground of the delivery world: a street grid, a river with few bridges, districts, and neighbourhoods of customers.

Places are (x, y) in km east and north of the centre; `degrees` gives what a log holds. The service area is a square of 12 km.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .incomplete import Reals

Index: TypeAlias = NDArray[np.integer[Any]]
Rng: TypeAlias = np.random.Generator

CENTRE = (52.37, 4.89)
"""Latitude and longitude of the centre, degrees."""
HALF_KM = 6.0
_KM_A_DEGREE = 111.32
_SIDE = 4
_HOODS = 40
NEW_FROM_KM = 3.0
"""Nobody lives north-east of (3, 3) but in the new district, which is the last neighbourhood."""


@dataclass(frozen=True, slots=True)
class City:
    """What stands still.

    bridges (b, 2) km; speed (16,) factor on how fast streets are, by district; door_s (16,) mean seconds from arrival to
    handing over, by district; hood (h, 2) km, spread (h,) km and share (h,) of customers by neighbourhood, the last (share 0)
    being the new one.
    """

    bridges: Reals
    speed: Reals
    door_s: Reals
    hood: Reals
    spread: Reals
    share: Reals

    def route_km(self, start: Reals, end: Reals) -> Reals:
        """(n,) km along the grid from (n, 2) to (n, 2); over the bridge that makes it shortest where the river lies between."""
        direct = np.abs(start - end).sum(axis=1)
        by = np.abs(start[:, None] - self.bridges).sum(axis=2) + np.abs(end[:, None] - self.bridges).sum(axis=2)
        out: Reals = np.where(crosses(start, end), by.min(axis=1), direct)
        return out

    def customers(self, hood: Index, rng: Rng) -> Reals:
        """(n, 2): a place in each of these neighbourhoods."""
        place = self.hood[hood] + self.spread[hood, None] * rng.standard_normal((len(hood), 2))
        place = np.clip(place, -HALF_KM, HALF_KM)
        new = hood == len(self.share) - 1
        strayed = (place > NEW_FROM_KM).all(axis=1) & ~new
        place[strayed, 1] = NEW_FROM_KM
        place[new] = np.maximum(place[new], NEW_FROM_KM)
        return place


def river(x: Reals) -> Reals:
    """The y at which the river flows, km."""
    return 1.1 * np.sin(x / 2.0) - 0.6


def crosses(start: Reals, end: Reals) -> NDArray[np.bool_]:
    """(n,): whether the river lies between."""
    out: NDArray[np.bool_] = (start[:, 1] > river(start[:, 0])) != (end[:, 1] > river(end[:, 0]))
    return out


def district(place: Reals) -> NDArray[np.intp]:
    """(n,) the square of 3 km in which each place lies, 0 to 15 from the south-west."""
    cell = np.clip((place + HALF_KM) // (2 * HALF_KM / _SIDE), 0, _SIDE - 1).astype(np.intp)
    out: NDArray[np.intp] = cell[:, 1] * _SIDE + cell[:, 0]
    return out


def degrees(place: Reals) -> tuple[Reals, Reals]:
    """Latitude and longitude, (n,) each, rounded to 1e-6 (0.1 m).

    >>> degrees(np.zeros((1, 2)))
    (array([52.37]), array([4.89]))
    """
    lat = CENTRE[0] + place[:, 1] / _KM_A_DEGREE
    lon = CENTRE[1] + place[:, 0] / (_KM_A_DEGREE * np.cos(np.radians(CENTRE[0])))
    return np.round(lat, 6), np.round(lon, 6)


def draw_city(rng: Rng) -> City:
    """A city with slow streets and high stairs in its middle."""
    x = np.array([-4.7, -2.0, 0.3, 2.4, 5.0]) + rng.uniform(-0.3, 0.3, 5)
    south, west = np.divmod(np.arange(_SIDE**2), _SIDE)
    away = np.hypot(south - 1.5, west - 1.5) / 2.1
    hood = rng.uniform(-HALF_KM + 0.5, HALF_KM - 0.5, (_HOODS, 2)) * rng.beta(2.0, 1.2, (_HOODS, 1))
    hood[(hood > NEW_FROM_KM - 0.8).all(axis=1), 0] *= -1
    new = NEW_FROM_KM + 1.4
    return City(
        bridges=np.column_stack([x, river(x)]),
        speed=(0.8 + 0.35 * away) * rng.lognormal(0.0, 0.08, _SIDE**2),
        door_s=(220 - 90 * away) * rng.lognormal(0.0, 0.35, _SIDE**2),
        hood=np.vstack([hood, [new, new]]),
        spread=np.append(rng.uniform(0.3, 0.7, _HOODS), 0.6),
        share=np.append(rng.dirichlet(np.full(_HOODS, 1.5)), 0.0),
    )
