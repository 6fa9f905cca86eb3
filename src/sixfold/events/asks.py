"""Tables of decisions that show no items, such as orders, trips and jobs: one row each, with what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..types import SECOND, Times
from ..types import Table as Columns
from . import cells, parsing
from .converted import Converted, content_ids, counted, origin_of, reject
from .hashing import Hashes, combine, hash_column
from .mapping import DecisionTable, Given, Took
from .parsing import Fault, Mask, Parsed, first_faults
from .places import REASONS, Area, checked_places
from .rows import RawBatch
from .schema import Events
from .times import Time, times

_CONTEXT = "context."

UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""Seconds of each unit."""


def convert_decisions(table: DecisionTable, batch: RawBatch, *, now: int) -> Converted:
    """The decisions of a batch, and the outcomes that name them.

    A row whose outcome cannot be is rejected whole: its decision would pass for one that is still under way.
    """
    batch = cells.rows_where(batch, table.where)
    read = _read(table, batch, now=now)
    reasons = first_faults(len(batch), read.faults)
    good = np.ones(len(batch), np.bool_)
    good[list(reasons)] = False
    # Only sound rows speak for their id: one that is mended further down the file stands.
    reasons |= first_faults(len(batch), _contradictions(table, read, good))
    good[list(reasons)] = False
    rows = np.flatnonzero(good)
    outcomes, origins = {}, {"decision": origin_of(batch, rows)}
    for name, one in read.took.items():
        ended = np.flatnonzero(good & one.ended)
        outcomes[name] = _outcomes(name, read.columns, one, ended, tuple(table.keys))
        origins[f"outcome {name}"] = origin_of(batch, ended)
    decisions = {name: column[rows] for name, column in read.columns.items()}
    rejected = reject(batch, _with_cells(batch, reasons, read.took))
    return Converted(Events(decisions=decisions, outcomes=outcomes), rejected, batch, origins, counted(read.wrong))


@dataclass(frozen=True, slots=True)
class _Read:
    """The decisions of a batch as columns (n,), what came of each, all that is against rows, and why values are unknown."""

    columns: Columns
    took: dict[str, Ended]
    faults: list[Fault]
    wrong: list[Fault]


def _read(table: DecisionTable, batch: RawBatch, *, now: int) -> _Read:
    ts = cells.time_of(batch, table.ts, now=now)
    keys = {name: cells.key_of(batch, column) for name, column in table.keys.items()}
    context, wrong = _context(table, batch)
    took = {name: _took(table, name, batch, ts.values, now=now) for name in table.outcomes}
    named = [cells.key_of(batch, table.decision)] if table.decision else []
    faults = [fault for part in (ts, *keys.values(), *named, *context.values()) for fault in part.faults]
    faults += [fault for one in took.values() for fault in one.faults]
    columns: Columns = {"ts": ts.values, "release": np.zeros(len(batch), "S1")}
    columns |= {name: parsed.values for name, parsed in {**keys, **context}.items()}
    columns["id"] = named[0].values if named else _ids(columns, took)
    return _Read(columns, took, faults, wrong)


def _contradictions(table: DecisionTable, read: _Read, good: Mask) -> Iterator[Fault]:
    """Rows with the id of an earlier one that say something else of it, or of how it ended; what says the same is one event."""
    column, ids = cells.columns_of(table.decision), read.columns["id"]
    content = Events(decisions=read.columns).content()["decision"]
    yield _differs(ids, content, good), f"{column} comes twice with other content"
    for name, one in read.took.items():
        ends = combine(hash_column(one.known), hash_column(one.seconds))
        yield _differs(ids, ends, good & one.ended), f"{column} comes twice with another end by {name}"


def _differs(ids: parsing.Text, content: Hashes, good: Mask) -> Mask:
    """Which of the good rows (n,) differ in content from the first good row of their id."""
    rows = np.flatnonzero(good)
    _, first, place = np.unique(ids[rows], return_index=True, return_inverse=True)
    out = np.zeros(len(ids), np.bool_)
    out[rows] = content[rows] != content[rows][first][place]
    return out


def _outcomes(name: str, columns: Columns, one: Ended, rows: NDArray[np.int64], keys: tuple[str, ...]) -> Columns:
    out = {"ts": one.known[rows], "decision": columns["id"][rows], "value": one.seconds[rows]}
    out |= {key: columns[key][rows] for key in keys}
    out["id"] = content_ids(f"outcome {name}", Events(outcomes={name: out}))
    return out


def _ids(columns: Columns, took: dict[str, Ended]) -> parsing.Text:
    """An id (n,) of all that each row says, what came of it included: two of one minute and one kind are two all the same."""
    said = {f"{name}.known": np.where(one.ended, one.known, 0) for name, one in took.items()}
    said |= {f"{name}.seconds": one.seconds for name, one in took.items()}
    return content_ids("decision", Events(decisions=columns | said))


# What came with it


def _context(table: DecisionTable, batch: RawBatch) -> tuple[dict[str, Parsed], list[Fault]]:
    """The columns of the context by name, and what is wrong with values that are unknown for it."""
    out: dict[str, Parsed] = {}
    wrong: list[Fault] = []
    for name, one in table.context.items():
        given = Given(one) if isinstance(one, str) else one
        if given.lat is not None and given.lon is not None:
            place = place_of(batch, given.lat, given.lon, name, area=table.area)
            more = place.wrong if given.required else []
            out[f"{_CONTEXT}{name}_lat"] = Parsed(place.lat.values, (*place.lat.faults, *more))
            out[f"{_CONTEXT}{name}_lon"] = place.lon
            wrong += place.wrong
        elif given.type == "number":
            out[_CONTEXT + name], unknown = _number(batch, given)
            wrong += unknown
        else:
            out[_CONTEXT + name] = _category(batch, given)
    return out, wrong


