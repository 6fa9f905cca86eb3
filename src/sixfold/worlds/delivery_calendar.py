"""The hours of the delivery world: rain, demand, couriers on shift, traffic, and the shocks that come on some days."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from ..types import DAY
from .delivery_city import Index, Rng
from .incomplete import Reals

_CLOCK = np.arange(24.0)
_HOURLY = 0.002 + 0.03 * (_CLOCK >= 10) * (_CLOCK < 23)
_HOURLY += 0.11 * np.exp(-(((_CLOCK - 12) / 1.3) ** 2)) + 0.2 * np.exp(-(((_CLOCK - 18.6) / 1.6) ** 2))
HOUR_SHARES = _HOURLY / _HOURLY.sum()
WEEKDAY = np.array([0.85, 0.85, 0.9, 0.95, 1.15, 1.2, 1.1])
"""Orders by day of the week, from Monday on; the mean is 1."""
_KMH = 19.0
_RUSH = 0.3 * (np.exp(-(((_CLOCK - 8.5) / 1.2) ** 2)) + np.exp(-(((_CLOCK - 17.8) / 1.6) ** 2)))
_WET_SPELL_H, _DRY_SPELL_H = 4.0, 20.0
_STORM_MM = 9.0
_RAIN_DEMAND = 0.15
_COURIER_H = 0.40
_SPARE = 1.25
_MATCH = slice(17, 21)


class Shocks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens out of the ordinary, and on which day of the world (0 is the first); None where it does not."""

    storm: int | None = None
    """For this day it pours and all streets are slow."""
    match: int | None = None
    """In this evening orders burst, and the streets of one district are closed."""
    new_district: int | None = None
    """From this day on there are customers in an area that had none."""
    slow_kitchens: int | None = None
    """From this day on a tenth of the stores cook 1.6 times as long."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """By hour since the start, (h,) each: rain in mm; rate, the orders to be expected; roster, couriers on shift; kmh, how fast
    the streets are in the mean, as a router knows it; slow, what a storm makes of that; closed, 1 where a match closes streets;
    rush, 0 to 0.3, what the traffic takes from the speed."""

    rain: Reals
    rate: Reals
    roster: Reals
    kmh: Reals
    slow: Reals
    closed: Reals
    rush: Reals

    def wet(self, hour: Index) -> Reals:
        """(n,) 0 where dry to 1 where it pours."""
        out: Reals = 1 - np.exp(-self.rain[hour] / 1.5)
        return out


def draw_calendar(days: int, orders_per_day: float, shocks: Shocks, start: int, rng: Rng) -> Calendar:
    """The hours of `days` days from the midnight `start` (us) on. Shocks draw nothing, so other days are the same without."""
    weekday = (start // DAY + 3 + np.arange(days)) % 7
    weekend = np.repeat(weekday >= 5, 24)
    usual = orders_per_day * np.outer(WEEKDAY[weekday], HOUR_SHARES).ravel()
    rain, luck = _draw_rain(24 * days, rng), np.repeat(rng.lognormal(0.0, 0.08, days), 24)
    hours = np.arange(24 * days)
    storm = hours // 24 == (-1 if shocks.storm is None else shocks.storm)
    rain = np.where(storm, np.maximum(rain, _STORM_MM), rain)
    match = np.zeros(24 * days)
    if shocks.match is not None and shocks.match < days:
        match.reshape(days, 24)[shocks.match, _MATCH] = 1.0
    rush = np.tile(_RUSH, days) * np.where(weekend, 0.4, 1.0)
    busier = np.maximum(usual, np.concatenate([usual[:1], usual[:-1]]))
    return Calendar(
        rain=rain,
        rate=usual * luck * (1 + _RAIN_DEMAND * (rain > 0)) * (1 + 0.9 * match),
        roster=np.ceil(5 + _SPARE * _COURIER_H * busier),
        kmh=_KMH * (1 - rush),
        slow=np.where(storm, 0.75, 1.0),
        closed=match,
        rush=rush,
    )


def _draw_rain(hours: int, rng: Rng) -> Reals:
    """(hours,) mm: wet and dry spells in turn, each of geometric length, heavier or lighter by spell."""
    spells = 2 + hours // 2
    lengths = np.column_stack([rng.geometric(1 / _DRY_SPELL_H, spells), rng.geometric(1 / _WET_SPELL_H, spells)])
    levels = np.column_stack([np.zeros(spells), rng.gamma(1.2, 1.2, spells)])
    level = np.repeat(levels.ravel(), lengths.ravel())[:hours]
    return np.round(level * rng.uniform(0.5, 1.5, hours), 1)
