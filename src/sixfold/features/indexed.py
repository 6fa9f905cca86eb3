"""Events with rows in place of ids: the form in which features, examples and state look at the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, nearest
from ..events.hashing import Hashes, hash_strings
from ..events.places import Area, served
from ..events.schema import (
    DECISION_COLUMNS,
    ENTITY_COLUMNS,
    OUTCOME_COLUMNS,
    Events,
    concat_groups,
    concat_tables,
)
from ..types import Rows, Table, Times
from .ids import Ids
from .spec import ASKED, CONTEXT, SHOWN, Stream
from .store import Store


class Vocabulary:
    """The ids of every entity type, in one store."""

    def __init__(self, store: Store, types: tuple[str, ...]) -> None:
        self._ids = {name: Ids(store, f"ids.{name}") for name in types}

    def __getitem__(self, entity: str) -> Ids:
        return self._ids[entity]

    def __contains__(self, entity: str) -> bool:
        return entity in self._ids

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(self._ids)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """The events of one stream: ts (n,), value (n,) float64, the row of each key (n,), and the hash of the decision that
    each is of (n,), 0 where it is of none."""

    ts: Times
    value: NDArray[np.float64]
    keys: Mapping[str, Rows]
    decision: Hashes

    def __len__(self) -> int:
        return len(self.ts)


@dataclass(frozen=True, slots=True)
class Indexed:
    """A batch of events by rows.

    entities[of]: row int32, ts, id uint64, and the fields as they came. decisions: ts, id uint64, the keys' rows,
    `context.*` (uint64 hashes of strings, float64 numbers). shown: decision int32, ts, the keys' rows, the item's
    row under its type's name, position, propensity. outcomes[name]: ts, id uint64, decision uint64 (0: organic),
    value, the keys' rows. texts: the text of each hash of a context, by its `context.*` name.
    """

    entities: Mapping[str, Table]
    decisions: Table
    shown: Table
    outcomes: Mapping[str, Table]
    texts: Mapping[str, Mapping[int, bytes]]

    def stream(self, stream: Stream) -> Occurrences:
        """The events that a stream names; raises DataError where this log has no such events."""
        if stream.name in (SHOWN, ASKED):
            table = self.shown if stream.name == SHOWN else self.decisions
            value = np.ones(len(table["ts"]))
            decision = self.decisions["id"][table["decision"]] if stream.name == SHOWN else table["id"]
        elif stream.name in self.outcomes:
            table = self.outcomes[stream.name]
            value, decision = table["value"], table["decision"]
        else:
            known = nearest(stream.name, [SHOWN, ASKED, *self.outcomes])
            raise DataError(f"the log has no outcome {stream.name!r}; {known}")
        keep = slice(None) if stream.at_least is None else value >= stream.at_least
        keys = {name: column[keep] for name, column in table.items() if column.dtype == np.int32 and name != "decision"}
        return Occurrences(table["ts"][keep], value[keep], keys, decision[keep])

    def has(self, stream: Stream) -> bool:
        """Whether this batch has events of a stream's name."""
        if stream.name in (SHOWN, ASKED):
            return bool(len((self.shown if stream.name == SHOWN else self.decisions)["ts"]))
        return stream.name in self.outcomes and bool(len(self.outcomes[stream.name]["ts"]))


