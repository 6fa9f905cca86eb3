"""How should latitude and longitude enter? Not at all, raw, as ways, as means by cells of the map at one or several levels.

The places are those that the design's features name. What knows of places without naming one, such as a router's driving time in
the context or the name of a borough, stays in every alternative: the question is what coordinates add to it. Where times are
expected by a way, an alternative without that way expects them by the rest.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import combinations

from ..design import Design
from ..errors import DesignError
from ..events.schema import Events
from ..features.parts import attributes_of, contexts_of, named_places
from ..features.spec import (
    CONTEXT,
    Accumulating,
    Attribute,
    Context,
    Decayed,
    Expression,
    Feature,
    Way,
    flat,
)
from .edits import estimates_only, expecting, means, with_features

LEVEL, APART = 15, 2
"""The level of cells where the design names none (0.75 km at 52 degrees), and how far apart levels are that back off."""
HALF_LIFE = "14d"


def alternatives(design: Design, log: Iterable[Events] = ()) -> dict[str, Design]:
    """The edits by name, the plainest first. `log` is read only to say why it cannot be asked."""
    estimates_only("geo", design)
    features = design.learning.features
    places = named_places(features)
    if not places:
        raise DesignError(_unasked(design, sorted(places_in(log))))
    raw = [end for place in places for end in _coordinates(place)]
    rest = [one for one in features if not is_of_places(one, raw)]
    ways = _pairs(features, places)
    level, half_life = _level(features), _half_life(features)
    one = _cells(design, places, [level], half_life)
    several = _cells(design, places, [level - APART, level, level + APART], half_life)
    tried: dict[str, Sequence[Feature]] = {"none": (), "raw latitude and longitude": raw}
    if ways:
        distances = [Way(*pair) for pair in ways]
        tried["distance"] = distances
        tried["distance, offsets and bearing"] = distances + [
            Way(*pair, how) for pair in ways for how in ("offsets", "bearing")
        ]
    tried[f"means by cell, level {level}"] = one
    tried[f"means by cell, levels {level - APART}, {level}, {level + APART}"] = several
    tried["all"] = [feature for named in list(tried.values()) for feature in named]
    return {name: with_features(design, _entered(rest, added, raw)) for name, added in tried.items()}


def is_of_places(feature: Feature, raw: Sequence[Feature]) -> bool:
    """Whether a feature is a way, is kept by a cell of the map, or reads a coordinate, which are the `raw` ones."""
    match feature:
        case Way():
            return True
        case Attribute(path):
            return any(isinstance(one, Attribute) and one.path == path for one in raw)
        case Context(name):
            return any(isinstance(one, Context) and one.name == name for one in raw)
        case Expression():
            return any(isinstance(one, Context) and one.name in feature.names for one in raw)
        case _:
            return isinstance(feature, Accumulating) and any("@" in part for part in feature.by)


def places_in(log: Iterable[Events]) -> set[str]:
    """The places that a log knows, as features name them: of entities, and of requests."""
    found: set[str] = set()
    for events in log:
        found |= {of for of, table in events.entities.items() if {"lat", "lon"} <= set(table)}
        ends = [name.removesuffix("_lat") for name in events.decisions if name.endswith("_lat")]
        found |= {place for place in ends if place.startswith(CONTEXT) and f"{place}_lon" in events.decisions}
    return found


def _unasked(design: Design, known: Sequence[str]) -> str:
    """Why a design that names no place is not asked of, and what to do, by the places that the log knows."""
    if not known:
        return (
            f"'sixfold ask geo' needs places, but this log has no coordinates and the features of {design.name!r} name no "
            "place; ingest where things are (place = {lat = ..., lon = ...} in mapping.toml), add a feature of it, such as "
            "distance('store', 'context.drop'), and ask again"
        )
    such = f"distance({known[0]!r}, {known[1]!r})" if len(known) > 1 else f"mean(..., by='{known[0]}@{LEVEL}', ...)"
    return (
        f"the features of {design.name!r} name no place, though the log has {' and '.join(map(repr, known))}; 'sixfold "
        f"ask geo' needs one, so add {such} to learning.features and ask again"
    )


def _entered(rest: Iterable[Feature], added: Sequence[Feature], raw: Sequence[Feature]) -> list[Feature]:
    """The features that name no place with those that are added; what is expected is so by no place that is not."""

    def known(given: Feature) -> bool:
        return given in added or not is_of_places(given, raw)

    entered = (expecting(one, known) for one in (*rest, *added))
    return [one for one in entered if one is not None]


def _coordinates(place: str) -> list[Feature]:
    """Latitude and longitude as columns."""
    if place.startswith(CONTEXT):
        return [Context(name) for name in contexts_of(f"{place}@0")]
    return [Attribute(path) for path in attributes_of(place)]


def _pairs(features: Iterable[Feature], places: Sequence[str]) -> list[tuple[str, str]]:
    """The ways that features go; of a design that names two places and no way, each to each."""
    named = dict.fromkeys((one.start, one.stop) for one in flat(features) if isinstance(one, Way))
    return list(named) or list(combinations(places, 2))


def _cells(design: Design, places: Sequence[str], levels: Sequence[int], half_life: str) -> list[Feature]:
    """Means by the cells of each place. A cell that little is known of has nearly the mean of all: trees that see several
    levels back off from it to the coarser ones."""
    return [
        feature for level in levels for place in places for feature in means(design, (f"{place}@{level}",), half_life)
    ]


def _level(features: Iterable[Feature]) -> int:
    named = [
        int(part.partition("@")[2])
        for one in features
        if isinstance(one, Accumulating)
        for part in one.by
        if "@" in part
    ]
    return max(int(statistics.median_high(named)) if named else LEVEL, APART)


def _half_life(features: Iterable[Feature]) -> str:
    """That of the first mean that is kept by a cell."""
    for one in features:
        if isinstance(one, Accumulating) and any("@" in part for part in one.by):
            for accumulator in one.accumulators():
                if isinstance(accumulator.kernel, Decayed):
                    return accumulator.kernel.half_life
    return HALF_LIFE
