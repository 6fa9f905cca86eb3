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
from ..events.hashing import Hashes
from ..events.places import checked_places
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


def hashes(part: str, attribute: Attribute, context: Contexts) -> Hashes:
    """The members (n, m) of a part that is no entity; 0 where there is none."""
    place, at, level = part.partition("@")
    if at:
        lat, lon = coordinates(place, attribute, context)
        return tiles.cells(lat, lon, level=_level(part, level))[:, None]
    if part.startswith(CONTEXT):
        return np.asarray(_held(part, context), np.uint64)[:, None]
    return attribute(part)


def coordinates(place: str, attribute: Attribute, context: Contexts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (n,) of a place, NaN where it is not known or is none on Earth but (0, 0)."""
    if place.startswith(CONTEXT):
        lat, lon = as_numbers(_held(f"{place}_lat", context)), as_numbers(_held(f"{place}_lon", context))
    else:
        lat, lon = attribute(f"{place}.lat"), attribute(f"{place}.lon")
    real = checked_places(lat, lon) == 0
    return (lat, lon) if real.all() else (np.where(real, lat, np.nan), np.where(real, lon, np.nan))


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