def index(events: Events, ids: Vocabulary, *, item: str | None, area: Area | None = None) -> Indexed:
    """A batch by rows; ids not seen before get new rows. `item` is the entity type that slates show, if there are slates.

    Places outside `area` are unknown.
    """
    entities = {}
    for of, table in events.entities.items():
        if of in ids:
            fields = {name: column for name, column in table.items() if name not in ENTITY_COLUMNS}
            entities[of] = {"row": ids[of].learn(table["key"]), "ts": table["ts"], "id": hash_strings(table["id"])}
            entities[of] |= served(fields, area)
    decisions = served(_keyed(events.decisions, DECISION_COLUMNS, ids), area)
    outcomes = {}
    for name, table in events.outcomes.items():
        outcomes[name] = _keyed(table, OUTCOME_COLUMNS, ids)
        outcomes[name]["value"] = np.asarray(table["value"], np.float64)
        outcomes[name]["decision"] = hash_strings(table["decision"])
    at = events.shown["decision"]
    shown: dict[str, NDArray[Any]] = {"decision": at, "ts": decisions["ts"][at]}
    shown |= {name: decisions[name][at] for name in ids.types if name in decisions}
    if item is not None:
        shown[item] = ids[item].learn(events.shown["item"])
    shown |= {name: events.shown[name] for name in ("position", "propensity")}
    return Indexed(entities, decisions, shown, outcomes, _texts(events.decisions))


def joined(batches: Sequence[Indexed]) -> Indexed:
    """One index of many batches, in their order; all by rows of the same vocabulary."""
    if len(batches) == 1:
        return batches[0]
    offset = 0
    shown = []
    for batch in batches:
        shown.append({**batch.shown, "decision": batch.shown["decision"] + np.int32(offset)})
        offset += len(batch.decisions["ts"])
    texts: dict[str, dict[int, bytes]] = {}
    for batch in batches:
        for name, known in batch.texts.items():
            texts.setdefault(name, {}).update(known)
    return Indexed(
        concat_groups([batch.entities for batch in batches]),
        concat_tables([batch.decisions for batch in batches]),
        concat_tables(shown),
        concat_groups([batch.outcomes for batch in batches]),
        texts,
    )


def _texts(decisions: Table) -> dict[str, dict[int, bytes]]:
    out = {}
    for name, column in decisions.items():
        if name.startswith(CONTEXT) and column.dtype.kind == "S":
            distinct = np.unique(column)
            out[name] = dict(zip(hash_strings(distinct).tolist(), distinct.tolist(), strict=True))
    return out


def _keyed(table: Table, reserved: tuple[str, ...], ids: Vocabulary) -> Table:
    out: Table = {"ts": table["ts"], "id": hash_strings(table["id"])}
    for name, column in table.items():
        if name.startswith(CONTEXT):
            out[name] = hash_strings(column) if column.dtype.kind == "S" else column.astype(np.float64)
        elif name not in reserved and name in ids:
            out[name] = ids[name].learn(column)
    return out


UNBORN = np.int64(np.iinfo(np.int64).max)
"""The birth of an item that no event has named yet."""


def mentions(batch: Indexed, item: str) -> tuple[Rows, Times]:
    """Every row (n,) and ts (n,) at which a batch names an item."""
    found = [(table[item], table["ts"]) for table in (batch.shown, *batch.outcomes.values()) if item in table]
    if item in batch.entities:
        found.append((batch.entities[item]["row"], batch.entities[item]["ts"]))
    rows, times = zip(*found, strict=True) if found else ([np.empty(0, np.int32)], [np.empty(0, np.int64)])
    return np.concatenate(rows), np.concatenate(times)


def births(batch: Indexed, item: str, *, items: int) -> Times:
    """The first ts at which each item row (items,) was known, UNBORN where none was."""
    born = np.full(items, UNBORN)
    rows, ts = mentions(batch, item)
    np.minimum.at(born, rows, ts)
    return born


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows to compute features for: one row a candidate, or a logged impression.

    ts (n,) int64 us; keys: int32 rows (n,) by entity type; context: uint64 hashes or float64 (n,) by
    `context.*` name; position (n,) int, from 1.
    """

    ts: Times
    keys: Mapping[str, Rows]
    context: Mapping[str, Hashes | NDArray[np.float64]]
    position: NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, rows: NDArray[Any]) -> Frame:
        """Some of the rows, by mask or number."""
        return Frame(
            self.ts[rows],
            {name: column[rows] for name, column in self.keys.items()},
            {name: column[rows] for name, column in self.context.items()},
            self.position[rows],
        )
