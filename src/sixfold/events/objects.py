"""The three kinds of event as JSON objects, which is how they come in over HTTP and stand in files of events.

    {"kind": "entity", "id": "e1", "ts": 1700000000, "of": "item", "key": "i12", "values": {"genre": ["drama"], "price": 13.2}}
    {"kind": "decision", "id": "d1", "ts": "2024-01-31T18:00:00Z", "keys": {"member": "m17"}, "context": {"device": "tv"},
     "release": "3f2a", "shown": [{"item": "i12", "position": 1, "score": 0.12, "propensity": 0.9}]}     or, of an estimate,
     "estimate": {"promised_s": 2700, "mean_s": 2280, "done@0.05": 1320, "done@0.95": 3310}
    {"kind": "outcome", "id": "o1", "name": "buy", "decision": "d1", "keys": {"member": "m17", "item": "i12"}, "value": 34}

A `ts` is Unix seconds or ISO 8601 with a zone. An id is text of 1 to 256 bytes or a whole number, which is taken as its digits.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

SLATE = 1000
"""The most items that one decision shows."""

Id: TypeAlias = str | int
Time: TypeAlias = int | float | str | None
Keys: TypeAlias = Annotated[dict[str, Id], Meta(min_length=1, max_length=16)]
Values: TypeAlias = dict[str, float | bool | str | list[float | str] | None]
Context: TypeAlias = Annotated[dict[str, float | bool | str | None], Meta(max_length=64)]
Forecast: TypeAlias = Annotated[dict[str, float], Meta(max_length=512)]
Single: TypeAlias = Annotated[float, Meta(ge=-3.4028234663852886e38, le=3.4028234663852886e38)]
Propensity: TypeAlias = Annotated[float, Meta(gt=0, le=1)]
Position: TypeAlias = Annotated[int, Meta(ge=1, le=32_767)]


# gc=False: what is decoded from JSON holds no cycles, so the collector need not walk it.
class Entity(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="entity"):
    """What is known about a thing since `ts` (for ever where left out): numbers, text, lists of text, vectors."""

    id: Id
    of: str
    key: Id
    values: Values = {}
    ts: Time = None


class Shown(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One item of a slate; its position counts from 1 and is its place in the list where left out."""

    item: Id
    position: Position | None = None
    score: Single | None = None
    propensity: Propensity | None = None


class Decision(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="decision"):
    """A slate that was shown to somebody, or an estimate that was told; `ts` is when it arrives where left out."""

    id: Id
    keys: Keys
    ts: Time = None
    context: Context = {}
    release: str | None = None
    shown: Annotated[list[Shown], Meta(max_length=SLATE)] = []
    estimate: Forecast = {}


class Outcome(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="kind", tag="outcome"):
    """What came of a decision, or of none (organic); `ts` is when it became known, its arrival where left out."""

    id: Id
    name: str
    keys: Keys
    ts: Time = None
    decision: Id | None = None
    value: float = 1.0


Event: TypeAlias = Entity | Decision | Outcome
