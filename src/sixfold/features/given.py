"""What a feature may read without counting anything: attributes, the request itself, its time and places.

Each is a number or columns of one row alone, so it can also be what a time is *expected* by, where `Expected` learns how long
an outcome takes of such a row.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from .. import formula
from ..errors import DesignError

CONTEXT = "context."
"""Begins the name of a value that came with the request."""


def entity_field(path: str) -> tuple[str, str]:
    """The entity and the field that a path such as `item.genre` names; raises DesignError where it names none."""
    entity, dot, field = path.partition(".")
    if not (entity and dot and field):
        raise DesignError(f"attribute {path!r} names no entity; write it as 'entity.field', such as 'item.genre'")
    return entity, field


class Attribute(msgspec.Struct, frozen=True, tag=str.lower):
    """A known value of an entity: a number as it is, a category as columns for its `top` most frequent values."""

    path: str
    top: int = 20

    def __post_init__(self) -> None:
        entity_field(self.path)


class Context(msgspec.Struct, frozen=True, tag=str.lower):
    """A value that came with the request, such as the device."""

    name: str
    top: int = 10


class Age(msgspec.Struct, frozen=True, tag=str.lower):
    """Days from a time attribute (Unix seconds) to the request, as log(1 + days)."""

    path: str

    def __post_init__(self) -> None:
        entity_field(self.path)


class Hour(msgspec.Struct, frozen=True, tag=str.lower):
    """The hour of the request on the circle, as sine and cosine."""


class Weekday(msgspec.Struct, frozen=True, tag=str.lower):
    """The day of the week of the request, Monday 0."""


class Way(msgspec.Struct, frozen=True, tag=str.lower):
    """The way from one place to another: `context.drop` is (drop_lat, drop_lon) of the request, `store` the store's lat and lon.

    how: its length, its parts to the north and to the east, both as log kilometres, or its bearing as sine and cosine.
    """

    start: str
    stop: str
    how: Literal["distance", "offsets", "bearing"] = "distance"


class Expression(msgspec.Struct, frozen=True, tag=str.lower):
    """A formula (`sixfold.formula`) of numbers that came with the request; NaN where one is missing or it has no value."""

    formula: str

    def __post_init__(self) -> None:
        formula.parsed(self.formula)  # one that cannot be read is refused where it is written

    @property
    def names(self) -> tuple[str, ...]:
        """The values of the request that it reads."""
        return formula.parsed(self.formula).names


Given = Attribute | Age | Context | Hour | Weekday | Way | Expression


class Expected(msgspec.Struct, frozen=True, tag=str.lower):
    """How long an outcome takes, in seconds, by what is `given` alone: learned before features are used (`features.expected`)."""

    outcome: str
    given: tuple[Given, ...]

    def __post_init__(self) -> None:
        if not self.given or not all(isinstance(one, Given) for one in self.given):
            raise DesignError(
                f"expected({self.outcome!r}) is of {len(self.given)} features; give one at least, each an attribute, an age, a "
                "context, a time, a way or an expression, for what is counted changes while it is learned from"
            )

    def __str__(self) -> str:
        # Every digit: the state keeps what was expected under this name.
        return f"{self.outcome} over {msgspec.json.encode(self.given).decode()}"
