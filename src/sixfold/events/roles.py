"""Which columns of a file date its rows, are ids, tell decisions apart: what makes it a log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .naming import says_decision, says_id, says_member, says_position, says_value
from .profile import Column, FileProfile


@dataclass(frozen=True, slots=True)
class Roles:
    """Columns of a log by what they are; `ids` in order of how likely each is one."""

    time: Column
    ids: tuple[Column, ...]
    own: Column | None
    decision: Column | None
    position: Column | None


def time_column(profile: FileProfile) -> Column | None:
    """The column that dates the rows: by name before by kind, the finest first."""
    times = [column for column in profile.columns if column.kind == "time"]
    return max(times, key=lambda column: (column.named_time, column.distinct), default=None)


def id_columns(profile: FileProfile) -> tuple[Column, ...]:
    """Columns that may be ids, those first that are called so, then by the number of distinct values."""
    named = [column for column in profile.columns if _may_be_id(column) and says_id(column.name)]
    if sum(not says_decision(column.name) for column in named) < 2:
        named += [column for column in profile.columns if _may_be_id(column) and column not in named]
    return tuple(sorted(named, key=lambda column: (not says_id(column.name), -column.distinct)))


def _may_be_id(column: Column) -> bool:
    called = says_id(column.name)
    if column.kind == "flag":
        return called
    if says_value(column.name) or says_position(column.name):
        return called and column.kind in ("integer", "text")
    if column.unique and column.filled > 20 and not called:
        return False
    spaced = column.kind == "text" and np.strings.count(column.sample, b" ").mean() > 0.3
    return column.kind in ("integer", "text") and not spaced


def _tells_decisions(column: Column) -> bool:
    return says_decision(column.name) and not column.unique and column.kind in ("integer", "text")


def roles_of(profile: FileProfile) -> Roles | None:
    """The roles of a file's columns where it may be a log: a time and two ids at the least; else None."""
    time = time_column(profile)
    ids = id_columns(profile)
    position = next((column for column in profile.columns if says_position(column.name)), None)
    decision = next((c for c in profile.columns if _tells_decisions(c)), None)
    own = next((c for c in ids if c.unique and says_id(c.name) and profile.rows > 1 and not says_member(c.name)), None)
    own = own if sum(column is not decision for column in ids) > 2 else None
    left = tuple(column for column in ids if column not in (own, decision))
    if time is None or len(left) < 2:
        return None
    return Roles(time, left, own, decision, position)
