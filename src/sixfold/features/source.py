"""What features are computed from, and the numbers that are read of it without anything learned."""

from __future__ import annotations

from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import formula
from ..errors import DesignError, nearest
from ..events.hashing import Hashes
from ..types import Asks, Queries, Rows
from . import geography, parts
from .indexed import Frame
from .spec import (
    CONTEXT,
    Accumulator,
    Age,
    Attribute,
    Bucket,
    Count,
    Expression,
    Feature,
    Hour,
    Memory,
    Open,
    Rate,
    Way,
    Weekday,
    entity_field,
    name_of,
)  # fmt: skip


class Source(Protocol):
    """What features are computed from: a log in bulk, or a state online."""

    memory: Memory | None

    def attribute(self, path: str, rows: Rows, ts: NDArray[np.int64]) -> NDArray[Any]:
        """The value of an entity's field as of ts, for rows (n,): see `features.attributes`."""

    def hashed(self, entity: str, rows: Rows) -> Hashes:
        """The hash of each row's id (n,), 0 of an id that is not known."""

    def queries(self, asks: Asks) -> Queries:
        """What is remembered of each asking member."""

    def total(self, accumulator: Accumulator, frame: Frame) -> NDArray[np.float64]:
        """The accumulator of each row of a frame, as of its ts."""


@cache
def accumulators_of(feature: Count | Rate | Open) -> tuple[Accumulator, ...]:
    """A feature's accumulators, made once: a request of a few rows would else make them for longer than read them."""
    return feature.accumulators()


class Totals:
    """The accumulators of a frame, each read once, and only of those who ask (`alone`) where the asker decides it."""

    def __init__(
        self, source: Source, frame: Frame, alone: Frame | None = None, ask: NDArray[np.intp] | None = None
    ) -> None:
        self._source, self._frame, self._alone, self._ask = source, frame, alone, ask
        self._of_frame: dict[Accumulator, NDArray[np.float64]] = {}
        self._of_alone: dict[Accumulator, NDArray[np.float64]] = {}

    def of(self, accumulator: Accumulator, frame: Frame) -> NDArray[np.float64]:
        """The accumulator of each row of `frame`, which is one of the two."""
        memory = self._source.memory
        if memory is not None and self._alone is not None and by_member(accumulator.by, memory.member):
            if accumulator not in self._of_alone:
                self._of_alone[accumulator] = self._source.total(accumulator, self._alone)
            found = self._of_alone[accumulator]
            return found if frame is self._alone else found[self._ask]
        if accumulator not in self._of_frame:
            self._of_frame[accumulator] = self._source.total(accumulator, self._frame)
        return self._of_frame[accumulator]


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
        case Count() | Rate() | Open():
            return all(by_member(accumulator.by, member) for accumulator in feature.accumulators())
        case _:
            return False


def remembered(source: Source) -> Memory:
    if source.memory is None:
        raise DesignError("similarity and taste read what a member did; a design that decides no slates has no members")
    return source.memory


def way(feature: Way, source: Source, frame: Frame) -> NDArray[np.float64]:
    ends = [
        end
        for place in (feature.start, feature.stop)
        for end in parts.coordinates(place, lambda path: attribute_of(path, source, frame), frame.context)
    ]
    match feature.how:
        case "distance":
            return geography.log_km(geography.great_circle_km(*ends))
        case "offsets":
            return np.stack([geography.log_km(km) for km in geography.apart_km(*ends)], axis=1)
        case "bearing":
            return np.stack(geography.direction(*ends), axis=1)


def bucket(feature: Bucket, source: Source, frame: Frame) -> NDArray[np.float64]:
    if feature.key not in frame.keys:
        raise DesignError(
            f"{name_of(feature)} is of an entity that a request does not name; {nearest(feature.key, frame.keys)}"
        )
    found = source.hashed(feature.key, frame.keys[feature.key])
    return np.where(found != 0, found % np.uint64(feature.buckets), np.nan)


def expression(feature: Expression, frame: Frame) -> NDArray[np.float64]:
    read = {name: parts.as_numbers(context_of(CONTEXT + name, frame)) for name in feature.names}
    return formula.parsed(feature.formula).exact(read)


def attribute_of(path: str, source: Source, frame: Frame) -> NDArray[Any]:
    entity, _ = entity_field(path)
    if entity not in frame.keys:
        raise DesignError(
            f"feature {path!r} is of an entity that a request does not name; {nearest(entity, frame.keys)}"
        )
    return source.attribute(path, frame.keys[entity], frame.ts)


def context_of(name: str, frame: Frame) -> NDArray[Any]:
    if name not in frame.context:
        raise DesignError(f"feature {name!r} is not in the context of this request; {nearest(name, frame.context)}")
    return frame.context[name]
