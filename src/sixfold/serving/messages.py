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

ID_BYTES = 256

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


def _check_ids(field: str, ids: Iterable[str]) -> None:
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
        _check_ids("member", (self.member,))
        if self.exclude:
            _check_ids("exclude", self.exclude)


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
        _check_ids("member", (self.member,))
        _check_ids("items", self.items)
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
    """One stage of the pipeline in the last minutes."""

    name: str
    deadline_ms: float | None
    per_s: float
    p50_ms: float | None
    p99_ms: float | None
    fallbacks: Count
    """Answers in which its fallback stood in."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What the console shows: the flow with its rates, the release and how fresh the state is."""

    design: str
    release: str
    release_age_s: float
    uptime_s: float
    per_s: float
    """Requests a second in the last minutes."""
    p50_ms: float | None
    p99_ms: float | None
    shed: Count
    """Requests that were refused early in the last minutes."""
    event_lag_s: float | None
    """From the acknowledgement of an event to its being seen by requests."""
    stages: list[Stage]
    degraded: list[Degraded]
    """What stands in for what, now."""


class Health(msgspec.Struct, frozen=True):
    """Whether a process lives, or can answer; `reasons` says what is missing."""

    ok: bool
    reasons: list[str] = []
