"""The columns of a batch, read as one entry of a mapping says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from . import parsing
from .mapping import Attribute, Key, Number
from .parsing import Parsed
from .rows import RawBatch
from .schema import ALWAYS, SEP
from .times import Time, times

_DURATION = re.compile(r"(^|_)(s|sec|secs|seconds|ms|duration)$", re.IGNORECASE)
"""Columns whose name says that they are durations: below 0 is a fault unless the mapping says otherwise."""


def cells_of(batch: RawBatch, column: str) -> Sequence[str]:
    """The column, empty where a replayed row lacks it."""
    return batch.columns.get(column) or ("",) * len(batch)


def rows_where(batch: RawBatch, where: Mapping[str, str]) -> RawBatch:
    """The rows whose cells are these; the others belong to another table."""
    for column, cell in where.items():
        batch = batch.select(np.fromiter((one == cell for one in cells_of(batch, column)), np.bool_, len(batch)))
    return batch


def time_of(batch: RawBatch, time: str | Time, *, now: int) -> Parsed:
    time = Time(time) if isinstance(time, str) else time
    return times(cells_of_time(batch, time), time, now=now)


def cells_of_time(batch: RawBatch, time: Time) -> Sequence[str]:
    """The cells of its columns, joined by blanks; empty where one of them says nothing."""
    columns = [cells_of(batch, column) for column in time.parts]
    if len(columns) == 1:
        return columns[0]
    missing = np.zeros(len(batch), np.bool_)
    for column, part in zip(columns, time.parts, strict=True):
        missing |= parsing.missing_in(parsing.encode(column, part).values)
    rows = zip(*columns, strict=True)
    return ["" if bad else " ".join(row) for row, bad in zip(rows, missing.tolist(), strict=True)]


def columns_of(part: str | Time | Key | None) -> str:
    """What errors call a time or a key: the columns that it is read from."""
    if isinstance(part, Time):
        return part.name
    return part.column if isinstance(part, Key) else part or ""


def key_of(batch: RawBatch, key: str | Key) -> Parsed:
    key = Key(key) if isinstance(key, str) else key
    return parsing.keys(cells_of(batch, key.column), key.column, integer=key.integer, required=key.required)


def value_of(batch: RawBatch, value: str | Number | None) -> Parsed:
    if value is None:
        return Parsed(np.ones(len(batch)))
    number = Number(value) if isinstance(value, str) else value
    return bounded_of(batch, number, required=True)


def bounded_of(batch: RawBatch, number: Number, *, required: bool) -> Parsed:
    """Numbers, those below `at_least` (0 for a duration) a fault."""
    parsed = parsing.numbers(cells_of(batch, number.column), number.column, decimal=number.decimal, required=required)
    least = number.at_least
    if least is None and _DURATION.search(number.column):
        least = 0.0
    if least is None:
        return parsed
    return Parsed(parsed.values, (*parsed.faults, (parsed.values < least, f"{number.column} is below {least:g}")))


def attribute_of(batch: RawBatch, value: str | Attribute) -> Parsed:
    value = Attribute(value) if isinstance(value, str) else value
    if value.flags:
        return _flags(batch, value.flags)
    column = value.column or ""
    cells = cells_of(batch, column)
    match value.type:
        case "category":
            return parsing.categories(cells, column, split=value.split)
        case "number":
            return parsing.numbers(cells, column, decimal=value.decimal)
        case "time":
            time = Time(column, unit=value.unit, timezone=value.timezone, format=value.format)
            stamps = times(cells, time)
            seconds = np.where(stamps.values == ALWAYS, np.nan, stamps.values / 1e6)
            return Parsed(seconds, stamps.faults)


def text_of(batch: RawBatch, column: str) -> Parsed:
    """Categories as they stand."""
    return parsing.categories(cells_of(batch, column), column)


def _flags(batch: RawBatch, flags: Mapping[str, str]) -> Parsed:
    """0/1 columns as one many-valued category."""
    out: parsing.Text = np.zeros(len(batch), "S1")
    faults: list[parsing.Fault] = []
    for name, column in flags.items():
        parsed = parsing.numbers(cells_of(batch, column), column)
        out = np.strings.add(out, np.where(parsed.values > 0, name.encode() + SEP, b""))
        faults += parsed.faults
    return Parsed(parsing.narrow(np.strings.rstrip(out, SEP)), tuple(faults))
