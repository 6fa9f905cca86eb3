"""A day's orders as they are placed: who orders what from where, and what a router and the streets say of the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND, Times
from .delivery_calendar import Calendar, Shocks
from .delivery_city import NEW_FROM_KM, City, Index, Rng, crosses, district
from .delivery_stores import Stores
from .incomplete import Reals

HOUR = 3600 * SECOND
_REACH_KM = 1.8
_NEW_SHARE = 0.06
_WET_ROADS = 0.35
_BRIDGE_S, _BRIDGE_RUSH_S = 90.0, 700.0
_CLOSED_SPEED = 0.55
_STADIUM = 5
_NEW_DOORS = 1.6


class Difficulty(msgspec.Struct, frozen=True, kw_only=True):
    """How much of an order's time cannot be known when it is placed."""

    grain: float
    """Scale of a stage's gamma, s: a stage of mean m varies by sqrt(grain * m) on its own."""
    steady: float
    """Shape of the factor that the stages of an order share; it varies by 1 / sqrt(steady - 2)."""
    trouble: float
    """Share of orders in which something goes wrong."""
    router: float
    """Standard deviation of the router's error, as a share."""


DIFFICULTIES: Mapping[str, Difficulty] = {
    "easy": Difficulty(grain=12.0, steady=60.0, trouble=0.05, router=0.03),
    "middle": Difficulty(grain=25.0, steady=30.0, trouble=0.07, router=0.06),
    "hard": Difficulty(grain=50.0, steady=14.0, trouble=0.09, router=0.12),
}
"""Measured on the default world (30 days, 153 000 orders, seed 0), in minutes: the mean absolute error of one median for all and
of each order's true median, which no model can beat; the mean width of the true 90 % interval; the share of orders that come more
than 10 minutes after their true median; and the correlation of what preparation and travel each take beyond their means.

    difficulty   one median   true median   90 % width   late by 10   between legs
    easy         9.0          4.2           17.9         0.07         0.21
    middle       9.9          5.9           25.3         0.12         0.26
    hard         11.4         8.2           35.1         0.19         0.32
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """n orders by ts, which rises.

    ts (n,) int64 us; hour, store (n,) rows of the calendar and of the stores; drop (n, 2) km; items, subtotal (n,); crosses (n,)
    whether the way crosses the river; driving_s (n,) the router's estimate; travel_s, door_s (n,) mean seconds without trouble;
    grain (n,) s; trouble (n, 3) by cause.
    """

    ts: Times
    hour: Index
    store: Index
    drop: Reals
    items: Reals
    subtotal: Reals
    crosses: NDArray[np.bool_]
    driving_s: Reals
    travel_s: Reals
    door_s: Reals
    grain: Reals
    trouble: Reals

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True)
class Scene:
    """All that stands when the days begin: the city, its stores and its calendar, from the midnight `start` (us) on."""

    city: City
    stores: Stores
    calendar: Calendar
    hard: Difficulty
    shocks: Shocks
    start: int


def draw_orders(scene: Scene, day: int, rng: Rng, new: Rng) -> Placed:
    """The orders of one day; `new` draws those from the new district, so that it changes no other order."""
    known = _where(scene, day, 1.0, scene.city.share, rng)
    since = scene.shocks.new_district
    if since is None or day < since:
        return _placed(scene, *known, rng)
    only_new = (np.arange(len(scene.city.share)) == len(scene.city.share) - 1).astype(np.float64)
    more = _where(scene, day, _NEW_SHARE, only_new, new)
    ts, hour, hood = (np.concatenate(pair) for pair in zip(known, more, strict=True))
    ts, rows = np.unique(ts, return_index=True)
    return _placed(scene, ts, hour[rows], hood[rows], rng)


def _where(scene: Scene, day: int, times: float, share: Reals, rng: Rng) -> tuple[Times, Index, Index]:
    """When a day's orders are placed (Poisson by hour, no two at once), in which hour since the start, and from which hood."""
    hours = 24 * day + np.arange(24)
    hour = np.repeat(hours, rng.poisson(times * scene.calendar.rate[hours]))
    ts = np.unique(scene.start + HOUR * hour + rng.integers(1, HOUR, len(hour)))
    return ts, (ts - scene.start) // HOUR, rng.choice(len(share), len(ts), p=share)


