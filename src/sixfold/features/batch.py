"""The batch schedule: any feature at any number of (row, ts), over a whole log."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..events.hashing import Hashes
from ..types import Asks, Queries, Rows, Times
from . import decay, windows
from .attributes import Versions
from .cells import cells, is_combined
from .decided import frame_of, over
from .fit import versions
from .history import Histories, Sightings
from .ids import IdTable
from .indexed import Indexed, Occurrences, Vocabulary, births
from .ordered import Ordered
from .parts import Reading, contexts_of
from .record import weights
from .source import Look, Wanted, look
from .spec import CONTEXT, Accumulator, Decayed, Expected, Memory, Sawtooth, Stream, entity_field
from .store import Store
from .table import Fitted
from .worked import Work


@dataclass(frozen=True, slots=True)
class _Prepared:
    events: Ordered
    weight: NDArray[Any]
    """By the events' order: ones or values for a window, running decayed sums for a decay."""
    table: IdTable | None


class Batch:
    """A log as a source of features. What an accumulator needs sorted is sorted once, at its first use."""

    def __init__(self, log: Indexed, ids: Vocabulary, memory: Memory | None, features: Fitted | None = None) -> None:
        self._log, self._ids, self.memory, self._features = log, ids, memory, features
        self._versions: dict[str, Versions] = {}
        self._prepared: dict[Accumulator, _Prepared] = {}
        self._expected: dict[Expected, NDArray[np.float64]] = {}

    def attribute(self, path: str, rows: Rows, ts: Times) -> NDArray[Any]:
        if path not in self._versions:
            entity, _ = entity_field(path)
            self._versions[path] = versions(self._log, path, count=len(self._ids[entity]))
        return self._versions[path].as_of(rows, ts)

    def worked(self, work: Work, rows: Rows, ts: Times) -> NDArray[Any]:
        return work.of(self.attribute, rows, ts)

    def hashed(self, entity: str, rows: Rows) -> Hashes:
        return self._ids[entity].hashes(rows)

    def queries(self, asks: Asks) -> Queries:
        """What retrievers may know of each ask."""
        length = self._remembered.length
        items, times = self._histories.as_of(asks.member, asks.ts, length=length)
        return Queries(asks.ts, asks.member, items, times, items, self.born)

    def last_seen(self, members: Rows, items: Rows, ts: Times) -> Times:
        """When each member (n,) last saw the item, strictly before ts (n,)."""
        return self._sightings.last(members, items, ts)

    @cached_property
    def born(self) -> Times:
        """The first ts at which each item was known (items,)."""
        item = self._remembered.item
        return births(self._log, item, items=len(self._ids[item]))

    @cached_property
    def _histories(self) -> Histories:
        memory = self._remembered
        return Histories(self._log.stream(memory.liked), memory, members=len(self._ids[memory.member]))

    @cached_property
    def _sightings(self) -> Sightings:
        return Sightings(self._log.stream(self._remembered.seen), self._remembered)

    @property
    def _remembered(self) -> Memory:
        assert self.memory is not None, "a design that decides no slates remembers nothing of members"
        return self.memory

    def totals(self, wanted: Wanted, rows: Look) -> NDArray[np.float64]:
        """Each accumulator (a, n) of each row."""
        out = np.empty((len(wanted.accumulators), len(rows.frame)))
        for place, accumulator in enumerate(wanted.accumulators):
            out[place] = self._total(accumulator, rows)
        return out

    def _total(self, accumulator: Accumulator, rows: Look) -> NDArray[np.float64]:
        prepared = self._prepare(accumulator)
        found = cells(accumulator.by, rows.reading, prepared.table, learn=False)
        width = found.shape[1]
        flat, ts = found.ravel(), np.repeat(rows.frame.ts, width)
        kernel = accumulator.kernel
        if isinstance(kernel, Sawtooth):
            window = durations.parse(kernel.window)
            values = windows.bulk(prepared.events, flat, ts, window=window, tiles=kernel.tiles, weight=prepared.weight)
        else:
            half_life = durations.parse(kernel.half_life)
            values = decay.bulk(prepared.events, prepared.weight, flat, ts, half_life=half_life)
        return np.asarray(values.reshape(-1, width).sum(axis=1))

    def _prepare(self, accumulator: Accumulator) -> _Prepared:
        if accumulator not in self._prepared:
            happened = self._happened(accumulator.stream)
            table = IdTable(Store(), "cells") if is_combined(accumulator.by) else None
            rows = cells(accumulator.by, self._reading(accumulator.by, happened), table, learn=True)
            some = np.flatnonzero(rows.ravel() >= 0)
            source = some // rows.shape[1]
            events = Ordered.of(rows.ravel()[some], happened.ts[source])
            weight: NDArray[Any] = weights(accumulator, happened.value[source])[events.order]
            if isinstance(accumulator.kernel, Decayed):
                half_life = durations.parse(accumulator.kernel.half_life)
                weight = decay.running(events, weight, half_life=half_life)
            else:
                weight = weight.astype(np.int64)
            self._prepared[accumulator] = _Prepared(events, weight, table)
        return self._prepared[accumulator]

    def _happened(self, stream: Stream) -> Occurrences:
        found = self._log.stream(stream)
        if stream.over is None:
            return found
        assert self._features is not None, "what is over an expectation needs the features that hold it"
        if stream.over not in self._expected:
            frame = frame_of(self._log.decisions, self._features, self.memory)
            self._expected[stream.over] = self._features.expected(stream.over, self, look(self, frame))
        return over(found, given(self._expected[stream.over], *self._places(found.decision)))

    def _contexts(self, by: tuple[str, ...], happened: Occurrences) -> dict[str, NDArray[Any]]:
        """What the decision of each event was asked with, as far as `by` wants it: nothing where there was no decision."""
        names = [CONTEXT + name for part in by for name in contexts_of(part)]
        if not names:
            return {}
        rows, found = self._places(happened.decision)
        return {name: given(self._log.decisions.get(name), rows, found) for name in names}

    def _places(self, decisions: Hashes) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The row (n,) of each decision, and whether it is known."""
        known, order = self._decided
        if not len(known):
            return np.zeros(len(decisions), np.intp), np.zeros(len(decisions), bool)
        at = np.minimum(np.searchsorted(known, decisions), len(known) - 1)
        return order[at], (decisions != 0) & (known[at] == decisions)

    @cached_property
    def _decided(self) -> tuple[Hashes, NDArray[np.intp]]:
        ids = self._log.decisions["id"]
        order = np.argsort(ids, kind="stable")
        return ids[order], order

    def _reading(self, by: tuple[str, ...], happened: Occurrences) -> Reading:
        """What events say of attributes and parts, as of before each."""

        def attribute(path: str) -> NDArray[Any]:
            return self.attribute(path, happened.keys[entity_field(path)[0]], happened.ts)

        return Reading(attribute, happened.keys, self._contexts(by, happened), len(happened))


def given(column: NDArray[Any] | None, rows: NDArray[np.intp], found: NDArray[np.bool_]) -> NDArray[Any]:
    """A column of decisions for events (n,): NaN, or the hash 0, where their decision is not known or has none."""
    if column is None:
        return np.zeros(len(rows), np.uint64)
    blank = np.uint64(0) if column.dtype == np.uint64 else np.nan
    return np.where(found, column[np.where(found, rows, 0)], blank) if len(column) else np.full(len(rows), blank)
