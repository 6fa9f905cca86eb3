"""The stores of the delivery world: where they are, what they cook, how much at a time, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND, Table, Times
from .delivery_city import HALF_KM, NEW_FROM_KM, Index, Rng, degrees
from .incomplete import Reals
from .video_population import Strings, names

_CUISINES = np.array(b"pizza burger sushi indian chinese thai salad kebab bakery grill".split())
_CUISINE_S = np.array([480.0, 400, 520, 600, 460, 500, 280, 330, 220, 620])
_CUISINE_SHARES = np.array([0.18, 0.14, 0.1, 0.09, 0.11, 0.08, 0.07, 0.1, 0.05, 0.08])
_OPENS = np.array([11, 16, 8, 18])
_CLOSES = np.array([23, 24, 22, 28])
_HOURS_SHARES = np.array([0.55, 0.25, 0.12, 0.08])
_SLOW_SHARE, _SLOWER = 0.1, 1.6


@dataclass(frozen=True, slots=True)
class Stores:
    """s stores in the order they opened.

    id, cuisine (s,) S; place (s, 2) km; price (s,) 1 to 4; opened (s,) int64 us; capacity (s,) orders that it cooks at a time
    with little delay; popularity (s,) of mean about 1, heavy-tailed; cook_s (s,) for a small order in an idle kitchen; uneven
    (s,) factor on the grain of its orders; clumsy (s,) factor on how often something is forgotten; serves (s, 24) whether it is
    open; slowed (s,) factor on cook_s of the shock by which some kitchens slow down.
    """

    id: Strings
    cuisine: Strings
    place: Reals
    price: Reals
    opened: Times
    capacity: Reals
    popularity: Reals
    cook_s: Reals
    uneven: Reals
    clumsy: Reals
    serves: NDArray[np.bool_]
    slowed: Reals

    def entities(self, rows: Index) -> Table:
        """Entity events of these stores, at their opening."""
        lat, lon = degrees(self.place[rows])
        return {
            "id": names(b"es", rows),
            "ts": self.opened[rows],
            "key": self.id[rows],
            "lat": lat,
            "lon": lon,
            "cuisine": self.cuisine[rows],
            "price": self.price[rows],
            "opened": self.opened[rows] / SECOND,
            "capacity": self.capacity[rows],
        }


def draw_stores(opened: Times, orders_per_day: float, rng: Rng) -> Stores:
    """Stores that open at these ts. The first never closes, so that there always is one."""
    s = len(opened)
    cuisine = rng.choice(len(_CUISINES), s, p=_CUISINE_SHARES)
    place = np.clip(2.3 * rng.standard_normal((s, 2)), -HALF_KM + 0.2, HALF_KM - 0.2)
    place[(place > NEW_FROM_KM).all(axis=1), 0] *= -1
    popularity = np.minimum(0.35 + 0.5 * rng.pareto(1.5, s), 30.0)
    at_once = popularity / popularity.sum() * orders_per_day * 0.04
    return Stores(
        id=names(b"s", np.arange(s)),
        cuisine=_CUISINES[cuisine],
        place=place,
        price=rng.choice([1.0, 2.0, 3.0, 4.0], s, p=[0.3, 0.4, 0.22, 0.08]),
        opened=opened,
        capacity=np.round(2 + at_once * rng.lognormal(0.2, 0.3, s)),
        popularity=popularity,
        cook_s=_CUISINE_S[cuisine] * rng.lognormal(0.0, 0.3, s),
        uneven=rng.lognormal(0.0, 0.25, s),
        clumsy=rng.lognormal(-0.125, 0.5, s),
        serves=_hours(s, rng),
        slowed=np.where(rng.random(s) < _SLOW_SHARE, _SLOWER, 1.0),
    )


def draw_opened(stores: int, new_stores: int, start: int, days: int, rng: Rng) -> Times:
    """(stores + new_stores,) rising, on the hour: most in the years before the start, the new ones over the days."""
    before = start - DAY * np.ceil(np.minimum(rng.exponential(500.0, stores), 3000.0)).astype(np.int64)
    during = start + DAY // 24 * rng.integers(1, 24 * days, new_stores)
    return np.sort(np.concatenate([before, during]))


def _hours(s: int, rng: Rng) -> NDArray[np.bool_]:
    """(s, 24): the hours in which each store serves; a night kitchen goes on past midnight."""
    kind = rng.choice(len(_OPENS), s, p=_HOURS_SHARES)
    opens, closes = _OPENS[kind, None], _CLOSES[kind, None]
    hour = np.arange(24)
    serves = ((opens <= hour) & (hour < closes)) | (hour + 24 < closes)
    serves[0] = True
    return serves