def _placed(scene: Scene, ts: Times, hour: Index, hood: Index, rng: Rng) -> Placed:
    city, stores = scene.city, scene.stores
    drop = city.customers(hood, rng)
    store = _choose(scene, hour, hood, rng)
    place, wet = stores.place[store], scene.calendar.wet(hour)
    items = np.minimum(1.0 + rng.poisson(1.6, len(ts)), 12.0)
    unit = 5.5 * stores.price[store] ** 0.8
    crossing, usual_s = crosses(place, drop), _usual_s(scene, place, drop, hour)
    sigma = scene.hard.router
    return Placed(
        ts=ts,
        hour=hour,
        store=store,
        drop=drop,
        items=items,
        subtotal=np.round(items * unit * rng.lognormal(0.0, 0.25, len(ts)), 2),
        crosses=crossing,
        driving_s=np.round(usual_s * rng.lognormal(-(sigma**2) / 2, sigma, len(ts)), 1),
        travel_s=_travel_s(scene, usual_s, place, drop, hour),
        door_s=_door_s(city, drop) * (1 + 0.1 * wet),
        grain=scene.hard.grain * stores.uneven[store] * (1 + 0.3 * wet),
        trouble=_trouble(scene, store, drop, wet),
    )


def _choose(scene: Scene, hour: Index, hood: Index, rng: Rng) -> Index:
    """(n,) a store for each order: popular, near the neighbourhood, open, and not of a later day."""
    stores, city = scene.stores, scene.city
    away = np.hypot(*np.moveaxis(city.hood[:, None] - stores.place, 2, 0))
    liked = stores.popularity * np.exp(-away / _REACH_KM)
    first, last = (hour[0], hour[-1]) if len(hour) else (0, 0)
    hours, out = np.arange(first, last + 1), np.empty(len(hour), np.int64)
    alive = stores.serves[:, hours % 24].T & (stores.opened <= (scene.start + HOUR * hours)[:, None])
    ladders = np.cumsum(liked * alive[:, None], axis=2)
    ladders /= ladders[:, :, -1:]
    draw = rng.random(len(hour))
    for cut in np.array_split(np.arange(len(hour)), 1 + len(hour) // 4096):
        ladder = ladders[hour[cut] - first, hood[cut]]
        out[cut] = (ladder <= draw[cut, None]).sum(axis=1)
    return out


def _usual_s(scene: Scene, place: Reals, drop: Reals, hour: Index) -> Reals:
    """(n,) seconds on a dry day with free bridges: along the route, at the hour's speed in the districts of both ends."""
    speed = scene.city.speed
    pace = (1 / speed[district(place)] + 1 / speed[district(drop)]) / 2
    return (scene.city.route_km(place, drop) + 0.25) * 3600 / scene.calendar.kmh[hour] * pace


def _travel_s(scene: Scene, usual_s: Reals, place: Reals, drop: Reals, hour: Index) -> Reals:
    """(n,) mean seconds in truth: what the router leaves out is the rain, the wait at bridges, a storm and a match."""
    calendar = scene.calendar
    shut = (calendar.closed[hour] > 0) & ((district(place) == _STADIUM) | (district(drop) == _STADIUM))
    roads = usual_s * (1 + _WET_ROADS * calendar.wet(hour)) / calendar.slow[hour] / np.where(shut, _CLOSED_SPEED, 1.0)
    return roads + crosses(place, drop) * (_BRIDGE_S + _BRIDGE_RUSH_S * calendar.rush[hour])


def _door_s(city: City, drop: Reals) -> Reals:
    """(n,) mean seconds from arrival to handing over on a dry day; longer where every address is new."""
    new = (drop >= NEW_FROM_KM).all(axis=1)
    out: Reals = city.door_s[district(drop)] * np.where(new, _NEW_DOORS, 1.0)
    return out


def _trouble(scene: Scene, store: Index, drop: Reals, wet: Reals) -> Reals:
    """(n, 3): forgotten in a clumsy kitchen, lost on a wet road, nobody opens behind a long stair."""
    doors = scene.city.door_s / scene.city.door_s.mean()
    by = (0.4 * scene.stores.clumsy[store], 0.3 * (1 + wet), 0.25 * doors[district(drop)])
    return np.minimum(scene.hard.trouble * np.column_stack(by), 0.3)


def midnight(scene: Scene, day: int) -> int:
    """The first microsecond of a day of the world."""
    return scene.start + DAY * day
