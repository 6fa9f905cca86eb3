"""A city's food orders as events, whose true times are known as distributions.

    world = DeliveryWorld(days=30)
    for events in world.events(): ...                              # what a system would see, a batch a day
    truth = world.truth()
    truth.quantiles(truth.rows(ids), np.array([0.05, 0.5, 0.95]))  # what is really so, seconds from placement

Read next: delivery_law.py (how long an order takes), delivery_orders.py (who orders), delivery_sweep.py (kitchens and couriers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
import numpy as np

from ..errors import DesignError, nearest
from ..events.schema import Events, concat_tables, take
from ..types import DAY, SECOND, Table
from .delivery_calendar import Shocks, draw_calendar
from .delivery_city import draw_city
from .delivery_log import decisions, outcomes, stores_known
from .delivery_orders import DIFFICULTIES, Placed, Scene, draw_orders
from .delivery_stores import draw_opened, draw_stores
from .delivery_sweep import Done, Going, sweep
from .delivery_truth import Truth

_NEVER = np.iinfo(np.int64).max
_CITY, _STORES, _CALENDAR, _ORDERS, _NEW, _SWEEP = range(6)


class DeliveryWorld(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The knobs of the world; same knobs, same bytes."""

    days: int = 30
    orders_per_day: float = 5000.0
    """On the mean day; kitchens and couriers are as many as these need."""
    stores: int = 300
    """Stores at the start."""
    new_stores: int = 45
    """Stores that open over the days."""
    difficulty: Literal["easy", "middle", "hard"] = "middle"
    seed: int = 0
    start: int = 1_767_225_600 * SECOND
    """The first midnight, us; 2026-01-01 UTC unless told. The city's clocks show UTC."""
    shocks: Shocks = Shocks()

    def __post_init__(self) -> None:
        for name, least in (("days", 1), ("orders_per_day", 0), ("stores", 1), ("new_stores", 0), ("seed", 0)):
            if not getattr(self, name) >= least:
                raise DesignError(f"{name} is {getattr(self, name)}; expected at least {least}: raise it")
        if self.difficulty not in DIFFICULTIES:
            raise DesignError(f"difficulty is {self.difficulty!r}; {nearest(self.difficulty, DIFFICULTIES)}")
        if self.start % DAY or self.start < 0:
            raise DesignError(f"start is {self.start} us; expected a midnight UTC since 1970, a multiple of {DAY}")
        for name, day in msgspec.structs.asdict(self.shocks).items():
            if day is not None and not 0 <= day < self.days:
                raise DesignError(f"shocks.{name} is day {day}; expected one of the {self.days} days, counted from 0")

    @property
    def stop(self) -> int:
        """The midnight after the last day, us."""
        return self.start + self.days * DAY

    def scene(self) -> Scene:
        """The city, its stores and its calendar."""
        opened = draw_opened(self.stores, self.new_stores, self.start, self.days, self._rng(_STORES, 0))
        calendar = draw_calendar(self.days, self.orders_per_day, self.shocks, self.start, self._rng(_CALENDAR))
        stores = draw_stores(opened, self.orders_per_day, self._rng(_STORES, 1))
        hard, city = DIFFICULTIES[self.difficulty], draw_city(self._rng(_CITY))
        return Scene(city, stores, calendar, hard, self.shocks, self.start)

    def run(self, scene: Scene) -> Iterator[tuple[Placed, Done]]:
        """Day after day, the orders that are placed and what comes of them."""
        going = Going.none()
        for day in range(self.days):
            placed = draw_orders(scene, day, self._rng(_ORDERS, day), self._rng(_NEW, day))
            done, going = sweep(scene, placed, going, day, self._rng(_SWEEP, day))
            yield placed, done

    def truth(self) -> Truth:
        """What is really so in this world; it is run through for it, which takes as long as its log."""
        scene = self.scene()
        return Truth.joined([_true(scene, placed, done) for placed, done in self.run(scene)])

    def events(self) -> Iterator[Events]:
        """First the stores of the start, then a batch for each day, at last what was still under way.

        Tables are ordered by ts. An outcome comes in the batch of the day in which it becomes known.
        """
        scene = self.scene()
        yield Events({"store": stores_known(scene.stores, -_NEVER, self.start)})
        pending: dict[str, Table] = {}
        decided, midnight = 0, self.start
        for placed, done in self.run(scene):
            told = outcomes(placed, done, decided)
            known, pending = _split(pending, told, midnight + DAY)
            stores = {"store": stores_known(scene.stores, midnight, midnight + DAY)}
            yield Events(stores, decisions(placed, done, scene.calendar, decided), outcomes=known)
            decided, midnight = decided + len(placed), midnight + DAY
        if any(len(table["ts"]) for table in pending.values()):
            yield Events(outcomes=_split({}, pending, _NEVER)[0])

    def _rng(self, *what: int) -> np.random.Generator:
        """A stream of its own for each thing and day, so that a shock on one day leaves the others' draws as they were."""
        return np.random.default_rng((self.seed, *what))


def _true(scene: Scene, placed: Placed, done: Done) -> Truth:
    return Truth(
        ts=placed.ts,
        store=placed.store,
        law=done.law,
        open=done.open,
        free=done.free,
        wet=scene.calendar.wet(placed.hour),
        crosses=placed.crosses,
        seconds=done.seconds,
        cause=done.cause,
        fate=done.fate,
    )


def _split(pending: dict[str, Table], told: dict[str, Table], stop: int) -> tuple[dict[str, Table], dict[str, Table]]:
    """What became known before `stop`, ordered by ts, and what did not."""
    known, later = {}, {}
    for name, table in told.items():
        both = concat_tables([pending[name], table]) if name in pending else table
        ordered = take(both, np.argsort(both["ts"], kind="stable"))
        before = ordered["ts"] < stop
        known[name], later[name] = take(ordered, before), take(ordered, ~before)
    return known, later
