"""What a design may say about features: small frozen specs, declared once for batch and online.

A feature is made of *inputs* (attributes, context, time) and of *accumulators*: sums over a stream of events, kept
for each cell of `by`. Both schedules ask for the same inputs and accumulators, and `combine` joins them by one arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias, TypeGuard, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..errors import DesignError
from .given import CONTEXT as CONTEXT
from .given import Age as Age
from .given import Attribute as Attribute
from .given import Context as Context
from .given import Expected as Expected
from .given import Expression as Expression
from .given import Hour as Hour
from .given import Way as Way
from .given import Weekday as Weekday
from .given import entity_field as entity_field

SHOWN = "shown"
"""The stream of impressions, where others are named after their outcome."""
ASKED = "asked"
"""The stream of decisions themselves, such as orders that were placed."""


class Stream(msgspec.Struct, frozen=True):
    """Events that are counted: `shown`, or an outcome by name, with a value of `at_least` (any, where None).

    over: their values are how much longer they took than expected, as log(value / expected), and events of decisions that are
    not known are left out.
    """

    name: str
    at_least: float | None = None
    over: Expected | None = None

    def __post_init__(self) -> None:
        if self.over is not None and self.at_least is not None:
            raise DesignError(
                f"{self.name!r} is both at least {self.at_least} and over what is expected; leave one out"
            )

    def __str__(self) -> str:
        if self.over is not None:
            return f"{self.name} - ({self.over})"
        # Every digit: the state keeps an accumulator under this name.
        return self.name if self.at_least is None else f"{self.name}>={str(self.at_least).removesuffix('.0')}"


class Memory(msgspec.Struct, frozen=True):
    """What is remembered of each member beside features: the newest `length` items of `liked`, and all `seen`.

    `member` and `item` are the entity types that ask and that are shown.
    """

    member: str
    item: str
    liked: Stream
    seen: Stream
    length: int


class Sawtooth(msgspec.Struct, frozen=True, tag=str.lower):
    """Counts of a sliding window (`features.windows`)."""

    window: str
    tiles: int = 8

    def __post_init__(self) -> None:
        if not 1 <= self.tiles <= 64:
            raise DesignError(f"tiles is {self.tiles}; a window has 1 to 64 tiles (8 unless told otherwise)")
        durations.parse(self.window)


class Decayed(msgspec.Struct, frozen=True, tag=str.lower):
    """Exponentially decayed sums (`features.decay`)."""

    half_life: str

    def __post_init__(self) -> None:
        durations.parse(self.half_life)


class Accumulator(msgspec.Struct, frozen=True):
    """A sum over a stream for each cell of `by`: of ones, or of the events' values.

    Where `undoes`, an event whose value is v seconds takes back one that happened v seconds before it: with a decay it weighs
    what that one weighs by now, to the last digit.
    """

    stream: Stream
    by: tuple[str, ...]
    kernel: Sawtooth | Decayed
    values: bool = False
    undoes: bool = False

    def __str__(self) -> str:
        kernel = self.kernel
        how = (
            f"window={kernel.window}:{kernel.tiles}"
            if isinstance(kernel, Sawtooth)
            else f"half_life={kernel.half_life}"
        )
        what = "undone" if self.undoes else "sum" if self.values else "count"
        return f"{what}({self.stream}, by={'+'.join(self.by) or 'all'}, {how})"


class Position(msgspec.Struct, frozen=True, tag=str.lower):
    """The place an item is shown at: as logged in training, 1 in serving, so that its effect is learned and left out."""


class Similarity(msgspec.Struct, frozen=True, tag=str.lower):
    """How near an item's vector is to those of the member's history (`features.similarity`)."""

    path: str
    half_life: str = "30d"

    def __post_init__(self) -> None:
        entity_field(self.path)
        durations.parse(self.half_life)


class Taste(msgspec.Struct, frozen=True, tag=str.lower):
    """How well an item suits a member's taste, in log-odds, by directions learned from what members liked (`features.taste`).

    of: the item's attributes that its place is made of; given: the member's own, which tell a part of a taste.
    """

    of: tuple[str, ...]
    given: tuple[str, ...] = ()
    half_life: str = "30d"
    factors: int = 8

    def __post_init__(self) -> None:
        for paths in (self.of, self.given):
            if len({entity_field(path)[0] for path in paths}) > 1:
                raise DesignError(
                    f"{' and '.join(paths)} are of several entities; name an item's in `of`, a member's in `given`"
                )
        if not self.of or self.factors < 1:
            raise DesignError("a taste needs an attribute of the item and at least one factor")
        durations.parse(self.half_life)


class Bucket(msgspec.Struct, frozen=True, tag=str.lower):
    """Which of so many buckets a key's id falls into, by its hash: what is left of an id that is no column of its own.

    Nothing is known of a key that was never heard of before.
    """

    key: str
    buckets: int = 256

    def __post_init__(self) -> None:
        if "." in self.key or not 2 <= self.buckets <= 1 << 24:
            raise DesignError(f"bucket({self.key!r}, {self.buckets}): name an entity, and 2 to {1 << 24} buckets")


class Count(msgspec.Struct, frozen=True, tag=str.lower):
    """How often a stream's events fell into the cell in the last `window`."""

    stream: Stream
    by: tuple[str, ...]
    window: str
    tiles: int = 8

    def streams(self) -> tuple[Stream, ...]:
        return (self.stream,)

    def accumulators(self) -> tuple[Accumulator, ...]:
        return (Accumulator(self.stream, self.by, Sawtooth(self.window, self.tiles)),)

    def combine(self, totals: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return totals[0]


class Rate(msgspec.Struct, frozen=True, tag=str.lower):
    """A decayed rate of `stream` per `per`, drawn to the overall rate by a prior worth `prior` events.

    (num + prior * base) / (den + prior), base being the same rate over all cells; NaN before anything happened.
    """

    stream: Stream
    per: Stream
    by: tuple[str, ...]
    half_life: str
    prior: float = 20.0
    values: bool = False

    def streams(self) -> tuple[Stream, ...]:
        return (self.stream, self.per)

    def accumulators(self) -> tuple[Accumulator, ...]:
        kernel = Decayed(self.half_life)
        return (
            Accumulator(self.stream, self.by, kernel, self.values),
            Accumulator(self.per, self.by, kernel),
            Accumulator(self.stream, (), kernel, self.values),
            Accumulator(self.per, (), kernel),
        )

    def combine(self, totals: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        num, den, all_num, all_den = totals
        return rates(num, den, all_num, all_den, np.float64(self.prior))


def rates(
    num: NDArray[np.float64],
    den: NDArray[np.float64],
    all_num: NDArray[np.float64],
    all_den: NDArray[np.float64],
    prior: NDArray[np.float64] | np.float64,
) -> NDArray[np.float64]:
    """num / den (broadcasts), drawn to all_num / all_den by `prior` events; NaN before anything happened."""
    base = np.divide(all_num, all_den, out=np.full(np.shape(all_num), np.nan), where=all_den > 0)
    return np.asarray((num + prior * base) / (den + prior))


class Open(msgspec.Struct, frozen=True, tag=str.lower):
    """How many decisions are under way in the cell: asked, and none of `until` has come, whose values are the seconds since.

    One that never ends counts half after each half-life, so that what is lost is forgotten in the end.
    """

    until: tuple[str, ...]
    by: tuple[str, ...]
    half_life: str = "2h"

    def streams(self) -> tuple[Stream, ...]:
        return (Stream(ASKED), *map(Stream, self.until))

    def accumulators(self) -> tuple[Accumulator, ...]:
        kernel = Decayed(self.half_life)
        ends = (Accumulator(Stream(name), self.by, kernel, undoes=True) for name in self.until)
        return (Accumulator(Stream(ASKED), self.by, kernel), *ends)

    def combine(self, totals: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        # Events that came out of order may leave a little below 0. What sums leave of 1e-16 is rounded off: a tree
        # would find a border between it and 0, and the two schedules would fall on different sides of it.
        left = np.maximum(totals[0] - sum(totals[1:], np.zeros(1)), 0)
        return np.asarray(np.round(left, 6), np.float64)


Feature = Union[
    Attribute, Context, Age, Hour, Weekday, Position, Similarity, Taste, Bucket, Count, Rate, Open, Way, Expression, Expected
]  # fmt: skip
Accumulating: TypeAlias = Count | Rate | Open


def is_summed(feature: Feature) -> TypeGuard[Accumulating]:
    """Whether a feature is made of accumulators, by its `combine`."""
    return hasattr(feature, "combine")


def flat(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """Features and all that they are made of, each once: also what is expected, and what it is expected by."""
    found: list[Feature] = []
    for feature in features:
        overs = expectations((feature,))
        found += [feature, *overs, *(one for over in overs for one in over.given)]
    return tuple(dict.fromkeys(found))


def accumulated(features: Iterable[Feature]) -> tuple[Expected, ...]:
    """What accumulators are over, each once."""
    return expectations(one for one in features if isinstance(one, Accumulating))


def expectations(features: Iterable[Feature]) -> tuple[Expected, ...]:
    """What features expect, each once."""
    found: list[Expected] = []
    for feature in features:
        if isinstance(feature, Expected):
            found.append(feature)
        elif isinstance(feature, Accumulating):
            found += [stream.over for stream in feature.streams() if stream.over is not None]
    return tuple(dict.fromkeys(found))


def name_of(feature: Feature) -> str:
    """The name of a feature, and of its column where it has only one."""
    match feature:
        case Attribute(path):
            return path
        case Context(name):
            return f"context.{name}"
        case Age(path):
            return f"age({path})"
        case Similarity(path, half_life):
            return f"similarity({path}, {half_life})"
        case Taste(of, _, half_life):
            return f"taste({'+'.join(of)}, {half_life})"
        case Bucket(key, buckets):
            return f"bucket({key}, {buckets})"
        case Open(until, by):
            return f"open(until {until[0]}, by={'+'.join(by) or 'all'})"
        case Way(start, stop, how):
            return f"{how}({start}, {stop})"
        case Count(stream, by, window):
            return f"count({stream}, by={'+'.join(by) or 'all'}, {window})"
        case Expression(text):
            return f"expression({text})"
        case Expected(outcome):
            return f"expected({outcome})"
        case Rate(stream, per, by, half_life, _, values):
            stream_ = f"{stream.name} over expected" if stream.over else stream
            what = f"mean({stream_}" if values else f"rate({stream} per {per}"
            return f"{what}, by={'+'.join(by) or 'all'}, {half_life})"
        case _:
            return type(feature).__name__.lower()
