"""What passes over HTTP of estimates, typed once; see `messages` for what holds of all of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .messages import Count, Degraded, Id, Name, Time, check_ids

Said = Annotated[
    dict[Name, Annotated[Any, Meta(description="A number, a text, or a place as [latitude, longitude]")]],
    Meta(max_length=32, description="What is known of the moment, by name"),
]
Keys = Annotated[dict[Name, Id], Meta(max_length=8, description="Ids by their entity type, such as that of a store")]


class Estimate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask how long something will take from now."""

    context: Said = {}
    """What features of the design read of the moment; what is left out is unknown. A value whose name is an entity type of the
    features is the id of that key, and `"drop": [52.37, 4.89]` says drop_lat and drop_lon."""
    order: Id | None = None
    """The id of what is estimated. Asked again it gets the first estimate again; status events name the decision made of it."""
    keys: Keys = {}
    """Ids by entity type, beside those in `context`; logged, and read where a feature is of that entity."""
    timing: bool = False
    """Also say how many milliseconds each stage took."""
    ts: Time | None = None
    """As of when; now where it is left out."""

    def __post_init__(self) -> None:
        if self.order is not None:
            check_ids("order", (self.order,))
        check_ids("keys", self.keys.values())


class Told(msgspec.Struct, frozen=True):
    """A promise as one says it."""

    first_min: Count
    last_min: Count
    words: str


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg, as it was forecast when it was asked for: its median and outermost quantiles, in seconds."""

    median_s: float
    low_s: float
    high_s: float
    took_s: float | UnsetType = UNSET
    """How long it took, once that is known."""


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """A decision: the answer to Estimate. Seconds are from when it was asked."""

    decision: str
    """The id that outcomes name to be counted for this estimate."""
    release: str
    of: str
    """What the design estimates."""
    promise_s: float
    """What is told: chosen by what late and early minutes cost."""
    told: Told
    mean_s: float
    quantiles: dict[str, float]
    """By level, such as 0.95: the seconds that are not exceeded in so many cases."""
    legs: dict[str, Leg]
    degraded: list[Degraded]
    """Empty where every stage answered as designed and every place is one."""
    timing_ms: dict[str, float] | UnsetType = UNSET


class Change(msgspec.Struct, frozen=True):
    """A promise and when it was made, in seconds since the ask; the first one is that of the estimate itself."""

    at_s: float
    promise_s: float


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of an estimate now, by what became known since. Seconds are from when it was asked."""

    decision: str
    release: str
    of: str
    state: Literal["under_way", "ended", "void", "lost"]
    """Whether it runs, its end is known, there will be none, or none came within the design's window."""
    elapsed_s: float
    promise_s: float
    told: Told
    changes: Count
    """How often the promise was changed; the design bounds it."""
    promises: list[Change]
    """All of them, in their order."""
    quantiles: dict[str, float]
    legs: dict[str, Leg]
