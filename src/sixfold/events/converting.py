"""A mapping applied: rows of a file into events, batch by batch, and apart from them the rows that give none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..types import Table as Columns
from . import cells
from .asks import convert_decisions, place_of
from .converted import Converted, content_ids, counted, origin_of, sort_out
from .hashing import hash_strings
from .impressions import convert_impressions, whole_slates
from .mapping import DecisionTable, EntityTable, ImpressionTable, OutcomeTable, Table
from .parsing import Fault, Parsed
from .reading import BATCH_ROWS, layout_of, read, require
from .rows import RawBatch
from .schema import ALWAYS, Events, take


def events_of(path: Path, table: Table, *, now: int, size: int = BATCH_ROWS) -> Iterator[Converted]:
    """The events of a file, batch by batch, each with the rows that gave none.

    `now` (us) is the latest time an event may have. Raises DataError where the file cannot be read, or
    lacks a column that the table names.
    """
    layout = layout_of(path, table.form)
    require(path, layout, table.columns())
    batches = read(path, layout, size=size)
    for batch in whole_slates(table, batches) if isinstance(table, ImpressionTable) else batches:
        converted = convert(table, batch, now=now)
        yield replace(converted, rejected=batch.rejected + converted.rejected)


def convert(table: Table, batch: RawBatch, *, now: int) -> Converted:
    """The events of a batch. `now` (us) is the latest time an event may have.

    Every row gives an event or a rejection, or says again what an entity's row before it did. A decision is taken with all
    its rows or with none: part of a slate would pass for the whole.
    """
    match table:
        case OutcomeTable():
            return _outcomes(table, batch, now)
        case EntityTable():
            return _entities(table, batch, now)
        case ImpressionTable():
            return convert_impressions(table, batch, now=now)
        case DecisionTable():
            return convert_decisions(table, batch, now=now)


def _outcomes(table: OutcomeTable, batch: RawBatch, now: int) -> Converted:
    batch = cells.rows_where(batch, table.where)
    ts = cells.time_of(batch, table.ts, now=now)
    keys = {name: cells.key_of(batch, column) for name, column in table.keys.items()}
    value = cells.value_of(batch, table.value)
    ids = cells.key_of(batch, table.id) if table.id else None
    good, rejected = sort_out(batch, [ts, *keys.values(), value, *([ids] if ids else [])])
    columns: Columns = {"ts": ts.values[good], "decision": np.zeros(len(good), "S1"), "value": value.values[good]}
    columns |= {name: parsed.values[good] for name, parsed in keys.items()}
    name = f"outcome {table.name}"
    columns["id"] = ids.values[good] if ids else content_ids(name, Events(outcomes={table.name: columns}))
    return Converted(Events(outcomes={table.name: columns}), rejected, batch, {name: origin_of(batch, good)})


def _entities(table: EntityTable, batch: RawBatch, now: int) -> Converted:
    key = cells.key_of(batch, table.key)
    ts = cells.time_of(batch, table.ts, now=now) if table.ts else Parsed(np.full(len(batch), ALWAYS))
    values = {name: cells.attribute_of(batch, value) for name, value in table.values.items()}
    ids = cells.key_of(batch, table.id) if table.id else None
    wrong: list[Fault] = []
    if table.place:
        place = place_of(batch, table.place.lat, table.place.lon, table.of, area=table.area)
        values |= {"lat": place.lat, "lon": place.lon}
        wrong = place.wrong
    good, rejected = sort_out(batch, [key, ts, *values.values(), *([ids] if ids else [])])
    columns: Columns = {"ts": ts.values[good], "key": key.values[good]}
    columns |= {name: parsed.values[good] for name, parsed in values.items()}
    name = f"entity {table.of}"
    origin = origin_of(batch, good)
    if ids is None:
        kept, origin[good] = _news(columns)
        columns = take(columns, kept)
    columns["id"] = ids.values[good] if ids else content_ids(name, Events(entities={table.of: columns}))
    events = Events(entities={table.of: columns})
    return Converted(events, rejected, batch, {name: origin}, counted(wrong))


def _news(columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that say of their entity what the one before in time did not, and of every row (n,) which it is or repeats.

    Times are apart: a store that has not moved was told of once.
    """
    timeless = {**columns, "ts": np.zeros(len(columns["ts"]), np.int64)}
    said = Events(entities={"it": timeless}).content()["entity it"]
    order = np.lexsort((columns["ts"], hash_strings(columns["key"])))
    fresh = np.ones(len(order), np.bool_)
    # What is said is said of a key: equal hashes are of one entity.
    fresh[1:] = said[order][1:] != said[order][:-1]
    first = order[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]]
    kept = np.sort(order[fresh])
    run = np.empty(len(order), np.int64)
    run[order] = np.searchsorted(kept, first)
    return kept, run
