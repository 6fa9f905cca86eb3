"""Ids to rows: an open-addressing hash table of whole columns, kept in plain arrays.

A row numbers the ids of one kind from 0 in the order they were first seen, and never changes.
The arrays live in a `Store`, so the table may be memory-mapped and shared between processes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes, hash_strings
from ..native import kernels
from ..types import NOWHERE, Rows
from .store import Store

_LOAD = 0.6
_FIRST = np.zeros(1, np.int64)
_STEPS = np.arange(8)
"""Slots looked at together, where the first one is another's."""


class IdTable:
    """64-bit hashes to rows. Look-up and insertion take whole arrays; a probe is one gather for all of them."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._keys, self._rows, self._count = f"{name}.keys", f"{name}.rows", f"{name}.count"
        if self._count not in store:
            store.create(self._count, np.zeros(1, np.int64))
            self._allocate(64)

    def __len__(self) -> int:
        return int(self._store[self._count][0])

    def clear(self) -> None:
        """Forget all of them; rows are given from 0 again."""
        self._store.create(self._count, np.zeros(1, np.int64))
        self._allocate(64)

    def _allocate(self, slots: int) -> None:
        self._store.create(self._keys, np.zeros(slots, np.uint64))
        self._store.create(self._rows, np.full(slots, NOWHERE, np.int32))

    def lookup(self, hashes: Hashes) -> Rows:
        """The row of each hash (n,), -1 where it is not known."""
        keys, rows = self._store[self._keys], self._store[self._rows]
        if kernels is not None:
            found = np.empty(len(hashes), np.int32)
            kernels.lookup(keys, rows, np.ascontiguousarray(hashes), found)
            return found
        mask = np.uint64(len(keys) - 1)
        at = (hashes & mask).astype(np.int64)
        # Most are found, or found missing, where they are looked for first.
        out = rows[at]
        todo = np.flatnonzero((out >= 0) & (keys[at] != hashes))
        out[todo], at = NOWHERE, (at[todo] + 1) & int(mask)
        while len(todo):
            slots = (at[:, None] + _STEPS) & int(mask)
            found = rows[slots]  # Before the keys: see `_place`.
            stop = (found < 0) | (keys[slots] == hashes[todo, None])
            first = stop.argmax(axis=1)
            every = np.arange(len(todo))
            ended = stop[every, first]
            out[todo[ended]] = found[every, first][ended]
            todo, at = todo[~ended], (at[~ended] + len(_STEPS)) & int(mask)
        return out

    def insert(self, hashes: Hashes) -> Rows:
        """The row of each hash, new rows for the unknown in order of first appearance."""
        out = self.lookup(hashes)
        missing = np.flatnonzero(out < 0)
        if len(missing):
            new, first = np.unique(hashes[missing], return_index=True)
            new = new[np.argsort(first)]
            self._grow(len(self) + len(new))
            self._place(new, np.arange(len(self), len(self) + len(new), dtype=np.int32))
            self._store.put(self._count, _FIRST, self._store[self._count] + len(new))
            out[missing] = self.lookup(hashes[missing])
        return out

    def _grow(self, count: int) -> None:
        keys, rows = self._store[self._keys], self._store[self._rows]
        slots = len(keys)
        while count > _LOAD * slots:
            slots *= 2
        if slots > len(keys):
            used = rows >= 0
            held, at = keys[used].copy(), rows[used].copy()
            self._allocate(slots)
            self._place(held, at)

    def _place(self, hashes: Hashes, numbers: Rows) -> None:
        """Put distinct, unknown hashes into free slots; two that want one slot take turns."""
        rows = self._store[self._rows]
        mask = len(rows) - 1
        todo = np.arange(len(hashes))
        at = (hashes & np.uint64(mask)).astype(np.int64)
        while len(todo):
            free = np.flatnonzero(rows[at] < 0)
            slot, winner = np.unique(at[free], return_index=True)
            won = free[winner]
            # The key before the row: who reads without a lock takes a slot for free until its row is there.
            self._store.put(self._keys, slot, hashes[todo[won]])
            self._store.put(self._rows, slot, numbers[todo[won]])
            left = np.ones(len(todo), bool)
            left[won] = False
            todo, at = todo[left], at[left]
            at = np.where(rows[at] >= 0, (at + 1) & mask, at)


class Ids:
    """The ids of one entity type: names to rows and back."""

    def __init__(self, store: Store, name: str) -> None:
        self._store, self._names = store, f"{name}.names"
        self._table = IdTable(store, name)
        if self._names not in store:
            store.create(self._names, np.zeros(0, "S1"))

    def __len__(self) -> int:
        return len(self._table)

    def rows(self, names: NDArray[np.bytes_]) -> Rows:
        """The row of each name, -1 where it is not known."""
        return self._table.lookup(hash_strings(names))

    def learn(self, names: NDArray[np.bytes_]) -> Rows:
        """The row of each name; a new name gets the next row."""
        before = len(self)
        rows = self._table.insert(hash_strings(names))
        if len(self) > before:
            fresh = np.flatnonzero(rows >= before)
            _, first = np.unique(rows[fresh], return_index=True)
            self._store.extend(self._names, before, names[fresh[first]])
        return rows

    def hashes(self, rows: Rows) -> Hashes:
        """The hash of the name of each row, 0 of a row that is negative."""
        return hash_strings(self.names(rows))

    def names(self, rows: Rows | None = None) -> NDArray[np.bytes_]:
        """The names of these rows (all, where none are given), as an 'S' array."""
        if rows is None:
            return self._store[self._names][: len(self)]
        return self._store.read(self._names, rows, np.zeros((), self._store[self._names].dtype))
