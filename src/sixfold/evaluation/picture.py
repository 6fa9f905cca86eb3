"""What is drawn of estimates: how far quantiles hold, where on the map they err, the tail, and promises at other prices.

All of it is of the test part and in minutes; a few dozen numbers, so that a release can keep them. Nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..estimate import Estimated
from ..estimation import law
from ..estimation.promise import Promise
from ..features import tiles
from ..features.indexed import Frame
from ..features.parts import Reading, named_places
from ..features.spec import entity_field
from ..metrics import promise as kernels
from ..metrics.interval import interval
from ..metrics.kernel import mean
from ..training.material import Material
from ..types import Floats, Rows
from .results import Cell, Cost, Level, Map, Picture, Tenth, Told

Where: TypeAlias = tuple[str, NDArray[np.float64], NDArray[np.float64]]
"""The name of a place, and the latitude and the longitude (n,) of it."""

ACROSS = 16
"""Cells on each side of a map at most."""
RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 15.0)
"""Costs of a late minute, in early ones, at which promises are tried."""
TOLD = (0.5, 0.6, 0.75, 0.9)
"""Levels of the quantiles that are tried as the estimate."""
_INNER = (0.01, 0.99)
"""Between which quantiles of latitude and longitude a map reaches: one mistaken place would make it a map of the world."""
_SURE = 1.96


def picture(
    given: Estimated,
    minutes: Floats,
    levels: NDArray[np.float64],
    told: Promise,
    *,
    cluster: Rows,
    where: Where | None,
    rng: np.random.Generator,
) -> Picture:
    """All pictures of estimates of n rows that took so many minutes (n,); cluster (n,) as in `metrics.interval`.

    where: the place that each row is mapped at, None where there are none.
    """
    took = minutes.astype(np.float64)
    return Picture(
        levels=reliability(levels, given.quantiles, took, cluster=cluster, rng=rng),
        tail=tail(levels, given, took),
        costs=costs(levels, given.quantiles, took, told),
        told=told_levels(levels, given.quantiles, took),
        map=None if where is None else by_place(where[0], where[1], where[2], given.mean / 60 - took),
    )


def reliability(
    levels: NDArray[np.float64],
    quantiles: Floats,
    minutes: NDArray[np.float64],
    *,
    cluster: Rows,
    rng: np.random.Generator,
) -> list[Level]:
    """The share of rows that took at most each quantile (n, q), with its interval: the level itself where they hold."""
    out = []
    for level, seconds in zip(levels.tolist(), quantiles.T, strict=True):
        found = interval(mean.of((minutes <= seconds / 60).astype(np.float64)), cluster=cluster, rng=rng)
        low, high = (None if np.isnan(end) else end for end in (found.low, found.high))
        out.append(Level(level, found.value, low, high))
    return out


def by_place(name: str, lat: ArrayLike, lon: ArrayLike, error: NDArray[np.float64]) -> Map:
    """The mean of an error (n,) in each cell of the map, at the finest level at which `ACROSS` cells span it."""
    y, x = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    known = np.isfinite(y) & np.isfinite(x)
    if not known.any():
        return Map(name, 0, [], len(error))
    (south, north), (west, east) = (np.quantile(side[known], _INNER) for side in (y, x))
    level = _finest(south, north, west, east)
    inside = known & (y >= south) & (y <= north) & (x >= west) & (x <= east)
    found, at = np.unique(tiles.cells(y[inside], x[inside], level=level), return_inverse=True)
    rows = np.bincount(at)
    middle = np.bincount(at, error[inside]) / rows
    spread = np.bincount(at, (error[inside] - middle[at]) ** 2) / np.maximum(rows - 1, 1)
    half = np.where(rows > 1, _SURE * np.sqrt(spread / rows), np.inf)
    down, right = tiles.places(found)
    cells = [
        Cell(int(row), int(column), int(n), float(value), None if np.isinf(slack) else float(slack))
        for row, column, n, value, slack in zip(down - down.min(), right - right.min(), rows, middle, half, strict=True)
    ]
    return Map(name, level, cells, int(len(error) - inside.sum()))


def tail(levels: NDArray[np.float64], given: Estimated, minutes: NDArray[np.float64]) -> list[Tenth]:
    """Tenths of the rows by how long they really took: what the estimate missed, and what the promise made of it.

    No honest estimate is right in the outer tenths, for who took longest was unlucky, too: that bias is the part of chance.
    """
    median = law.at(levels, given.quantiles.astype(np.float64), np.array([0.5]))[:, 0] / 60
    promised = given.promised_s / 60
    total = np.abs(median - minutes).sum()
    order = np.argsort(minutes, kind="stable")
    return [
        Tenth(
            n=len(part),
            took=float(minutes[part].mean()),
            estimated=float(median[part].mean()),
            error_share=float(np.abs(median[part] - minutes[part]).sum() / total) if total else 0.0,
            late=float(np.maximum(minutes[part] - median[part], 0).mean()),
            promised_late=float(np.maximum(minutes[part] - promised[part], 0).mean()),
            promised_early=float(np.maximum(promised[part] - minutes[part], 0).mean()),
        )
        for part in np.array_split(order, 10)
        if len(part)
    ]


def told_levels(
    levels: NDArray[np.float64], quantiles: Floats, minutes: NDArray[np.float64], *, told: Sequence[float] = TOLD
) -> list[Told]:
    """What other quantiles would be as the estimate: that of level p is what a loss learns that prices a minute too short
    p / (1 - p) times one too long. So the tail is bought with bias, and here is how much of it with how much."""
    found = law.at(levels, quantiles.astype(np.float64), np.array(told)) / 60
    longest = np.argsort(minutes, kind="stable")[-max(len(minutes) // 10, 1) :]
    off = found - minutes[:, None]
    return [
        Told(level, float(np.abs(miss).mean()), float(np.abs(miss[longest]).mean()), float(miss.mean()))
        for level, miss in zip(told, off.T, strict=True)
    ]


def costs(
    levels: NDArray[np.float64],
    quantiles: Floats,
    minutes: NDArray[np.float64],
    told: Promise,
    *,
    ratios: Iterable[float] = RATIOS,
) -> list[Cost]:
    """What promises would cost, and how many would be late, were a late minute worth so many early ones; the design's
    own ratio is among them."""
    own = told.late_per_min / told.early_per_min
    return [_cost(levels, quantiles, minutes, told, ratio, own=bool(ratio == own)) for ratio in sorted({*ratios, own})]


def place_of(material: Material, frame: Frame) -> Where | None:
    """Where each row is mapped: at the end of the first way that the features name, at the first place of cells where
    there are no ways; None where the features know of no places."""
    for name in named_places(material.design.learning.features):

        def attribute(path: str) -> NDArray[Any]:
            return material.known.attribute(path, frame.keys[entity_field(path)[0]], frame.ts)

        return name, *Reading(attribute, frame.keys, frame.context, len(frame)).coordinates(name)
    return None


def _cost(
    levels: NDArray[np.float64],
    quantiles: Floats,
    minutes: NDArray[np.float64],
    told: Promise,
    ratio: float,
    *,
    own: bool,
) -> Cost:
    other = msgspec.structs.replace(told, late_per_min=ratio * told.early_per_min)
    promised_s = other.of(levels, quantiles)
    promised = promised_s / 60
    very = other.very_late_per_min * np.maximum(minutes - promised - other.very_late_min, 0).mean()
    paid = kernels.promise_cost(minutes, promised, late=other.late_per_min, early=other.early_per_min) + very
    return Cost(
        ratio=float(ratio),
        expected=float(other.cost(levels, quantiles, promised_s).mean() / told.early_per_min),
        realised=float(paid / told.early_per_min),
        late=float(kernels.late_share(minutes, promised)),
        very_late=float(kernels.late_share(minutes, promised, by=10)),
        promised=float(promised.mean()),
        own=own,
    )


def _finest(south: float, north: float, west: float, east: float) -> int:
    """The finest level at which the box is at most `ACROSS` cells high and wide."""
    for level in range(tiles.FINEST, 0, -1):
        down, right = tiles.places(tiles.cells([north, south], [west, east], level=level))
        if max(np.ptp(down), np.ptp(right)) < ACROSS:
            return level
    return 0
