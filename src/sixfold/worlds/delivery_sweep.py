"""A day's orders go through kitchens and couriers: what was open and who was free when each was placed, and how long it took.

The law of an order looks at the orders before it, which are cooked while it is placed; so time is swept in blocks. No
kitchen is faster than a block is long: of the orders of the same block all still stand in their kitchens, and those of earlier
blocks have known times. Counts are exact: strictly before ts, as a service would see them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND, Times
from .delivery_city import Index, Rng
from .delivery_law import DELAY_S, FLOOR_S, STAGES, Law
from .delivery_orders import Placed, Scene, midnight
from .incomplete import Reals

BLOCK = int(FLOOR_S.sum()) * SECOND
_ACCEPT_S = 45.0
_QUEUE, _FULL = 0.7, 4.0
_HANDOVER_S, _SCARCE_S, _SCARCE_POWER = 50.0, 600.0, 5
_CANCELLED, _LOST = 0.012, 0.003
DELIVERED, CANCELLED, LOST = range(3)


@dataclass(frozen=True, slots=True)
class Going:
    """Orders under way, (p,) each: store; leaves, when its kitchen is done with it; freed, when its courier is. int64 us.
    Between the two it has a courier."""

    store: Index
    leaves: Times
    freed: Times

    @classmethod
    def none(cls) -> Going:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64))

    def since(self, ts: int) -> Going:
        """Those that are not over before ts."""
        keep = self.freed >= ts
        return Going(self.store[keep], self.leaves[keep], self.freed[keep])

    def add(self, store: Index, leaves: Times, freed: Times) -> Going:
        return Going(
            np.concatenate([self.store, store]),
            np.concatenate([self.leaves, leaves]),
            np.concatenate([self.freed, freed]),
        )


@dataclass(frozen=True, slots=True)
class Done:
    """What came of n orders: open (n,) in the kitchen and free (n,) couriers at placement; law; cause (n,) row of `DELAY_S`;
    seconds (n, 5) of each stage as it is or would have been; fate (n,); until (n,) int64 us, when a cancelled order ends and from
    when on nothing is heard of a lost one: what would come then is not told."""

    open: Index
    free: Index
    law: Law
    cause: Index
    seconds: Reals
    fate: Index
    until: Times


@dataclass(frozen=True, slots=True)
class _Chance:
    """What is drawn of n orders before anything else: the factor W, the cause, the fate, and when a fate strikes, in (0, 1)."""

    factor: Reals
    cause: Index
    fate: Index
    when: Reals

    @classmethod
    def drawn(cls, law: Law, rng: Rng) -> _Chance:
        n = len(law)
        cause = (rng.random((n, 1)) > np.cumsum(law.causes(), axis=1)[:, :-1]).sum(axis=1)
        fate = rng.choice(3, n, p=[1 - _CANCELLED - _LOST, _CANCELLED, _LOST])
        return cls((law.steady - 1) / rng.standard_gamma(law.steady), cause, fate, rng.random(n))


def sweep(scene: Scene, placed: Placed, going: Going, day: int, rng: Rng) -> tuple[Done, Going]:
    """A day's orders done, and what is under way at its end, from what was under way at its start."""
    law = _before_load(scene, placed)
    chance = _Chance.drawn(law, rng)
    seconds = np.zeros((len(placed), len(STAGES)))
    for stage in (0, 3, 4):
        seconds[:, stage] = _lasts(law, chance, stage, slice(None), rng)
    done = Done(
        np.zeros(len(placed), np.int64), np.zeros(len(placed), np.int64), law, chance.cause, seconds, chance.fate,
        np.full(len(placed), np.iinfo(np.int64).max),
    )  # fmt: skip
    cook_s = _cook_s(scene, placed, day)
    bounds = np.searchsorted(placed.ts, midnight(scene, day) + BLOCK * np.arange(DAY // BLOCK + 1))
    for first, stop in pairwise(bounds.tolist()):
        if first < stop:
            cut = slice(first, stop)
            going = _block(scene, placed, going.since(int(placed.ts[first])), done, chance, cook_s, cut, rng)
    return replace(done, until=_until(placed, done, chance)), going


def _before_load(scene: Scene, placed: Placed) -> Law:
    """The law without what depends on the load: cooking and fetching are still 0."""
    n, mean = len(placed), np.zeros((len(placed), len(STAGES)))
    mean[:, 0], mean[:, 3], mean[:, 4] = _ACCEPT_S, placed.travel_s, placed.door_s
    return Law(placed.grain, mean, placed.trouble, np.full(n, scene.hard.steady))


def _cook_s(scene: Scene, placed: Placed, day: int) -> Reals:
    """(n,) mean seconds in an idle kitchen, beyond the floor."""
    stores, since = scene.stores, scene.shocks.slow_kitchens
    slowed = stores.slowed[placed.store] if since is not None and day >= since else 1.0
    out: Reals = stores.cook_s[placed.store] * (placed.items / 2.5) ** 0.3 * slowed
    return out


def _block(
    scene: Scene, placed: Placed, going: Going, done: Done, chance: _Chance, cook_s: Reals, cut: slice, rng: Rng
) -> Going:
    """One block: fills its rows of `done` and of its law in place, and gives what is under way after it."""
    ts, store, mean = placed.ts[cut], placed.store[cut], done.law.mean
    done.open[cut] = _open(going, store, ts)
    roster = scene.calendar.roster[placed.hour[cut]].astype(np.int64)
    busy = ((going.leaves < ts[:, None]) & (going.freed >= ts[:, None])).sum(axis=1)
    done.free[cut] = np.maximum(roster - busy, 0)
    load = np.minimum(done.open[cut] / scene.stores.capacity[store], _FULL)
    mean[cut, 1] = cook_s[cut] * (1 + _QUEUE * load)
    mean[cut, 2] = _HANDOVER_S + _SCARCE_S * (1 - done.free[cut] / roster) ** _SCARCE_POWER
    for stage in (1, 2):
        done.seconds[cut, stage] = _lasts(done.law, chance, stage, cut, rng)
    end = ends(ts, done.seconds[cut])
    cancelled, struck = chance.fate[cut] == CANCELLED, _struck(ts, end[:, 1], chance.when[cut])
    return going.add(store, np.where(cancelled, struck, end[:, 1]), np.where(cancelled, struck, end[:, 4]))


def _open(going: Going, store: Index, ts: Times) -> NDArray[np.int64]:
    """(n,) orders in the same kitchen: of earlier blocks those that have not left it, of this block all placed before."""
    earlier = (going.store == store[:, None]) & (going.leaves >= ts[:, None])
    here = np.tril(store[:, None] == store, -1)
    out: NDArray[np.int64] = earlier.sum(axis=1) + here.sum(axis=1)
    return out


def _lasts(law: Law, chance: _Chance, stage: int, cut: slice, rng: Rng) -> Reals:
    """(n,) seconds of one stage."""
    shape = (law.mean[cut, stage] + DELAY_S[chance.cause[cut], stage]) / law.grain[cut]
    out: Reals = FLOOR_S[stage] + law.grain[cut] * chance.factor[cut] * rng.standard_gamma(shape)
    return out


def _struck(ts: Times, ready: Times, when: Reals) -> Times:
    """(n,) when a cancelled order was cancelled: after the floor, before the kitchen was ready."""
    out: Times = ts + BLOCK + (when * (ready - ts - BLOCK)).astype(np.int64)
    return out


def _until(placed: Placed, done: Done, chance: _Chance) -> Times:
    """(n,): a lost order is last heard of when picked up or when arrived, as often the one as the other."""
    end = ends(placed.ts, done.seconds)
    last = np.where(chance.when < 0.5, end[:, 2], end[:, 3]) + 1
    out = np.where(done.fate == LOST, last, done.until)
    return np.where(done.fate == CANCELLED, _struck(placed.ts, end[:, 1], chance.when), out)


def ends(ts: Times, seconds: Reals) -> Times:
    """(n, 5) int64 us: when each stage of orders placed at ts ends."""
    out: Times = ts[:, None] + (np.cumsum(seconds, axis=1) * SECOND).astype(np.int64)
    return out
