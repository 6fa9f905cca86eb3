"""When batches were accepted, to the hour: a row an hour and not one a batch."""

from __future__ import annotations

import time

import apsw

from ..types import SECOND
from .tables import value

HOUR = 3_600 * SECOND


def wall_us() -> int:
    """The time of day, int64 us."""
    return time.time_ns() // 1000


def accept(db: apsw.Connection, now: int, head: int) -> None:
    """Note what the last batch is in this hour; a clock that was set back goes on in the hour in which it was."""
    hour = max(now // HOUR, value(db, "select max(hour) from accepted"))
    db.execute("insert or replace into accepted values (?, ?)", (hour, head))


def accepted_before(db: apsw.Connection, ts: int) -> int:
    """The last batch of those that were certainly accepted before a ts (int64 us), 0 where there is none."""
    return value(db, "select max(head) from accepted where hour < ?", ts // HOUR)


def forget_before(db: apsw.Connection, ts: int) -> None:
    """Leave out all hours before a ts but the last of them."""
    db.execute("delete from accepted where hour < (select max(hour) from accepted where hour < ?)", (ts // HOUR,))
