"""What of the features is learned: their vocabularies, the scale of vectors, and tastes, as known before some moment."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError, nearest
from ..events.places import Area
from ..events.schema import take
from . import expected
from .attributes import Kind, Versions, kind_of, pack
from .clock import clock_of
from .decided import frame_of
from .expected import Expectation
from .indexed import Indexed
from .parts import attributes_of, is_row
from .source import Source, look
from .spec import (
    Accumulating,
    Age,
    Attribute,
    Context,
    Expected,
    Feature,
    Memory,
    Similarity,
    Taste,
    Way,
    entity_field,
    expectations,
    flat,
    name_of,
)  # fmt: skip
from .table import Fitted
from .taste import TasteFitted
from .vocabulary import centred, frequent, frequent_hashes

VALUES = 64
"""How many values of a category make up its vector at most."""


def fit(
    features: tuple[Feature, ...],
    log: Indexed,
    *,
    until: int,
    memory: Memory | None = None,
    also: tuple[str, ...] = (),
    area: Area | None = None,
    timezone: str = "UTC",
    source: Source | None = None,
) -> Fitted:
    """Features with their vocabularies fixed, and tastes learned, by what the log knew strictly before `until`.

    `memory` says what is liked by whom, which a taste needs; `also` names attribute paths that are no features but must be
    known online; places outside `area` are unknown; timezone is the one of hours and days; source gives attributes, of which
    something may be expected. Raises DesignError for a field that no entity has.
    """
    kinds: dict[str, Kind] = {}
    widths: dict[str, int] = {}
    vocabularies: dict[str, list[int]] = {}
    labels: dict[str, list[str]] = {}
    centres: dict[str, list[list[float]]] = {}
    tastes: dict[str, TasteFitted] = {}
    for path in dict.fromkeys([*paths(features), *also]):
        column = field_of(log, path)
        kinds[path] = kind_of(column)
        widths[path] = column.shape[1] if column.ndim == 2 else 0
    for feature in flat(features):
        name = name_of(feature)
        if isinstance(feature, Attribute) and kinds[name] == Kind.CATEGORY:
            entity, field = entity_field(name)
            known = log.entities[entity]["ts"] < until
            vocabularies[name], labels[name] = frequent(log.entities[entity][field][known], feature.top)
        elif isinstance(feature, Similarity):
            column = _known(log, feature.path, until)
            if kinds[feature.path] is Kind.CATEGORY:
                key = f"similarity({feature.path})"
                vocabularies[key], _ = frequent(column, VALUES)
                half = Fitted((), kinds, widths, vocabularies, {}, {})
                column = half.shares(feature.path, pack(column))
            elif kinds[feature.path] is not Kind.VECTOR:
                raise DesignError(f"{name} needs a category or a vector, but {feature.path} is a number; leave it out")
            centres[feature.path] = centred(column)
        elif isinstance(feature, Taste):
            from .taste_fit import learned  # what trains is not imported by what serves

            if memory is None:
                raise DesignError(f"{name} is learned from what members liked; give `fit` the design's memory")
            tastes[name] = learned(feature, log, memory, until=until)
        elif isinstance(feature, Context) and name in log.texts:
            asked = log.decisions[name][log.decisions["ts"] < until]
            vocabularies[name], labels[name] = frequent_hashes(asked, log.texts[name], feature.top)
    half = Fitted(tuple(features), kinds, widths, vocabularies, labels, centres, tastes, area, clock_of(timezone))
    found = {str(one): _expected(one, half, log, source, until) for one in expectations(features)}
    return msgspec.structs.replace(half, expectations=found) if found else half


def _expected(of: Expected, half: Fitted, log: Indexed, source: Source | None, until: int) -> Expectation:
    """What is expected, by the decisions whose outcome was known before `until`."""
    if source is None:
        raise DesignError(f"{name_of(of)} is learned from the log; give `fit` a source of its features")
    if of.outcome not in log.outcomes:
        raise DesignError(f"{name_of(of)}: the log has no such outcome; {nearest(of.outcome, log.outcomes)}")
    table, held = log.outcomes[of.outcome], log.decisions
    order = np.argsort(held["id"], kind="stable")
    at = order[np.minimum(np.searchsorted(held["id"][order], table["decision"]), max(len(order) - 1, 0))]
    known = (
        (table["ts"] < until) & (table["decision"] != 0) & (held["id"][at] == table["decision"]) & (table["value"] >= 0)
    )
    # In the order of their time, so that the order in which the log has them changes no digit.
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((table["id"][rows], table["ts"][rows]))]
    return expected.fit(
        half.given(of, source, look(source, frame_of(take(held, at[rows]), half, None))), table["value"][rows]
    )


def _known(log: Indexed, path: str, until: int) -> NDArray[Any]:
    """The column of a path's entity events before `until`."""
    entity, _ = entity_field(path)
    return field_of(log, path)[log.entities[entity]["ts"] < until]


def paths(features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Every attribute path that features read or are kept by."""
    features = flat(features)
    read = [f.path for f in features if isinstance(f, Attribute | Age | Similarity)]
    read += [path for f in features if isinstance(f, Taste) for path in (*f.of, *f.given)]
    read += [
        path for f in features if isinstance(f, Way) for end in (f.start, f.stop) for path in attributes_of(f"{end}@0")
    ]
    kept = [
        path
        for f in features
        if isinstance(f, Accumulating)
        for part in f.by
        if not is_row(part)
        for path in attributes_of(part)
    ]
    return tuple(dict.fromkeys([*read, *kept]))


def field_of(log: Indexed, path: str) -> NDArray[Any]:
    """The column of entity events that a path names; raises DesignError where there is none."""
    entity, field = entity_field(path)
    if entity not in log.entities:
        raise DesignError(f"attribute {path!r}: the log has no entities {entity!r}; {nearest(entity, log.entities)}")
    table = log.entities[entity]
    if field not in table or field in ("row", "ts", "id"):
        fields = [name for name in table if name not in ("row", "ts", "id")]
        raise DesignError(f"attribute {path!r}: entity {entity!r} has no such field; {nearest(field, fields)}")
    return table[field]


def versions(log: Indexed, path: str, *, count: int) -> Versions:
    """Every value that a path's entities had (`count` rows of them), in bulk form."""
    table = log.entities[entity_field(path)[0]]
    return Versions(table["row"], table["ts"], table["id"], field_of(log, path), count=count)
