"""The online schedule: what the engine knows now, folded event by event into arrays by row.

`apply` folds a batch, `attribute` and `total` read: the same two questions that `features.batch` answers from the log.
A read at ts must come before the folds of that ts; whoever replays or serves keeps that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..events.hashing import Hashes
from ..events.schema import Events
from ..types import NOWHERE, Asks, Queries, Rows, Times
from . import attributes, decay, history, windows
from .cells import cells, is_combined
from .ids import IdTable
from .indexed import UNBORN, Frame, Indexed, Occurrences, Vocabulary, births, index
from .spec import Accumulator, Memory, Sawtooth, entity_field
from .store import Store
from .table import Fitted


class State:
    """All that features, filters and retrievers read online, in one `Store`.

    With `ids` the rows are those of a vocabulary that is there already, else the state numbers ids as they come.
    """

    def __init__(self, features: Fitted, memory: Memory, store: Store, *, ids: Vocabulary | None = None) -> None:
        self.features, self.memory, self.store = features, memory, store
        types = {memory.member, memory.item, *(entity_field(path)[0] for path in features.kinds)}
        self.ids = ids or Vocabulary(store, tuple(sorted(types)))
        self._tables: dict[tuple[str, ...], IdTable] = {}
        for accumulator in features.accumulators():
            if is_combined(accumulator.by):
                self._tables[accumulator.by] = IdTable(store, f"cells.{'+'.join(accumulator.by)}")
        self._pairs = IdTable(store, "seen")

    # Reading

    def attribute(self, path: str, rows: Rows, ts: Times) -> NDArray[Any]:
        kind, width = self.features.kinds[path], self.features.widths[path]
        held = self._column(f"attribute.{path}", len(self.ids[entity_field(path)[0]]), attributes.blank(kind, width))
        values = held[np.where(rows >= 0, rows, 0)] if len(held) else np.empty((len(rows), *held.shape[1:]), held.dtype)
        values[rows < 0] = attributes.blank(kind, width)
        return values

    def total(self, accumulator: Accumulator, frame: Frame) -> NDArray[np.float64]:
        rows = self._cells(accumulator, frame.keys, frame.ts, learn=False)
        flat, ts = rows.ravel(), np.repeat(frame.ts, rows.shape[1])
        name = str(accumulator)
        if f"{name}.at" not in self.store:
            return np.zeros(len(frame))
        values, at = self.store[name], self.store[f"{name}.at"]
        kernel = accumulator.kernel
        if isinstance(kernel, Sawtooth):
            out = windows.read(at, values, flat, ts, window=durations.parse(kernel.window))
        else:
            out = decay.read(values, at, flat, ts, half_life=durations.parse(kernel.half_life))
        return np.asarray(out.reshape(rows.shape).sum(axis=1))

    def queries(self, asks: Asks) -> Queries:
        """What retrievers may know of each ask."""
        items, times = self._histories()
        known = asks.member >= 0
        at = np.where(known, asks.member, 0)
        liked, liked_at = items[at], times[at]
        liked[~known] = NOWHERE
        return Queries(asks.ts, asks.member, liked, liked_at, liked, self.born())

    def last_seen(self, members: Rows, items: Rows, ts: Times) -> Times:
        """When each member (n,) last saw the item; NEVER where it did not."""
        out = np.full(len(items), history.NEVER)
        rows = self._pairs.lookup(history.pair(members, items))
        some = rows >= 0
        out[some] = self._column("seen.ts", len(self._pairs), history.NEVER)[rows[some]]
        return out

    def now(self) -> int:
        """The ts of the newest decision or outcome folded."""
        return int(self._column("now", 1, np.int64(0))[0])

    def born(self) -> Times:
        """The first ts at which each item was known (items,)."""
        n = len(self.ids[self.memory.item])
        return self._column(f"born.{self.memory.item}", n, UNBORN)[:n]

    # Folding

    def apply(self, events: Events) -> Indexed:
        """Fold a batch of events, in any order; gives the batch by rows."""
        batch = index(events, self.ids, item=self.memory.item)
        # An event is counted under its entity's attributes as of before it, so attributes are folded last.
        for accumulator in self.features.accumulators():
            if batch.has(accumulator.stream):
                self._accumulate(accumulator, batch.stream(accumulator.stream), batch)
        if batch.has(self.memory.liked):
            liked = batch.stream(self.memory.liked)
            items, times = self._histories()
            history.fold(items, times, liked.keys[self.memory.member], liked.keys[self.memory.item], liked.ts)
        if batch.has(self.memory.seen):
            self._see(batch.stream(self.memory.seen))
        self._bear(batch)
        now = self._column("now", 1, np.int64(0))
        now[0] = max(now[0], events.span()[1])
        for path in self.features.kinds:
            self._learn(path, batch.entities)
        return batch

    def _accumulate(self, accumulator: Accumulator, happened: Occurrences, batch: Indexed) -> None:
        rows = self._cells(accumulator, happened.keys, happened.ts, learn=True, batch=batch)
        some = np.flatnonzero(rows.ravel() >= 0)
        source = some // rows.shape[1]
        at, ts = rows.ravel()[some], happened.ts[source]
        weight = happened.value[source] if accumulator.values else np.ones(len(source))
        n, name, kernel = int(at.max(initial=-1)) + 1, str(accumulator), accumulator.kernel
        when = self._column(f"{name}.at", n, windows.UNSEEN)
        if isinstance(kernel, Sawtooth):
            counts = self._column(name, n, np.zeros(kernel.tiles + 1, np.int64))
            window = durations.parse(kernel.window)
            windows.fold(when, counts, at, ts, window=window, weight=weight.astype(np.int64))
        else:
            sums = self._column(name, n, np.float64(0))
            decay.fold(sums, when, at, ts, half_life=durations.parse(kernel.half_life), weight=weight)

    def _see(self, happened: Occurrences) -> None:
        rows = self._pairs.insert(history.pair(happened.keys[self.memory.member], happened.keys[self.memory.item]))
        times = self._column("seen.ts", len(self._pairs), history.NEVER)
        np.maximum.at(times, rows, happened.ts)

    def _bear(self, batch: Indexed) -> None:
        births(
            batch, self.memory.item, self._column(f"born.{self.memory.item}", len(self.ids[self.memory.item]), UNBORN)
        )

    def _learn(self, path: str, entities: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        entity, field = entity_field(path)
        table = entities.get(entity)
        if table is None or field not in table:
            return
        n = len(self.ids[entity])
        values = self._column(
            f"attribute.{path}", n, attributes.blank(self.features.kinds[path], self.features.widths[path])
        )
        known = self._column(f"attribute.{path}.ts", n, attributes.BEGINNING)
        by = self._column(f"attribute.{path}.id", n, np.uint64(0))
        attributes.fold(values, known, by, table["row"], table["ts"], table["id"], table[field])

    # Cells and columns

    def _cells(
        self,
        accumulator: Accumulator,
        keys: Mapping[str, Rows],
        ts: Times,
        *,
        learn: bool,
        batch: Indexed | None = None,
    ) -> Rows:
        def members(path: str) -> Hashes:
            entity, field = entity_field(path)
            rows = keys[entity]
            now: Hashes = self.attribute(path, rows, ts)
            table = batch.entities.get(entity) if batch is not None else None
            if table is None or field not in table:
                return now
            # The batch itself may bring the value that was known before one of its own events.
            fresh = attributes.Versions(
                table["row"], table["ts"], table["id"], table[field], count=len(self.ids[entity])
            )
            later = fresh.as_of(rows, ts)
            return np.where((later != 0).any(axis=1)[:, None], later, now)

        table = self._tables.get(accumulator.by)
        return cells(accumulator.by, keys, len(ts), members=members, table=table, learn=learn)

    def _histories(self) -> tuple[Rows, Times]:
        n = len(self.ids[self.memory.member])
        return (
            self._column("history.item", n, np.full(self.memory.length, NOWHERE, np.int32)),
            self._column("history.ts", n, np.zeros(self.memory.length, np.int64)),
        )

    def _column(self, name: str, rows: int, fill: Any) -> NDArray[Any]:
        return self.store.require(name, rows, np.asarray(fill))
