"""How should latitude and longitude enter? Not at all, raw, as ways, as means by cells of the map at one or several levels.

The places are those that the design's features name. What knows of places without naming one, such as a router's driving time in
the context, stays in every alternative: the question is what coordinates add to it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from itertools import combinations

from ..design import Design
from ..errors import DesignError
from ..features.parts import attributes_of, contexts_of, named_places
from ..features.spec import CONTEXT, Accumulating, Attribute, Context, Decayed, Feature, Way
from .edits import estimates_only, means, with_features

LEVEL, APART = 15, 2
"""The level of cells where the design names none (0.75 km at 52 degrees), and how far apart levels are that back off."""
HALF_LIFE = "14d"


def alternatives(design: Design) -> dict[str, Design]:
    """The edits by name, the plainest first."""
    estimates_only("geo", design)
    features = design.learning.features
    places = named_places(features)
    if not places:
        raise DesignError(
            f"the features of {design.name!r} name no place; 'sixfold ask geo' needs one, such as "
            "distance('store', 'context.drop') or mean('arrived', by='store@15', half_life='14d')"
        )
    raw = [end for place in places for end in _coordinates(place)]
    rest = [one for one in features if not (is_of_places(one) or one in raw)]
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
    return {name: with_features(design, [*rest, *added]) for name, added in tried.items()}


def is_of_places(feature: Feature) -> bool:
    """Whether a feature is a way, or is kept by a cell of the map."""
    return isinstance(feature, Way) or (isinstance(feature, Accumulating) and any("@" in part for part in feature.by))


def _coordinates(place: str) -> list[Feature]:
    """Latitude and longitude as columns."""
    if place.startswith(CONTEXT):
        return [Context(name) for name in contexts_of(f"{place}@0")]
    return [Attribute(path) for path in attributes_of(place)]


def _pairs(features: Iterable[Feature], places: Sequence[str]) -> list[tuple[str, str]]:
    """The ways that features go; of a design that names two places and no way, each to each."""
    named = dict.fromkeys((one.start, one.stop) for one in features if isinstance(one, Way))
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
        if isinstance(one, Accumulating) and is_of_places(one):
            for accumulator in one.accumulators():
                if isinstance(accumulator.kernel, Decayed):
                    return accumulator.kernel.half_life
    return HALF_LIFE
