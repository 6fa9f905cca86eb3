"""What the log holds: entities, decisions and outcomes, as columns.

A batch of events is one `Events`. Events of one shape share a table, so that ten million impressions
are a handful of arrays and no Python object each:

    entities[of]     id S, ts int64, key S, then one column a value        what is known about a thing
    decisions        id S, ts int64, release S, the keys, `context.*`      one row a slate that was decided,
                     `estimate.*` f8                                       or an estimate: what was forecast, in seconds
    shown            decision int32 (row of `decisions`), item S, position int16, score f4, propensity f4
    outcomes[name]   id S, ts int64, decision S (b"" where organic), value f8, the keys

Strings are UTF-8 in 'S' arrays, numbers float64, vectors float32 (n, d). A missing number is NaN, a
missing string b"". A many-valued category is one string whose members stand apart by `SEP`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import NOWHERE, Table
from .hashing import Hashes, combine, hash_column, hash_strings, mix

SEP = b"\x1f"
"""ASCII unit separator: stands between the members of a many-valued category."""

ENTITY_COLUMNS = ("id", "ts", "key")
DECISION_COLUMNS = ("id", "ts", "release")
OUTCOME_COLUMNS = ("id", "ts", "decision", "value")
SHOWN_COLUMNS = ("decision", "item", "position", "score", "propensity")

ESTIMATE = "estimate."
"""What the columns of a decision begin with that say what was forecast, such as `estimate.done@0.05`."""

_ROWS = 4096
"""Whose numbers are hashed at once, so that they stay in cache."""
ALWAYS = np.int64(np.iinfo(np.int64).min)
"""The ts of an entity event without a date: known since for ever."""


def no_decisions() -> Table:
    return {"id": np.empty(0, "S1"), "ts": np.empty(0, np.int64), "release": np.empty(0, "S1")}


def no_shown() -> Table:
    return {
        "decision": np.empty(0, np.int32),
        "item": np.empty(0, "S1"),
        "position": np.empty(0, np.int16),
        "score": np.empty(0, np.float32),
        "propensity": np.empty(0, np.float32),
    }


@dataclass(frozen=True, slots=True)
class Events:
    """A batch of events, columns grouped by shape (the table of the module's docstring)."""

    entities: Mapping[str, Table] = field(default_factory=dict)
    decisions: Table = field(default_factory=no_decisions)
    shown: Table = field(default_factory=no_shown)
    outcomes: Mapping[str, Table] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(table["ts"]) for _, table in self.tables())

    def tables(self) -> Iterable[tuple[str, Table]]:
        """Every table with an id and a ts, by a name such as `entity video` or `outcome watch`."""
        for of, table in self.entities.items():
            yield f"entity {of}", table
        yield "decision", self.decisions
        for name, table in self.outcomes.items():
            yield f"outcome {name}", table

    def span(self) -> tuple[int, int]:
        """The first and the last ts of decisions and outcomes; (0, 0) where there are none."""
        times = [t["ts"] for t in (self.decisions, *self.outcomes.values()) if len(t["ts"])]
        if not times:
            return 0, 0
        return int(min(ts.min() for ts in times)), int(max(ts.max() for ts in times))

    def select(self, keep: Mapping[str, NDArray[np.bool_]]) -> Events:
        """The events whose mask, by table name, is true; a table without a mask is kept whole."""
        decided = keep.get("decision")
        decisions, shown = self.decisions, self.shown
        if decided is not None and not decided.all():
            moved = np.cumsum(decided, dtype=np.int32) - 1
            rows = decided[shown["decision"]]
            shown = take(shown, rows)
            shown["decision"] = moved[shown["decision"]]
            decisions = take(decisions, decided)
        return Events(
            {of: _masked(table, keep.get(f"entity {of}")) for of, table in self.entities.items()},
            decisions,
            shown,
            {name: _masked(table, keep.get(f"outcome {name}")) for name, table in self.outcomes.items()},
        )

    def before(self, ts: int) -> Events:
        """Everything known strictly before `ts`."""
        return self.select({name: table["ts"] < ts for name, table in self.tables()})

    def between(self, start: int, stop: int) -> Events:
        """Everything with start <= ts < stop."""
        return self.select({name: (table["ts"] >= start) & (table["ts"] < stop) for name, table in self.tables()})

    def content(self) -> Mapping[str, Hashes]:
        """A hash of all each event says, its id apart, by table: equal where two events say the same."""
        out = {name: _content(table) for name, table in self.tables()}
        if len(self.shown["decision"]):
            slates = {key: column for key, column in self.shown.items() if key != "decision"}
            total = np.zeros(len(self.decisions["ts"]), np.uint64)
            np.add.at(total, self.shown["decision"], _content(slates))
            out["decision"] = combine(out["decision"], total)
        return out


