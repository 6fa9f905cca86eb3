"""Requests as the log knows them: who asked, how often, in which context; and outcomes as they came."""

from __future__ import annotations

from collections.abc import Collection
from itertools import repeat
from typing import Any

import msgspec
import numpy as np

from ..errors import DataError
from ..events.log import EventLog
from ..events.outgoing import objects
from ..events.schema import Events, concat, take
from ..features.parts import asked
from ..types import Table
from ..workspace import Workspace
from .wire import Post

BATCHES = 64
"""How many of the newest batches of the log are drawn from."""


def newest(log: EventLog) -> Events:
    """The newest part of a log."""
    return concat(events for _, events in log.read(max(log.head() - BATCHES, 0)))


def from_log(
    workspace: Workspace, *, n: int, rng: np.random.Generator, k: int | None = None
) -> tuple[list[Post], Events]:
    """n requests for what the design decides, as the newest part of a workspace's log has them, and that part."""
    with workspace.log() as log:
        events = newest(log)
    design = workspace.design
    contexts = asked(design.learning.features)
    if design.estimates:
        return estimates(events, design.estimate.of, n=n, rng=rng, contexts=contexts), events
    return asks(events, design.member, n=n, rng=rng, contexts=contexts, k=k), events


def estimates(
    events: Events, of: str, *, n: int, rng: np.random.Generator, contexts: Collection[str] = ()
) -> list[Post]:
    """n requests for an estimate, drawn from the decisions with their keys and `contexts`, each of something new.

    Raises DataError where there are no decisions.
    """
    if not len(events.decisions["ts"]):
        raise DataError(f"the log has no decision that says what an estimate of {of} is asked with; ingest some first")
    rows = rng.integers(0, len(events.decisions["ts"]), n)
    bodies = (
        {
            "context": {name: value for name, value in one["context"].items() if name in contexts},
            "keys": _without(one["keys"], of),
            "timing": True,
        }
        for one in objects(Events(decisions=take(events.decisions, rows)))
    )
    return [Post("/v1/estimate", msgspec.json.encode(body)) for body in bodies]


def asks(
    events: Events,
    member: str,
    *,
    n: int,
    rng: np.random.Generator,
    contexts: Collection[str] = (),
    k: int | None = None,
) -> list[Post]:
    """n requests for a slate, drawn from the decisions: who asked often asks often, in the contexts they asked in.

    Without decisions, members are drawn from the outcomes, without context. Only `contexts` are sent, since a service
    refuses what no feature reads. Raises DataError where no event names a member.
    """
    table = next((one for one in (events.decisions, *events.outcomes.values()) if _names(one, member)), None)
    if table is None:
        raise DataError(f"no decision and no outcome of the log names a {member} to ask for; ingest some first")
    rows = rng.choice(np.flatnonzero(table[member] != b""), n)
    decided = table is events.decisions
    said = (one["context"] for one in objects(Events(decisions=take(table, rows)))) if decided else repeat({}, n)
    extra = {} if k is None else {"k": k}
    bodies = (
        {"member": who.decode(), "context": {name: value for name, value in context.items() if name in contexts}}
        for who, context in zip(table[member][rows].tolist(), said, strict=True)
    )
    return [Post("/v1/recommend", msgspec.json.encode(body | extra | {"timing": True})) for body in bodies]


def batches(events: Events, *, n: int, size: int, rng: np.random.Generator, mark: str) -> list[Post]:
    """n bodies of `size` outcomes each, as those of the log; `mark` makes their ids new, their time is their arrival."""
    tables = {name: table for name, table in events.outcomes.items() if len(table["ts"])}
    if not tables:
        raise DataError("the log has no outcome to draw events from; ingest some first")
    counts = np.array([len(table["ts"]) for table in tables.values()])
    shares = rng.multinomial(n * size, counts / counts.sum()).tolist()
    drawn = {
        name: take(table, rng.integers(0, len(table["ts"]), share))
        for (name, table), share in zip(tables.items(), shares, strict=True)
    }
    fresh = enumerate(objects(Events(outcomes=drawn)))
    lines = [msgspec.json.encode(_without(one, "ts") | {"id": f"{mark}-{at}"}) for at, one in fresh]
    order = rng.permutation(len(lines)).tolist()
    bodies = (b"\n".join(lines[row] for row in order[at : at + size]) for at in range(0, n * size, size))
    return [Post("/v1/events", body, "application/x-ndjson") for body in bodies]


def _names(table: Table, member: str) -> bool:
    return member in table and bool((table[member] != b"").any())


def _without(event: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != name}
