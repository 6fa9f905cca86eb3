"""The batch schedule: any feature at any number of (row, ts), over a whole log."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..types import Asks, Queries, Rows, Times
from . import decay, windows
from .attributes import Versions
from .cells import cells, is_combined
from .fit import versions
from .history import Histories, Sightings
from .ids import IdTable
from .indexed import Frame, Indexed, Vocabulary, births
from .ordered import Ordered
from .spec import Accumulator, Decayed, Memory, Sawtooth, entity_field
from .store import Store


@dataclass(frozen=True, slots=True)
class _Prepared:
    events: Ordered
    weight: NDArray[Any]
    """By the events' order: ones or values for a window, running decayed sums for a decay."""
    table: IdTable | None


class Batch:
    """A log as a source of features. What an accumulator needs sorted is sorted once, at its first use."""

    def __init__(self, log: Indexed, ids: Vocabulary, memory: Memory) -> None:
        self._log, self._ids, self.memory = log, ids, memory
        self._versions: dict[str, Versions] = {}
        self._prepared: dict[Accumulator, _Prepared] = {}

    def attribute(self, path: str, rows: Rows, ts: Times) -> NDArray[Any]:
        if path not in self._versions:
            entity, _ = entity_field(path)
            self._versions[path] = versions(self._log, path, count=len(self._ids[entity]))
        return self._versions[path].as_of(rows, ts)

    def queries(self, asks: Asks) -> Queries:
        """What retrievers may know of each ask."""
        length = self.memory.length
        items, times = self._histories.as_of(asks.member, asks.ts, length=length)
        return Queries(asks.ts, asks.member, items, times, items, self.born)

    def last_seen(self, members: Rows, items: Rows, ts: Times) -> Times:
        """When each member (n,) last saw the item, strictly before ts (n,)."""
        return self._sightings.last(members, items, ts)

    @cached_property
    def born(self) -> Times:
        """The first ts at which each item was known (items,)."""
        item = self.memory.item
        return births(self._log, item, items=len(self._ids[item]))

    @cached_property
    def _histories(self) -> Histories:
        liked = self._log.stream(self.memory.liked)
        return Histories(liked, self.memory, members=len(self._ids[self.memory.member]))

    @cached_property
    def _sightings(self) -> Sightings:
        return Sightings(self._log.stream(self.memory.seen), self.memory)

    def total(self, accumulator: Accumulator, frame: Frame) -> NDArray[np.float64]:
        prepared = self._prepare(accumulator)
        rows = self._cells(accumulator, dict(frame.keys), frame.ts, prepared.table, learn=False)
        width = rows.shape[1]
        flat, ts = rows.ravel(), np.repeat(frame.ts, width)
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
            happened = self._log.stream(accumulator.stream)
            table = IdTable(Store(), "cells") if is_combined(accumulator.by) else None
            rows = self._cells(accumulator, dict(happened.keys), happened.ts, table, learn=True)
            some = np.flatnonzero(rows.ravel() >= 0)
            source = some // rows.shape[1]
            events = Ordered.of(rows.ravel()[some], happened.ts[source])
            value = happened.value[source] if accumulator.values else np.ones(len(source))
            weight: NDArray[Any] = value[events.order]
            if isinstance(accumulator.kernel, Decayed):
                half_life = durations.parse(accumulator.kernel.half_life)
                weight = decay.running(events, weight, half_life=half_life)
            else:
                weight = weight.astype(np.int64)
            self._prepared[accumulator] = _Prepared(events, weight, table)
        return self._prepared[accumulator]

    def _cells(
        self, accumulator: Accumulator, keys: dict[str, Rows], ts: Times, table: IdTable | None, *, learn: bool
    ) -> Rows:
        def members(path: str) -> NDArray[np.uint64]:
            return self.attribute(path, keys[entity_field(path)[0]], ts)

        return cells(accumulator.by, keys, len(ts), members=members, table=table, learn=learn)