def _category(batch: RawBatch, given: Given) -> Parsed:
    column = given.column or ""
    parsed = cells.text_of(batch, column)
    gone = parsing.missing_in(parsed.values)
    faults = ((gone, f"{column} is missing"),) if given.required else ()
    return Parsed(parsing.narrow(np.where(gone, b"", parsed.values)), (*parsed.faults, *faults))


def _number(batch: RawBatch, given: Given) -> tuple[Parsed, list[Fault]]:
    """A number, NaN where it is out of bounds, which is a fault only where it is required."""
    column = given.column or ""
    parsed = parsing.numbers(cells.cells_of(batch, column), column, decimal=given.decimal, required=given.required)
    outside: list[Fault] = []
    if given.at_least is not None:
        outside.append((parsed.values < given.at_least, f"{column} is below {given.at_least:g}"))
    if given.at_most is not None:
        outside.append((parsed.values > given.at_most, f"{column} is above {given.at_most:g}"))
    values = parsed.values
    for mask, _ in outside:
        values = np.where(mask, np.nan, values)
    return Parsed(values, (*parsed.faults, *(outside if given.required else ()))), outside


@dataclass(frozen=True, slots=True)
class Degrees:
    """A place (n,) as two columns of degrees, both NaN where it is none; wrong says why, a mask (n,) each."""

    lat: Parsed
    lon: Parsed
    wrong: list[Fault]


def place_of(batch: RawBatch, lat: str, lon: str, name: str, *, area: Area | None) -> Degrees:
    """The place that two columns say. Swapped, negated or outside shows against an area only (`places`)."""
    ends = [parsing.numbers(cells.cells_of(batch, column), column) for column in (lat, lon)]
    codes = checked_places(ends[0].values, ends[1].values, area=area)
    known = [Parsed(np.where(codes == 0, end.values, np.nan), end.faults) for end in ends]
    wrong = [(codes == code, f"{name} ({lat}, {lon}): {REASONS[code]}") for code in range(1, len(REASONS))]
    return Degrees(known[0], known[1], wrong)


# What came of it


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of each row (n,): whether it ended, after how many seconds, and when that was known.

    column is the one that says so; of the rows against which there is a fault, its cell is shown.
    """

    ended: Mask
    seconds: NDArray[np.float64]
    known: Times
    faults: tuple[Fault, ...]
    column: str


def _took(table: DecisionTable, name: str, batch: RawBatch, ts: Times, *, now: int) -> Ended:
    one = table.outcomes[name]
    start = cells.columns_of(table.ts)
    faults: list[Fault] = []
    seconds, known, ended = np.full(len(batch), np.nan), ts, np.zeros(len(batch), np.bool_)
    if one.value is not None:
        parsed = parsing.numbers(cells.cells_of(batch, one.value), one.value)
        seconds, faults = parsed.values * UNITS[one.unit], [*parsed.faults]
        ended = np.isfinite(seconds)
        known = ts + np.round(np.clip(np.where(ended, seconds, 0), -1e12, 1e12) * SECOND).astype(np.int64)
        if one.ts is None:
            faults.append((known > now, f"{one.value} ends in the future"))
    if one.ts is not None:
        time = Time(one.ts) if isinstance(one.ts, str) else one.ts
        told = cells.cells_of_time(batch, time)
        said = ~parsing.missing_in(parsing.encode(told, time.name).values)
        read = times(told, time, now=now)
        faults += [(mask & said, reason) for mask, reason in read.faults]
        faults.append((said & (read.values < ts), f"{time.name} is before {start}"))
        known = np.where(said, read.values, known)
        if one.value is None:
            ended, seconds = said, np.where(said, (read.values - ts) / SECOND, np.nan)
    column = one.value or cells.columns_of(one.ts)
    faults += [(ended & mask, reason) for mask, reason in _impossible(one, name, column, seconds)]
    return Ended(ended, seconds, known, tuple(faults), column)


def _impossible(one: Took, name: str, column: str, seconds: NDArray[np.float64]) -> Iterator[Fault]:
    yield seconds < 0, f"{column} says that {name} took less than no time"
    yield seconds == 0, f"{column} says that {name} took no time"
    if one.at_least is not None:
        yield (
            seconds < durations.parse(one.at_least) / SECOND,
            f"{column} says that {name} took less than {one.at_least}",
        )
    if one.at_most is not None:
        yield seconds > durations.parse(one.at_most) / SECOND, f"{column} says that {name} took more than {one.at_most}"


def _with_cells(batch: RawBatch, reasons: dict[int, str], took: dict[str, Ended]) -> dict[int, str]:
    """The reasons against rows, those against what came of one with what its cell says behind a colon."""
    says = {reason: one.column for one in took.values() for _, reason in one.faults}
    out = {}
    for row, reason in reasons.items():
        columns = says[reason].split(" and ") if reason in says else []
        shown = " ".join(cells.cells_of(batch, column)[row] for column in columns)
        out[row] = f"{reason}: {shown[:64]}" if shown else reason
    return out
