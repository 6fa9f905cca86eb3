"""Slates judged by a world that knows the truth: what they are really worth, beside popularity and the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..features.history import NEVER
from ..formula import Formula
from ..training.material import Material
from ..types import Floats, Rows
from .results import Truth
from .slates import Test

BLOCK = 256


class World(Protocol):
    """What a world tells of its truth: ids, and the true heads of every pair at any ts."""

    @property
    def members(self) -> NDArray[np.bytes_]: ...

    @property
    def items(self) -> NDArray[np.bytes_]: ...

    def alive(self, ts: int) -> NDArray[np.bool_]: ...

    def heads(self, members: NDArray[np.int64], ts: int) -> dict[str, Floats]: ...


def judge(
    world: World,
    material: Material,
    formula: Formula,
    found: Test,
    slates: Mapping[str, Rows],
    chosen: str,
    baseline: str,
) -> Truth:
    """The mean true value of each system's slates, of the oracle's, and the share of the gap that `chosen` closes.

    The oracle ranks what is alive and not seen by the true value itself, at the ts of the test.
    """
    design = material.design
    size, ts = design.slate.size, material.cuts.third
    order = _positions(world.members, material.ids[design.member].names(found.asks.member))
    place = _positions(world.items, material.ids[design.item].names())
    sums = dict.fromkeys([*slates, "oracle"], 0.0)
    alive = world.alive(ts)
    for start in range(0, len(found.asks), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(found.asks)))
        value = formula({name: column.ravel() for name, column in world.heads(order[rows], ts).items()})
        value = value.reshape(len(rows), len(alive))
        for name, slate in slates.items():
            sums[name] += _worth(value, slate[rows, :size], place)
        sums["oracle"] += _oracle(value, alive, material, found, rows, place, size)
    mean = {name: total / max(len(found.asks), 1) for name, total in sums.items()}
    gap = mean["oracle"] - mean[baseline]
    return Truth(mean, (mean[chosen] - mean[baseline]) / gap if gap else float("nan"))


def _worth(value: Floats, slate: Rows, place: NDArray[np.int64]) -> float:
    """The sum over slates of the mean value of their items."""
    at = place[np.maximum(slate, 0)]
    worth = np.where(slate >= 0, np.take_along_axis(value, at, axis=1), 0)
    return float(worth.mean(axis=1).sum())


def _oracle(
    value: Floats,
    alive: NDArray[np.bool_],
    material: Material,
    found: Test,
    rows: NDArray[np.int64],
    place: NDArray[np.int64],
    size: int,
) -> float:
    masked = np.where(alive, value, -np.inf)
    members = np.repeat(found.asks.member[rows], len(place))
    items = np.tile(np.arange(len(place), dtype=np.int32), len(rows))
    ts = np.full(len(items), material.cuts.third)
    seen = (material.known.last_seen(members, items, ts) != NEVER).reshape(len(rows), len(place))
    at = np.broadcast_to(place, seen.shape)
    blocked = np.zeros(masked.shape, bool)
    np.put_along_axis(blocked, at, seen, axis=1)
    masked[blocked] = -np.inf
    return float(-np.sort(-masked, axis=1)[:, :size].mean(axis=1).sum())


def _positions(known: NDArray[np.bytes_], wanted: NDArray[np.bytes_]) -> NDArray[np.int64]:
    """Where each wanted id stands among the known ones."""
    order = np.argsort(known)
    return order[np.searchsorted(known[order], wanted)]
