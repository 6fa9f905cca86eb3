"""What features are computed from, and the numbers that are read of it without anything learned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from .. import formula
from ..errors import DesignError, nearest
from ..events.hashing import Hashes
from ..types import Asks, Queries, Rows
from . import geography
from .indexed import Frame
from .parts import Reading, as_numbers
from .similarity import moments
from .spec import (
    CONTEXT,
    Accumulator,
    Age,
    Attribute,
    Bucket,
    Expression,
    Feature,
    Hour,
    Memory,
    Way,
    Weekday,
    entity_field,
    name_of,
)  # fmt: skip
from .worked import Work

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Wanted:
    """Accumulators that are read together. Hashed by identity, so that a source may keep what it worked out for them."""

    accumulators: tuple[Accumulator, ...]


class Look(NamedTuple):
    """A look at some rows of a table: their frame, and what it says of attributes and parts as of its ts."""

    frame: Frame
    reading: Reading


class Source(Protocol):
    """What features are computed from: a log in bulk, or a state online."""

    memory: Memory | None

    def attribute(self, path: str, rows: Rows, ts: NDArray[np.int64]) -> NDArray[Any]:
        """The value of an entity's field as of ts, for rows (n,): see `features.attributes`."""

    def worked(self, work: Work, rows: Rows, ts: NDArray[np.int64]) -> NDArray[Any]:
        """What attributes alone decide of rows (n,), as of ts."""

    def hashed(self, entity: str, rows: Rows) -> Hashes:
        """The hash of each row's id (n,), 0 of an id that is not known."""

    def queries(self, asks: Asks) -> Queries:
        """What is remembered of each asking member."""

    def totals(self, wanted: Wanted, rows: Look) -> Doubles:
        """Each accumulator (a, n) of each row, as of its ts."""


@dataclass(frozen=True, slots=True)
class Asker:
    """All rows, those who ask for them `alone`, and which of these each row is of: what only the member and the time decide
    is worked out once for all candidates of a request."""

    rows: Look
    alone: Look
    ask: NDArray[np.int64] | None

    @classmethod
    def of(cls, source: Source, frame: Frame) -> Self:
        rows = look(source, frame)
        if source.memory is None:
            return cls(rows, rows, None)
        first, ask = moments(frame.keys[source.memory.member], frame.ts)
        return cls(rows, look(source, frame.take(first)), ask)

    def spread(self, values: NDArray[Any], rows: slice) -> NDArray[Any]:
        """Values (a, asks) of those who ask as those (a, n) of some of their rows."""
        return values[:, rows] if self.ask is None else values.take(self.ask[rows], axis=1)


def look(source: Source, frame: Frame) -> Look:
    """A look at a frame through a source."""
    read = partial(attribute_of, source=source, frame=frame)
    return Look(frame, Reading(read, frame.keys, frame.context, len(frame)))


def by_member(by: tuple[str, ...], member: str) -> bool:
    return all(part.partition(".")[0] == member for part in by)


def of_asker(feature: Feature, member: str) -> bool:
    """Whether a feature is the same for all candidates of a request: of the time, or of the asking member alone."""
    match feature:
        case Hour() | Weekday():
            return True
        case Attribute(path) | Age(path):
            return entity_field(path)[0] == member
        case Bucket(key):
            return key == member
        case _:
            return False


def remembered(source: Source) -> Memory:
    if source.memory is None:
        raise DesignError("similarity and taste read what a member did; a design that decides no slates has no members")
    return source.memory


def way(feature: Way, reading: Reading) -> Doubles:
    ends = [*reading.coordinates(feature.start), *reading.coordinates(feature.stop)]
    match feature.how:
        case "distance":
            return geography.log_km(geography.great_circle_km(*ends))
        case "offsets":
            return np.stack([geography.log_km(km) for km in geography.apart_km(*ends)], axis=1)
        case "bearing":
            return np.stack(geography.direction(*ends), axis=1)


def bucket(feature: Bucket, source: Source, frame: Frame) -> Doubles:
    found = source.hashed(feature.key, rows_of(feature.key, name_of(feature), frame))
    return np.where(found != 0, found % np.uint64(feature.buckets), np.nan)


def expression(feature: Expression, frame: Frame) -> NDArray[np.float64]:
    read = {name: as_numbers(context_of(CONTEXT + name, frame)) for name in feature.names}
    return formula.parsed(feature.formula).exact(read)


def attribute_of(path: str, source: Source, frame: Frame) -> NDArray[Any]:
    return source.attribute(path, rows_of(entity_field(path)[0], path, frame), frame.ts)


def rows_of(entity: str, of: str, frame: Frame) -> Rows:
    """The rows (n,) of an entity that a feature is `of`. Raises DesignError where a request does not name it."""
    if entity not in frame.keys:
        raise DesignError(f"feature {of!r} is of an entity that a request does not name; {nearest(entity, frame.keys)}")
    return frame.keys[entity]


def context_of(name: str, frame: Frame) -> NDArray[Any]:
    if name not in frame.context:
        raise DesignError(f"feature {name!r} is not in the context of this request; {nearest(name, frame.context)}")
    return frame.context[name]
