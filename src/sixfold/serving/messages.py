"""What passes over HTTP, typed once: these structs decode requests, encode answers and make the OpenAPI document.

A request refuses fields it does not know, because a mistyped one would be ignored in silence; an answer may gain fields
later, so a reader should not refuse them. An optional part of an answer that was not asked for is UNSET, which means
absent. Ids are 1 to 256 bytes of UTF-8 without NUL, which the columns of the log could not tell from padding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..events.incoming import Rejected
from ..types import ID_BYTES

Id: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=ID_BYTES, extra_json_schema={"pattern": "^[^\\u0000]*$"}, examples=["m17"])
]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Value: TypeAlias = Annotated[str, Meta(max_length=ID_BYTES)] | float
Context: TypeAlias = Annotated[
    dict[Name, Value], Meta(max_length=32, description="What is known of the moment, by name: text or a number")
]
Time: TypeAlias = Annotated[
    Annotated[str, Meta(min_length=1, max_length=40)] | float, Meta(description="Unix seconds, or ISO 8601 with a zone")
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]


def check_ids(field: str, ids: Iterable[str]) -> None:
    """What Meta cannot say: the limit is of bytes and not of characters, and NUL is none of them."""
    joined = "".join(ids)
    if joined.isascii() and "\0" not in joined:
        return
    for one in ids:
        if "\0" in one:
            raise ValueError(f"Expected an id without NUL in `{field}`")
        if len(one.encode()) > ID_BYTES:
            raise ValueError(
                f"Expected an id of at most {ID_BYTES} bytes of UTF-8 in `{field}`, got {len(one.encode())}"
            )


class Recommend(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask for a slate: the best items for a member now."""

    member: Id
    """Who it is for; an id that the log does not know gets the slate of a stranger."""
    context: Context = {}
    """What features of the design may read of the moment, such as the device."""
    k: Annotated[int, Meta(ge=1, le=1000)] | None = None
    """How many items; the design's slate size where it is left out."""
    exclude: Annotated[list[Id], Meta(max_length=1000)] = []
    """Items that must not be in the slate."""
    explain: bool = False
    """Also say where each item came from, what its features were and what was taken out."""
    timing: bool = False
    """Also say how many milliseconds each stage took."""
    ts: Time | None = None
    """As of when; now where it is left out."""

    def __post_init__(self) -> None:
        check_ids("member", (self.member,))
        if self.exclude:
            check_ids("exclude", self.exclude)


