"""What a name in a design stands for: a part of `by`, or a place.

    store              an entity: a cell for each of its rows             context.device     a category of the request
    store.cuisine      a category of an entity, as of the event           store@14           the cell of level 14 its place is in
                                                                          context.drop@14    the same of a place of the request

A place `store` has the attributes store.lat and store.lon, a place `context.drop` the numbers drop_lat and drop_lon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, nearest
from ..events.hashing import Hashes, combine, mix
from ..events.places import real_places
from ..native import kernels
from ..types import Rows
from . import tiles
from .indexed import Occurrences
from .spec import CONTEXT, Accumulating, Context, Expression, Feature, Way, flat

Attribute = Callable[[str], NDArray[Any]]
"""The values (n, ...) of an attribute path, of the rows at hand."""
Contexts = Mapping[str, NDArray[Any]]


def is_row(part: str) -> bool:
    """Whether a part is an entity itself, of which each row is a cell."""
    return "." not in part and "@" not in part


def entity_of(part: str) -> str | None:
    """The entity that a part is of, None where it is of the request."""
    return None if part.startswith(CONTEXT) else part.partition("@")[0].partition(".")[0]


def attributes_of(part: str) -> tuple[str, ...]:
    """The attribute paths that a part or a place reads."""
    place, at, _ = part.partition("@")
    if part.startswith(CONTEXT):
        return ()
    return (f"{place}.lat", f"{place}.lon") if at or is_row(part) else (part,)


def contexts_of(part: str) -> tuple[str, ...]:
    """The values of the request, without their beginning, that a part reads; of a place give the cell of any level."""
    if not part.startswith(CONTEXT):
        return ()
    name, at, _ = part.removeprefix(CONTEXT).partition("@")
    return (f"{name}_lat", f"{name}_lon") if at else (name,)


class Reading:
    """What some rows (n,) say of attributes, places and parts, each worked out once.

    attribute gives the values of a path as of the rows' times; keys are their rows by entity, context is what came with them.
    """

    def __init__(self, attribute: Attribute, keys: Mapping[str, Rows], context: Contexts, n: int) -> None:
        self._read, self._keys, self._context, self._n = attribute, keys, context, n
        self._attributes: dict[str, NDArray[Any]] = {}
        self._places: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._finest: dict[str, Hashes] = {}
        self._combined: dict[tuple[str, ...], Hashes] = {(): np.ones((n, 1), np.uint64)}

    def __len__(self) -> int:
        return self._n

    def attribute(self, path: str) -> NDArray[Any]:
        """The values (n, ...) of an attribute path."""
        if path not in self._attributes:
            self._attributes[path] = self._read(path)
        return self._attributes[path]

    def rows(self, entity: str) -> Rows:
        """The rows (n,) of an entity, -1 where it is not known; raises DesignError where the events do not carry it."""
        if entity not in self._keys:
            raise DesignError(
                f"a feature is kept by {entity!r}, which its events do not carry; {nearest(entity, self._keys)}"
            )
        return self._keys[entity]

    def coordinates(self, place: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude (n,) of a place, NaN where it is not known or is none on Earth but (0, 0)."""
        if place not in self._places:
            if place.startswith(CONTEXT):
                lat, lon = (as_numbers(_held(f"{place}_{end}", self._context)) for end in ("lat", "lon"))
            else:
                lat, lon = self.attribute(f"{place}.lat"), self.attribute(f"{place}.lon")
            real = real_places(lat, lon)
            if not real.all():
                lat, lon = np.where(real, lat, np.nan), np.where(real, lon, np.nan)
            self._places[place] = lat, lon
        return self._places[place]

    def hashes(self, part: str) -> Hashes:
        """The members (n, m) of a part; 0 where there is none."""
        if is_row(part):
            rows = self.rows(part)
            return np.where(rows >= 0, mix(rows.astype(np.uint64)), np.uint64(0))[:, None]
        place, at, level = part.partition("@")
        if at:
            if place not in self._finest:
                self._finest[place] = tiles.cells(*self.coordinates(place), level=tiles.FINEST)[:, None]
            return tiles.parents(self._finest[place], up=tiles.FINEST - _level(part, level))
        if part.startswith(CONTEXT):
            return np.asarray(_held(part, self._context), np.uint64)[:, None]
        return _trimmed(self.attribute(part))

    def combined(self, by: tuple[str, ...]) -> Hashes:
        """The hash (n, m) of each combination of the members of parts; 0 where one of them is missing."""
        if by not in self._combined:
            self._combined[by] = _pairs(self.combined(by[:-1]), self.hashes(by[-1]))
        return self._combined[by]