def _masked(table: Table, keep: NDArray[np.bool_] | None) -> Table:
    return table if keep is None or keep.all() else take(table, keep)


def _content(table: Table) -> Hashes:
    # The column's name goes in too, so that swapping two values is another content. A missing value says as much as a missing
    # column: nothing.
    out = np.zeros(len(next(iter(table.values()))), np.uint64)
    numbers = [name for name, column in table.items() if column.dtype == np.float64 and column.ndim == 1]
    for name in table.keys() - {"id", *numbers}:
        said = mix(_mixed(name) ^ hash_column(table[name]))
        out += np.where(_missing(table[name]), np.uint64(0), said)
    # A forecast has dozens of numbers: all at once, which of a few rows costs what one column does.
    names = np.array([_mixed(name) for name in numbers], np.uint64)[:, None]
    for start in range(0, len(out) if numbers else 0, _ROWS):
        part = np.stack([table[name][start : start + _ROWS] for name in numbers])
        said = mix(names ^ part.view(np.uint64))
        said[np.isnan(part)] = 0
        out[start : start + _ROWS] += said.sum(axis=0)
    return out


@lru_cache(maxsize=4096)
def _mixed(name: str) -> np.uint64:
    """The first half of what `combine` makes of a column's name and its values."""
    return np.uint64(mix(hash_strings(np.array([name.encode()])))[0])


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    if column.dtype.kind == "S":
        return np.asarray(column == b"")
    if column.dtype.kind != "f":
        return np.zeros(len(column), np.bool_)
    return np.asarray(np.isnan(column).all(axis=tuple(range(1, column.ndim))))


def take(table: Table, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Table:
    """The rows of a table, by mask or by number."""
    return {name: column[rows] for name, column in table.items()}


def concat(batches: Iterable[Events]) -> Events:
    """One `Events` of many, in their order. A column that a batch lacks is filled as missing."""
    parts = list(batches)
    if len(parts) == 1:
        return parts[0]
    offset = 0
    shown = []
    for part in parts:
        table = dict(part.shown)
        table["decision"] = table["decision"] + np.int32(offset)
        shown.append(table)
        offset += len(part.decisions["ts"])
    return Events(
        concat_groups([part.entities for part in parts]),
        concat_tables([part.decisions for part in parts]) if parts else no_decisions(),
        concat_tables(shown) if parts else no_shown(),
        concat_groups([part.outcomes for part in parts]),
    )


def concat_groups(groups: list[Mapping[str, Table]]) -> dict[str, Table]:
    """One group of tables of many: what stands under the same name is joined."""
    names = dict.fromkeys(name for group in groups for name in group)
    return {name: concat_tables([group[name] for group in groups if name in group]) for name in names}


def concat_tables(tables: list[Table]) -> Table:
    """One table of many; columns that some lack are filled as missing there (hashes with 0, rows with -1)."""
    tables = [table for table in tables if len(next(iter(table.values())))] or tables[:1]
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: np.concatenate([_column(table, name, tables) for table in tables]) for name in names}


def _column(table: Table, name: str, tables: list[Table]) -> NDArray[Any]:
    if name in table:
        return table[name]
    n = len(next(iter(table.values())))
    like = next(other[name] for other in tables if name in other)
    if like.dtype.kind == "S":
        return np.zeros(n, like.dtype)
    if like.dtype in (np.uint64, np.int32):
        # Hashes and rows stay whole numbers: as floats, hashes would lose their last bits.
        return np.full(n, 0 if like.dtype == np.uint64 else NOWHERE, like.dtype)
    return np.full((n, *like.shape[1:]), np.nan, np.result_type(like.dtype, np.float32))