class Rank(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask for the caller's own items in order of their score for a member."""

    member: Id
    """Who it is for; an id that the log does not know gets the order of a stranger."""
    items: Annotated[list[Id], Meta(min_length=1, max_length=1000, extra_json_schema={"uniqueItems": True})]
    """What to order, each item once; one that the log does not know is scored as new."""
    context: Context = {}
    """What features of the design may read of the moment, such as the device."""
    explain: bool = False
    """Also say what the features of each item were and what they did."""
    timing: bool = False
    """Also say how many milliseconds each stage took."""
    ts: Time | None = None
    """As of when; now where it is left out."""

    def __post_init__(self) -> None:
        check_ids("member", (self.member,))
        check_ids("items", self.items)
        if len(set(self.items)) < len(self.items):
            twice = next(one for place, one in enumerate(self.items) if one in self.items[:place])
            raise ValueError(f"Expected each item once in `items`, got {twice[:64]!r} twice")


class Reason(msgspec.Struct, frozen=True):
    """What one column did for the score of an item."""

    column: str
    value: float | None
    """What the ranker saw, null where it was missing."""
    adds: float
    """How much of the score came of it."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a slate."""

    item: str
    position: Annotated[int, Meta(ge=1)]
    score: float
    propensity: float | UnsetType = UNSET
    """The chance that the policy put this item here; absent where the caller chose the items."""
    title: str = ""
    sources: dict[str, int] | UnsetType = UNSET
    """The place that each source of candidates gave the item, from 1."""
    features: dict[str, float | None] | UnsetType = UNSET
    heads: dict[str, float] | UnsetType = UNSET
    """What each head predicted."""
    reasons: list[Reason] | UnsetType = UNSET


class Degraded(msgspec.Struct, frozen=True):
    """A stage that did not answer as designed, what answered in its place, and why."""

    stage: str
    fallback: str
    reason: str


class Slate(msgspec.Struct, frozen=True, kw_only=True):
    """A decision: the answer to Recommend and to Rank."""

    decision: str
    """The id that outcomes name to be counted for this slate."""
    release: str
    member: str
    known: bool
    """Whether the log knows the member."""
    items: list[Placed]
    degraded: list[Degraded]
    """Empty where every stage answered as designed."""
    unknown: list[str] | UnsetType = UNSET
    """Items of the caller that the log does not know."""
    removed: dict[str, int] | UnsetType = UNSET
    """How many candidates each filter took out."""
    timing_ms: dict[str, float] | UnsetType = UNSET


class Accepted(msgspec.Struct, frozen=True):
    """What became of posted events; accepted ones are on disk when this is answered."""

    accepted: Count
    duplicates: Count
    """Events that were there already, with the same content."""
    conflicts: list[str]
    """Ids that were there already with other content; the first content stays."""
    rejected: list[Rejected]
    """Events that were not taken in, each with its line (its place in an array), from 1."""


Code: TypeAlias = Literal[
    "bad_json", "bad_utf8", "bad_header", "bad_encoding", "too_deep", "invalid", "bad_request", "unauthorised",
    "not_found", "method_not_allowed", "slow_client", "too_large", "unsupported", "unprocessable", "failed", "overloaded",
    "unavailable", "late",
]  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """Why a request was not answered."""

    code: Code
    message: str
    """One sentence: what was wrong, what was expected, what to do."""
    request_id: str


class Failure(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    error: Fault


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of a request or of the writer, in the last minute."""

    name: str
    within: str | None
    """The part with a deadline that this one is a piece of."""
    deadline_ms: float | None
    fallback: str | None
    """What stands in for it once its deadline has passed."""
    per_s: float
    p50_ms: float | None
    p99_ms: float | None
    fallbacks: Count
    """Answers in which its fallback stood in."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in for a part now, and why."""

    stage: str
    fallback: str
    reason: str
    ago_s: float
    """Since it was last so; 0 where it is so at this moment."""
    count: Count
    """How often in the last minute."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """Five seconds of a service."""

    at: int
    """When they began, in Unix seconds."""
    requests: Count
    p99_ms: float | None
    fallbacks: Count
    shed: Count
    failed: Count


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """The other half of the loop: what comes back, is written down and is seen by the next request."""

    posted_per_s: float
    """Events that clients posted and that were kept."""
    decisions_per_s: float
    """Slates or estimates that were answered, each of which is written down."""
    lag_p50_ms: float | None
    """From the acknowledgement of events to their being seen by requests."""
    lag_p99_ms: float | None
    behind: Count
    """Decisions of this worker that wait for the writer."""
    dropped: Count
    """Decisions that never reached the log, since the start."""
    newest: str
    """When the newest event of the state was, in the service's own time."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What one needs to know to ask for a slate, or for an estimate: then there is no item and no members."""

    member: str
    """What the design calls a member, or what it estimates."""
    item: str
    members: list[str]
    """Some that the state knows."""
    keys: dict[str, list[str]]
    """Entities that an estimate is asked with, and some ids of each; none where slates are decided."""
    contexts: list[str]
    """What features of the release read of the moment."""
    k: Count


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the console shows: the flow with its rates, the release, how fresh the state is and what stands in for what."""

    design: str
    goal: str
    release: str
    release_age_s: float
    """Since the end of what the release learned from."""
    retrain_s: float
    clock: str
    """What time it is for the service."""
    uptime_s: float
    """Of the worker that answers."""
    processes: Count
    """Workers and writer, all of which the rates are of."""
    window_s: float
    """What `per_s`, the quantiles and the stages look back on: a minute, or less after a start."""
    per_s: float
    p50_ms: float | None
    p99_ms: float | None
    required_per_s: float
    required_p99_ms: float
    may_miss: float
    """The share of requests that the required availability allows to go unanswered."""
    shed: Count
    """Requests that were refused early in the last five minutes; so `fallbacks` and `failed`."""
    fallbacks: Count
    failed: Count
    event_lag_s: float | None
    """From the acknowledgement of an event to its being seen by requests, p99."""
    events: Events
    stages: list[Stage]
    degraded: list[Standing]
    """What stands in for what, now. Empty where all is as designed."""
    slots: list[Slot]
    """The last five minutes, oldest first."""
    trial: Trial


class Health(msgspec.Struct, frozen=True):
    """Whether a process lives, or can answer; `reasons` says what is missing."""

    ok: bool
    reasons: list[str] = []
