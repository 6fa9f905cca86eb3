"""The online schedule: what the engine knows now, folded event by event into arrays by row.

`apply` folds a batch, `attribute` and `totals` read: the same two questions that `features.batch` answers from the log.
A read at ts must come before the folds of that ts; whoever replays or serves keeps that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes
from ..events.schema import Events
from ..types import Asks, Queries, Rows, Times
from . import attributes
from .cells import cells, is_combined
from .decided import Decided
from .ids import IdTable
from .indexed import Indexed, Occurrences, Vocabulary, index
from .members import Members
from .parts import Reading, carry
from .record import Record
from .source import Look, Source, Wanted
from .spec import Accumulator, Memory, Stream, entity_field
from .store import Store
from .table import Fitted
from .worked import Work, Worked

_FIRST = np.zeros(1, np.int64)
_NOW = "now"


class State:
    """All that features, filters and retrievers read online, in one `Store`.

    With `ids` the rows are those of a vocabulary that is there already, else the state numbers ids as they come.
    """

    def __init__(self, features: Fitted, memory: Memory | None, store: Store, *, ids: Vocabulary | None = None) -> None:
        self.features, self.memory, self.store = features, memory, store
        self.ids = ids or Vocabulary(store, features.entities(memory))
        accumulators = features.accumulators()
        self._records = {
            by: Record.of(by, (one for one in accumulators if one.by == by))
            for by in dict.fromkeys(one.by for one in accumulators)
        }
        self._tables = {by: IdTable(store, f"cells.{'+'.join(by)}") for by in self._records if is_combined(by)}
        self._decided = Decided(store, features, memory)
        self._blanks = {path: attributes.blank(kind, features.widths[path]) for path, kind in features.kinds.items()}
        self._members = None if memory is None else Members(store, memory)
        self._worked: dict[Work, Worked] = {}
        self._plans: dict[Wanted, dict[tuple[str, ...], tuple[NDArray[np.intp], NDArray[np.intp]]]] = {}

    # Reading

    def attribute(self, path: str, rows: Rows, ts: Times) -> NDArray[Any]:
        return self.store.read(f"attribute.{path}", rows, self._blanks[path])

    def worked(self, work: Work, rows: Rows, ts: Times) -> NDArray[Any]:
        mapped = self.store.mapped
        if mapped is None:
            return work.of(self.attribute, rows, ts)
        if work not in self._worked:
            self._worked[work] = Worked(work)
        version = tuple(mapped.version(f"attribute.{path}") for path in work.paths)
        count = len(self.ids[work.entity])
        return self._worked[work].read(self.attribute, rows, ts, count=count, version=version)

    def hashed(self, entity: str, rows: Rows) -> Hashes:
        return self.ids[entity].hashes(rows)

    def totals(self, wanted: Wanted, rows: Look) -> NDArray[np.float64]:
        """Each accumulator (a, n) of each row."""
        out = np.empty((len(wanted.accumulators), len(rows.frame)))
        for by, (places, picked) in self._found(wanted).items():
            out[places] = self._read(by, rows)[picked]
        return out

    def _found(self, wanted: Wanted) -> dict[tuple[str, ...], tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """By what is kept by the same: the places in `wanted`, and those in the record."""
        if wanted not in self._plans:
            places: dict[tuple[str, ...], list[int]] = {}
            for place, one in enumerate(wanted.accumulators):
                places.setdefault(one.by, []).append(place)
            self._plans[wanted] = {
                by: (
                    np.array(found, np.intp),
                    np.array([self._records[by].accumulators.index(wanted.accumulators[at]) for at in found], np.intp),
                )
                for by, found in places.items()
            }
        return self._plans[wanted]

    def _read(self, by: tuple[str, ...], rows: Look) -> NDArray[np.float64]:
        """All (a, n) that is kept by `by`, of each row: the sum over its cells."""
        record, ts = self._records[by], rows.frame.ts
        found = cells(by, rows.reading, self._tables.get(by), learn=False)
        return self.store.through(record.name, found, lambda held, kept: record.read(held, kept, ts), record.blank)

    def queries(self, asks: Asks) -> Queries:
        """What retrievers may know of each ask."""
        items, times = self.members.history(asks.member)
        return Queries(asks.ts, asks.member, items, times, items, self.born())

    def last_seen(self, members: Rows, items: Rows, ts: Times) -> Times:
        """When each member (n,) last saw the item; NEVER where it did not."""
        return self.members.last_seen(members, items)

    @property
    def members(self) -> Members:
        """What is remembered of members; there is none where the design decides no slates."""
        assert self._members is not None, "a design that decides no slates remembers nothing of members"
        return self._members

    def now(self) -> int:
        """The ts of the newest decision or outcome folded."""
        return int(self.store[_NOW][0]) if _NOW in self.store else 0

    def born(self) -> Times:
        """The first ts at which each item was known (items,)."""
        item = self.members.memory.item
        name = f"born.{item}"
        return self.store[name][: len(self.ids[item])] if name in self.store else np.empty(0, np.int64)

    # Folding

    def apply(self, events: Events) -> Indexed:
        """Fold a batch of events, in any order; gives the batch by rows."""
        memory = self.memory
        batch = index(events, self.ids, item=None if memory is None else memory.item, area=self.features.area)
        self._decided.learn(batch.decisions, _Before(self, batch))
        # An event is counted under its entity's attributes as of before it, so attributes are folded last.
        for (stream, by), accumulators in self._by_cells().items():
            if batch.has(stream) and carry(happened := batch.stream(stream), by):
                if stream.over is not None:
                    happened = self._decided.over(happened, stream.over)
                self._accumulate(accumulators, happened, by, batch)
        if self._members is not None:
            self._members.fold(batch, self.ids)
        self.store.require(_NOW, 1, np.asarray(np.int64(0)))
        self.store.put(_NOW, _FIRST, np.array([max(self.now(), events.span()[1])]))
        for path in self.features.kinds:
            self._learn(path, batch.entities)
        return batch

    def _by_cells(self) -> Mapping[tuple[Stream, tuple[str, ...]], list[Accumulator]]:
        """The accumulators that share a stream, whatever its threshold, and their cells."""
        out: dict[tuple[Stream, tuple[str, ...]], list[Accumulator]] = {}
        for by, record in self._records.items():
            for accumulator in (*record.decayed, *record.sawteeth):
                out.setdefault((Stream(accumulator.stream.name, over=accumulator.stream.over), by), []).append(
                    accumulator
                )
        return out

    def _accumulate(
        self, accumulators: list[Accumulator], happened: Occurrences, by: tuple[str, ...], batch: Indexed
    ) -> None:
        record = self._records[by]
        rows = cells(by, self._reading(happened, _Before(self, batch)), self._tables.get(by), learn=True)
        for least, group in _by_threshold(accumulators):
            counted = rows >= 0 if least is None else (rows >= 0) & (happened.value >= least)[:, None]
            some = np.flatnonzero(counted.ravel())
            source = some // rows.shape[1]
            touched, at = np.unique(rows.ravel()[some], return_inverse=True)
            if not len(touched):
                continue
            self.store.require(record.name, int(touched[-1]) + 1, record.blank)
            cell = self.store.read(record.name, touched, record.blank)
            for accumulator in group:
                record.fold(cell, accumulator, at.astype(np.int32), happened.ts[source], happened.value[source])
            self.store.put(record.name, touched, cell)

    def _learn(self, path: str, entities: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        entity, field = entity_field(path)
        table = entities.get(entity)
        if table is None or field not in table:
            return
        touched, at = np.unique(table["row"], return_inverse=True)
        names = (f"attribute.{path}", f"attribute.{path}.ts", f"attribute.{path}.id")
        blanks = (self._blanks[path], np.asarray(attributes.BEGINNING), np.asarray(np.uint64(0)))
        for name, blank in zip(names, blanks, strict=True):
            self.store.require(name, len(self.ids[entity]), blank)
        values, known, by = (self.store.read(name, touched, blank) for name, blank in zip(names, blanks, strict=True))
        attributes.fold(values, known, by, at.astype(np.int32), table["ts"], table["id"], table[field])
        for name, column in zip(names, (values, known, by), strict=True):
            self.store.put(name, touched, column)

    # Cells

    def _reading(self, happened: Occurrences, source: Source) -> Reading:
        """What events say of attributes and parts, as of before each."""

        def attribute(path: str) -> NDArray[Any]:
            return source.attribute(path, happened.keys[entity_field(path)[0]], happened.ts)

        return Reading(attribute, happened.keys, self._decided.contexts(happened.decision), len(happened))


class _Before:
    """What was known of entities before the events of a batch, which may bring the value known before one of its own events."""

    memory: Memory | None = None

    def __init__(self, state: State, batch: Indexed) -> None:
        self._state, self._batch = state, batch

    def attribute(self, path: str, rows: Rows, ts: Times) -> NDArray[Any]:
        entity, field = entity_field(path)
        now = self._state.attribute(path, rows, ts)
        table = self._batch.entities.get(entity)
        if table is None or field not in table:
            return now
        count = len(self._state.ids[entity])
        later = attributes.Versions(table["row"], table["ts"], table["id"], table[field], count=count).as_of(rows, ts)
        if now.ndim == 1:
            return np.where(np.isnan(later), now, later)
        return np.where((later != 0).any(axis=1)[:, None], later, now)

    def worked(self, work: Work, rows: Rows, ts: Times) -> NDArray[Any]:
        return work.of(self.attribute, rows, ts)

    def hashed(self, entity: str, rows: Rows) -> Hashes:
        return self._state.hashed(entity, rows)

    def queries(self, asks: Asks) -> Queries:
        return self._state.queries(asks)

    def totals(self, wanted: Wanted, rows: Look) -> NDArray[np.float64]:
        return self._state.totals(wanted, rows)


def _by_threshold(accumulators: list[Accumulator]) -> Iterator[tuple[float | None, list[Accumulator]]]:
    """Accumulators of one stream by the value from which on an event counts."""
    for least in dict.fromkeys(accumulator.stream.at_least for accumulator in accumulators):
        yield least, [accumulator for accumulator in accumulators if accumulator.stream.at_least == least]
