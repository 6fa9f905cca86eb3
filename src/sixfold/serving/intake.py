"""Which posted events cannot be: of a clock that is wrong, or of a time below 0. They come back with a sentence each.

Clocks of devices differ. What is a little off is taken in as it is: its time counts, and no estimate is told of less than no
time. What is far off is not: a status of tomorrow would be known to nobody until then, and one from before its own order would
be a feature of it. Who sent it is told, and keeps it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..estimation.open import NEVER, Open
from ..events.hashing import hash_strings
from ..events.incoming import Incoming, Rejected
from ..types import SECOND, Table, Times

DRIFT = 5 * 60 * SECOND
"""How far, us, the clock of who sends events may be off."""
_MEND = "set the clock of who sends it right, and send it again"


def plausible(incoming: Incoming, *, now: int, under_way: Open | None = None, times: Collection[str] = ()) -> Incoming:
    """What came without the decisions and outcomes that cannot be, which are rejected.

    now: the service's own time, us. under_way: the estimates whose own time is known. times: the outcomes whose value says how
    many seconds something took.
    """
    keep, rejected = {}, list(incoming.rejected)
    for name, table in incoming.events.tables():
        kind, _, of = name.partition(" ")
        if kind == "entity" or not len(table["ts"]):
            continue  # What is so from tomorrow on may be said today.
        reasons = dict(_ahead(table, now))
        if kind == "outcome":
            reasons |= dict(_before_its_decision(table, under_way))
            reasons |= dict(_below_nothing(table)) if of in times else {}
        if reasons:
            keep[name] = ~np.isin(np.arange(len(table["ts"])), list(reasons))
            at, ids = incoming.lines[name], table["id"]
            rejected += [Rejected(int(at[row]), ids[row].decode(), why) for row, why in reasons.items()]
    if not keep:
        return incoming
    lines = {name: at[keep[name]] if name in keep else at for name, at in incoming.lines.items()}
    events = incoming.events.select(keep)
    return replace(incoming, events=events, rejected=sorted(rejected, key=lambda one: one.line), lines=lines)


def _ahead(table: Table, now: int) -> Iterator[tuple[int, str]]:
    for row in np.flatnonzero(table["ts"] > now + DRIFT).tolist():
        by = _seconds(table["ts"][row] - now)
        yield row, f"ts is {_text(table['ts'][row])}, {by} s ahead of the service's clock; {_MEND}"


def _before_its_decision(table: Table, under_way: Open | None) -> Iterator[tuple[int, str]]:
    if under_way is None:
        return
    asked: Times = under_way.asked(hash_strings(table["decision"]))
    for row in np.flatnonzero((asked != NEVER) & (table["ts"] < asked - DRIFT)).tolist():
        by, of = _seconds(asked[row] - table["ts"][row]), table["decision"][row].decode()
        yield row, f"ts is {_text(table['ts'][row])}, {by} s before the decision {of!r} that it names; {_MEND}"


def _below_nothing(table: Table) -> Iterator[tuple[int, str]]:
    value: NDArray[Any] = table["value"]
    for row in np.flatnonzero(value < 0).tolist():
        yield row, f"value is {value[row]:g}; it says how many seconds something took: send 0 or more"


def _seconds(us: int) -> int:
    return round(us / SECOND)


def _text(us: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us // SECOND))
