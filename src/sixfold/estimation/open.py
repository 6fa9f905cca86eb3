"""Estimates that are under way: what was forecast of each, and what has become known of it since.

A fold over the log like the features' state, kept beside it by the same writer: so any worker, and the next one after a
restart, knows of an estimate what the log says. Only decisions that carry a forecast are kept, each through the day after the
one it was made in (UTC): there are two tables, of today and of yesterday, and a new day takes the place of the older one.

An outcome that comes before its decision waits for it (`early`); one that names a decision which never comes is passed over. Of
several outcomes of one name the last by (ts, id) counts, in whatever order and however often they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes, hash_strings
from ..events.schema import ESTIMATE, Events
from ..features.ids import IdTable
from ..features.store import Store
from ..types import DAY, Table, Times
from .early import Early
from .steered import Steer, Steered

NEVER = np.int64(np.iinfo(np.int64).min)
"""When what has not happened did."""
_DAY, _NOW, _FIRST = "open.day", "open.now", np.zeros(1, np.int64)


class Watched(msgspec.Struct, frozen=True):
    """What is kept: the names of forecast numbers, without `estimate.`, and of outcomes. Every forecast has the first number.

    steer: what the outcomes steer, if anything.
    """

    forecast: tuple[str, ...]
    outcomes: tuple[str, ...]
    steer: Steer | None = None

    @property
    def blank(self) -> NDArray[np.void]:
        """A record of which nothing is known."""
        m = len(self.outcomes)
        fields = [("ts", np.int64), ("release", "S16"), ("forecast", np.float64, (len(self.forecast),)), ("when", np.int64, (m,)),
                  ("by", np.uint64, (m,)), ("value", np.float64, (m,))]  # fmt: skip
        if self.steer is not None and self.steer.by.by is not None:
            fields.append(("group", np.uint64))
        out = np.zeros((), np.dtype(fields))
        out["ts"], out["when"], out["forecast"], out["value"] = NEVER, NEVER, np.nan, np.nan
        return out


@dataclass(frozen=True, slots=True)
class Known:
    """One estimate and the release that made it.

    ts, when (m,) int64 us; forecast (f,) and value (m,) float64; NEVER and NaN of what is not known.
    """

    ts: int
    release: str
    forecast: NDArray[np.float64]
    when: NDArray[np.int64]
    value: NDArray[np.float64]


class Open:
    """The estimates under way, in one `Store`."""

    def __init__(self, watched: Watched, store: Store) -> None:
        self.watched, self.store = watched, store
        self._blank = watched.blank
        self._tables = [IdTable(store, f"open.{half}.ids") for half in (0, 1)]
        self._early = Early(store)
        self.steered = None if watched.steer is None else Steered(watched.steer, store)
        for name in (_DAY, _NOW):
            if name not in store:
                store.create(name, np.zeros(1, np.int64))

    def read(self, decision: str) -> Known | None:
        """What is known of the estimate that a decision was, None where it is not kept."""
        asked = hash_strings(np.array([decision.encode()]))
        for half, table in enumerate(self._tables):
            rows = table.lookup(asked)
            if rows[0] >= 0:
                one = self.store.read(_records(half), rows, self._blank)[0]
                if one["ts"] != NEVER:
                    return Known(int(one["ts"]), one["release"].decode(), one["forecast"], one["when"], one["value"])
        return None

    def asked(self, decisions: Hashes) -> Times:
        """When (n,), us, estimates were asked for, by the hashes (n,) of their decisions' ids; NEVER of what is not kept."""
        out = np.full(len(decisions), NEVER)
        for half, table in enumerate(self._tables):
            rows = table.lookup(decisions)
            some = np.flatnonzero((rows >= 0) & (decisions != 0))
            if len(some):
                out[some] = np.maximum(out[some], self.store.read(_records(half), rows[some], self._blank)["ts"])
        return out

    def offset(self, keys: Mapping[str, str] = {}) -> NDArray[np.float64] | None:
        """How far outcomes have steered each level (q,), in widths, for a request with these keys by their entities; None
        where they steer nothing."""
        found = self.offsets([keys])
        return None if found is None else np.asarray(found[0])

    def offsets(self, keys: Sequence[Mapping[str, str]]) -> NDArray[np.float64] | None:
        """The same of n requests, (n, q)."""
        steer = self.watched.steer
        if self.steered is None or steer is None:
            return None
        return self.steered.offsets(["" if steer.by.by is None else one.get(steer.by.by, "") for one in keys])

    def apply(self, events: Events) -> None:
        """Fold a batch of events, in any order."""
        of, said = self._early.take(self._place(events.decisions))
        for column in np.unique(said["column"]).tolist():
            mine = said["column"] == column
            self._learn(column, of[mine], *(said[name][mine] for name in ("ts", "by", "value")))
        for column, name in enumerate(self.watched.outcomes):
            table = events.outcomes.get(name)
            if table is not None and len(table["ts"]):
                decisions, by = hash_strings(table["decision"]), hash_strings(table["id"])
                self._learn(column, decisions, table["ts"], by, table["value"])
        if self.steered is not None:
            now = max(int(self.store[_NOW][0]), events.span()[1])
            self.store.put(_NOW, _FIRST, np.array([now]))
            self.steered.fold(now)

    def _place(self, decisions: Table) -> Hashes:
        """Keep the decisions of a batch that carry a forecast and are of the last two days; the first of an id stays. Gives the
        hashes (m,) of the ids of those that are kept now."""
        first = decisions.get(ESTIMATE + self.watched.forecast[0])
        some = np.empty(0, np.intp) if first is None else np.flatnonzero(~np.isnan(first))
        if not len(some):
            return np.empty(0, np.uint64)
        day = decisions["ts"][some] // DAY
        self._turn(int(day.max()))
        today = int(self.store[_DAY][0])
        ids = hash_strings(decisions["id"][some])
        fresh = ~self._holds(ids)
        for at in (today - 1, today):
            rows = np.flatnonzero(fresh & (day == at))
            if len(rows):
                self._put(at % 2, ids[rows], {name: column[some[rows]] for name, column in decisions.items()})
        return ids[fresh & (day >= today - 1) & (day <= today)]

    def _put(self, half: int, ids: Hashes, decisions: Table) -> None:
        _, first = np.unique(ids, return_index=True)
        rows = self._tables[half].insert(ids[first])
        made = np.repeat(self._blank[None], len(first))
        made["ts"], made["release"] = decisions["ts"][first], decisions["release"][first]
        for place, name in enumerate(self.watched.forecast):
            if (column := decisions.get(ESTIMATE + name)) is not None:
                made["forecast"][:, place] = column[first]
        steer = self.watched.steer
        if steer is not None and steer.by.by is not None and (entity := decisions.get(steer.by.by)) is not None:
            made["group"] = hash_strings(entity[first])
        self.store.require(_records(half), len(self._tables[half]), self._blank)
        self.store.put(_records(half), rows, made)

    def _turn(self, day: int) -> None:
        """Where a day is newer than today, forget what is older than the day before it."""
        today = int(self.store[_DAY][0])
        if day <= today:
            return
        for half in {day % 2, (day - 1) % 2} if day > today + 1 else {day % 2}:
            self._tables[half].clear()
            self.store.create(_records(half), np.repeat(self._blank[None], 64))
        self.store.put(_DAY, _FIRST, np.array([day]))

    def _holds(self, ids: Hashes) -> NDArray[np.bool_]:
        return np.asarray(np.logical_or(*(table.lookup(ids) >= 0 for table in self._tables)))

    def _learn(self, column: int, decisions: Hashes, ts: Times, by: Hashes, value: NDArray[np.float64]) -> None:
        """Let outcomes of one name become known, given the hashes of their decisions and ids."""
        waits = (decisions != 0) & np.isfinite(value)
        for half, ids in enumerate(self._tables):
            rows = ids.lookup(decisions)
            some = np.flatnonzero((rows >= 0) & (decisions != 0) & np.isfinite(value))
            waits[some] = False
            # The last of each row by (ts, id).
            some = some[np.lexsort((by[some], ts[some], rows[some]))]
            some = some[np.append(np.diff(rows[some]) != 0, True)[: len(some)]]
            if len(some):
                self._become(half, column, rows[some], ts[some], by[some], value[some])
        self._early.hold(column, decisions[waits], ts[waits], by[waits], value[waits])

    def _become(
        self, half: int, column: int, rows: NDArray[Any], ts: NDArray[np.int64], by: Hashes, value: NDArray[np.float64]
    ) -> None:
        held = self.store.read(_records(half), rows, self._blank)
        when, whose = held["when"][:, column], held["by"][:, column]
        later = np.flatnonzero((ts > when) | ((ts == when) & (by > whose)))
        if not len(later):
            return
        self._steer(column, held, ts, by, value)
        for name, fresh in (("when", ts), ("by", by), ("value", value)):
            held[name][later, column] = fresh[later]
        self.store.put(_records(half), rows[later], held[later])

    def _steer(
        self, column: int, held: NDArray[np.void], ts: NDArray[np.int64], by: Hashes, value: NDArray[np.float64]
    ) -> None:
        """Let what took so long for the first time that it is known steer what is told of others."""
        steer = self.watched.steer
        if self.steered is None or steer is None or self.watched.outcomes[column] != steer.label:
            return
        first = held["when"][:, column] == NEVER
        places = [self.watched.forecast.index(name) for name in steer.quantiles]
        quantiles = held["forecast"][first][:, places]
        groups = held["group"][first] if steer.by.by is not None else np.zeros(len(quantiles), np.uint64)
        self.steered.add(held["ts"][first], ts[first], by[first], value[first], quantiles, groups)


def _records(half: int) -> str:
    return f"open.{half}"