def asked(features: Iterable[Feature], *, numbers: bool = False) -> tuple[str, ...]:
    """The values of a request that features read, each once; with `numbers` those that places and columns are made of only."""
    found: list[str] = []
    for feature in flat(features):
        if isinstance(feature, Context):
            found.append(feature.name)
        elif isinstance(feature, Expression):
            found += feature.names
        elif isinstance(feature, Way):
            found += [name for place in (feature.start, feature.stop) for name in contexts_of(f"{place}@0")]
        elif isinstance(feature, Accumulating):
            found += [name for part in feature.by if "@" in part or not numbers for name in contexts_of(part)]
    return tuple(dict.fromkeys(found))


def named_places(features: Iterable[Feature]) -> tuple[str, ...]:
    """The places that features name: the ends of ways, their starts, then those of cells; each once."""
    features = flat(features)
    ways = [one for one in features if isinstance(one, Way)]
    kept = [part for one in features if isinstance(one, Accumulating) for part in one.by]
    cells = [part.partition("@")[0] for part in kept if "@" in part]
    return tuple(dict.fromkeys([*(one.stop for one in ways), *(one.start for one in ways), *cells]))


def remembered(features: Iterable[Feature]) -> tuple[str, ...]:
    """The values of a request that have to be known of its outcomes, for they are counted by them."""
    kept = (part for feature in features if isinstance(feature, Accumulating) for part in feature.by)
    return tuple(dict.fromkeys(name for part in kept for name in contexts_of(part)))


def carry(happened: Occurrences, by: tuple[str, ...]) -> bool:
    """Whether events say whom they are of; those that do not, such as a watch without its member, are counted nowhere."""
    return all(entity is None or entity in happened.keys for entity in map(entity_of, by))


def _pairs(first: Hashes, second: Hashes) -> Hashes:
    """The hash (n, a * b) of each pair of members (n, a) and (n, b) of a row; 0 where one of them is missing."""
    n = len(first)
    if not n:
        return np.empty((0, 1), np.uint64)
    if kernels is not None:
        out = np.empty((n, first.shape[1] * second.shape[1]), np.uint64)
        kernels.pairs(np.ascontiguousarray(first), np.ascontiguousarray(second), out, n)
        return out
    left, right = first[:, :, None], second[:, None, :]
    pairs = combine(left, right)
    if not (left.all() and right.all()):
        pairs[(left == 0) | (right == 0)] = 0
    return pairs.reshape(n, -1)


def _trimmed(members: Hashes) -> Hashes:
    """The members (n, m) without the last columns, which no row fills: most have one or two of the many there may be."""
    if members.shape[1] == 1:
        return members
    used = np.flatnonzero(members.any(axis=0))
    return members[:, : int(used[-1]) + 1 if len(used) else 1]


def _level(part: str, level: str) -> int:
    if not level.isdigit() or int(level) > tiles.FINEST:
        raise DesignError(f"{part!r} names no level of cells; write it as 'store@14', 0 to {tiles.FINEST}")
    return int(level)


def _held(name: str, context: Contexts) -> NDArray[Any]:
    if name not in context:
        raise DesignError(f"{name!r} is not in the context of this request; {nearest(name, context)}")
    return context[name]


def as_numbers(held: NDArray[Any]) -> NDArray[np.float64]:
    """A value of requests (n,) as numbers."""
    # Where a request gives no number, its column is the hash of nothing.
    return held if held.dtype == np.float64 else np.full(len(held), np.nan)
