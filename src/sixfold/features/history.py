"""What each member did last: the newest `length` items, newest first, as retrievers want them.

Items of one instant stand in order of their row, greatest first, so that any order of arrival gives the same history.
"""

from __future__ import annotations

import numpy as np

from ..events.hashing import Hashes, combine, mix
from ..types import NOWHERE, Rows, Times
from .ids import IdTable
from .indexed import Occurrences
from .ordered import Ordered
from .spec import Memory
from .store import Store

NEVER = np.int64(np.iinfo(np.int64).min)
"""When a member last saw an item never seen."""


def pair(members: Rows, items: Rows) -> Hashes:
    """One key for a member and an item (n,)."""
    return combine(mix(members.astype(np.uint64)), items.astype(np.uint64))


def record(length: int) -> np.dtype[np.void]:
    """What a member's row holds: the items it did last, newest first, and when each was known."""
    return np.dtype([("item", np.int32, (length,)), ("ts", np.int64, (length,))])


ROUNDS = 8
"""New events of one member up to which each is put in its place; more are sorted in with what is there."""


def fold(items: Rows, times: Times, members: Rows, new: Rows, ts: Times) -> None:
    """Add interactions to the histories, in place: items (rows, h) filled with -1, times (rows, h)."""
    order = np.lexsort((new, ts, members))
    members, new, ts = members[order], new[order], ts[order]
    first = np.flatnonzero(np.append(True, members[1:] != members[:-1])[: len(members)])
    count = np.diff(np.append(first, len(members)))
    few = count <= ROUNDS
    # Sorting 100 kept ones in with each new one took most of a fold's time.
    for nth in range(int(count[few].max(initial=0))):
        at = first[few & (count > nth)] + nth
        _put_in(items, times, members[at], new[at], ts[at])
    many = np.repeat(~few, count)
    if many.any():
        _sort_in(items, times, members[many], new[many], ts[many])


def _put_in(items: Rows, times: Times, rows: Rows, new: Rows, ts: Times) -> None:
    """Put one event of each of some distinct members in its place; the last one falls off."""
    what, when, slot = items[rows], times[rows], np.arange(items.shape[1])
    newer = (when > ts[:, None]) | ((when == ts[:, None]) & (what > new[:, None]))
    place = (newer & (what >= 0)).sum(axis=1)[:, None]
    for held, kept, value in ((items, what, new), (times, when, ts)):
        moved = np.where(slot > place, np.roll(kept, 1, axis=1), kept)
        held[rows] = np.where(slot == place, value[:, None], moved)


def _sort_in(items: Rows, times: Times, members: Rows, new: Rows, ts: Times) -> None:
    touched, at = np.unique(members, return_inverse=True)
    length = items.shape[1]
    held = items[touched]
    some = held >= 0
    who = np.concatenate([np.nonzero(some)[0], at])
    what = np.concatenate([held[some], new])
    when = np.concatenate([times[touched][some], ts])
    order = np.lexsort((-what.astype(np.int64), -when, who))
    who, what, when = who[order], what[order], when[order]
    place = np.arange(len(who)) - np.searchsorted(who, who)
    keep = place < length
    items[touched[who[keep]], place[keep]] = what[keep]
    times[touched[who[keep]], place[keep]] = when[keep]


class Histories:
    """The bulk form: the history of any member as of any ts, over a whole log."""

    def __init__(self, happened: Occurrences, memory: Memory, *, members: int) -> None:
        member, item = happened.keys[memory.member], happened.keys[memory.item]
        by_item = np.argsort(item, kind="stable")
        self._ordered = Ordered.of(member[by_item], happened.ts[by_item], count=members)
        self._items = item[by_item][self._ordered.order]

    def as_of(self, members: Rows, ts: Times, *, length: int) -> tuple[Rows, Times]:
        """Items (n, length) and their times strictly before ts (n,), as `fold` would hold them."""
        end = self._ordered.before(members, ts)
        at = end[:, None] - 1 - np.arange(length)
        some = at >= self._ordered.first(members)[:, None]
        if not len(self._items):
            return np.full(at.shape, NOWHERE, np.int32), np.zeros(at.shape, np.int64)
        at = np.where(some, at, 0)
        return np.where(some, self._items[at], NOWHERE), np.where(some, self._ordered.ts[at], 0)


class Sightings:
    """The bulk form of what was seen: when any member last saw any item, as of any ts."""

    def __init__(self, happened: Occurrences, memory: Memory) -> None:
        self._table = IdTable(Store(), "pairs")
        pairs = self._table.insert(pair(happened.keys[memory.member], happened.keys[memory.item]))
        self._ordered = Ordered.of(pairs, happened.ts, count=len(self._table))

    def last(self, members: Rows, items: Rows, ts: Times) -> Times:
        """The last ts strictly before ts (n,) at which each member saw the item, NEVER where it did not."""
        rows = self._table.lookup(pair(members, items))
        end = self._ordered.before(rows, ts)
        some = end > self._ordered.first(rows)
        if not len(self._ordered.ts):
            return np.full(len(rows), NEVER)
        return np.where(some, self._ordered.ts[np.where(some, end - 1, 0)], NEVER)
