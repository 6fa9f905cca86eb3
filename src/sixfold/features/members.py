"""What is remembered of members online: what each did last, what it has seen, and since when items are there."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np

from ..types import NOWHERE, Rows, Times
from . import history
from .ids import IdTable
from .indexed import UNBORN, Indexed, Occurrences, Vocabulary, mentions
from .parts import carry
from .spec import Memory
from .store import Store

_SEEN, _HISTORY = "seen.ts", "history"


class Members:
    """Histories, sightings and births, in one `Store`."""

    def __init__(self, store: Store, memory: Memory) -> None:
        self.store, self.memory = store, memory
        self._pairs = IdTable(store, "seen")
        self._unknown = np.zeros((), history.record(memory.length))
        self._unknown["item"] = NOWHERE
        nobody = np.empty((0, memory.length))
        self._last: tuple[Hashable, tuple[Rows, Times]] = None, (nobody.astype(np.int32), nobody.astype(np.int64))

    def history(self, members: Rows) -> tuple[Rows, Times]:
        """The items (n, h) that each member (n,) did last and when; the very same arrays if asked again before anything changed,
        as each part of a request does."""
        version: Hashable = object() if self.store.mapped is None else self.store.mapped.version(_HISTORY)
        asked = version, members.tobytes()
        if asked != self._last[0]:
            held = self.store.read(_HISTORY, members, self._unknown)
            self._last = asked, (np.ascontiguousarray(held["item"]), np.ascontiguousarray(held["ts"]))
        return self._last[1]

    def last_seen(self, members: Rows, items: Rows) -> Times:
        """When each member (n,) last saw the item; NEVER where it did not."""
        return self.store.read(_SEEN, self._pairs.lookup(history.pair(members, items)), np.asarray(history.NEVER))

    def fold(self, batch: Indexed, ids: Vocabulary) -> None:
        """Remember what a batch says of members and items."""
        pair = (self.memory.member, self.memory.item)
        if batch.has(self.memory.liked) and carry(happened := batch.stream(self.memory.liked), pair):
            self._remember(happened, len(ids[self.memory.member]))
        if batch.has(self.memory.seen) and carry(happened := batch.stream(self.memory.seen), pair):
            self._see(happened)
        self._bear(batch, len(ids[self.memory.item]))

    def _remember(self, liked: Occurrences, members: int) -> None:
        touched, at = np.unique(liked.keys[self.memory.member], return_inverse=True)
        self.store.require(_HISTORY, members, self._unknown)
        held = self.store.read(_HISTORY, touched, self._unknown)
        history.fold(held["item"], held["ts"], at.astype(np.int32), liked.keys[self.memory.item], liked.ts)
        self.store.put(_HISTORY, touched, held)

    def _see(self, happened: Occurrences) -> None:
        pairs = history.pair(happened.keys[self.memory.member], happened.keys[self.memory.item])
        touched, at = np.unique(self._pairs.insert(pairs), return_inverse=True)
        self.store.require(_SEEN, len(self._pairs), np.asarray(history.NEVER))
        times = self.store.read(_SEEN, touched, np.asarray(history.NEVER))
        np.maximum.at(times, at, happened.ts)
        self.store.put(_SEEN, touched, times)

    def _bear(self, batch: Indexed, items: int) -> None:
        name, item = f"born.{self.memory.item}", self.memory.item
        self.store.require(name, items, np.asarray(UNBORN))
        rows, ts = mentions(batch, item)
        touched, at = np.unique(rows, return_inverse=True)
        before = self.store.read(name, touched, np.asarray(UNBORN))
        after = before.copy()
        np.minimum.at(after, at, ts)
        changed = after != before
        self.store.put(name, touched[changed], after[changed])
