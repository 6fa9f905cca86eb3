"""Tables of what was shown: one row an item, many rows a decision, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..types import Rows, Times
from ..types import Table as Columns
from . import cells, parsing
from .converted import Converted, content_ids, hexadecimal, origin_of, reject
from .hashing import combine, hash_column, hash_strings
from .mapping import Followed, ImpressionTable, Number, Position
from .parsing import Fault, Parsed, Text, first_faults
from .rows import RawBatch, Rejected, join
from .schema import Events

MOST_SHOWN = int(np.iinfo(np.int16).max)


def whole_slates(table: ImpressionTable, batches: Iterator[RawBatch]) -> Iterator[RawBatch]:
    """The same rows in batches that cut no decision: its rows wait until a whole batch passes without it.

    Memory is bounded by the rows of the decisions under way, plus 8 bytes a decision. Rows that come
    when their decision is past are rejected; a file sorted by decision has none.
    """
    waiting: RawBatch | None = None
    past = np.empty(0, np.uint64)
    for batch in batches:
        rejected = batch.rejected
        late = np.isin(_decision_hashes(table, batch), past)
        if late.any():
            reason = "comes after its decision was complete; sort the file by decision"
            rejected = rejected + reject(batch, dict.fromkeys(np.flatnonzero(late).tolist(), reason))
            batch = batch.select(~late)
        rows = batch if waiting is None else join([waiting, batch])
        hashes = _decision_hashes(table, rows)
        live = np.isin(hashes, hashes[len(rows) - len(batch) :])
        past = np.union1d(past, hashes[~live])
        yield replace(rows.select(~live), rejected=rejected)
        waiting = rows.select(live)
    if waiting is not None:
        yield waiting


def _decision_hashes(table: ImpressionTable, batch: RawBatch) -> NDArray[np.uint64]:
    columns = table.columns()[:1] if table.decision else _request_columns(table)
    out = np.zeros(len(batch), np.uint64)
    for column in columns:
        out = combine(out, hash_strings(parsing.encode(cells.cells_of(batch, column), column).values))
    return out


def _request_columns(table: ImpressionTable) -> tuple[str, ...]:
    times = (table.ts,) if isinstance(table.ts, str) else table.ts.parts
    return (*times, *(key if isinstance(key, str) else key.column for key in table.keys.values()))


def convert_impressions(table: ImpressionTable, batch: RawBatch, *, now: int) -> Converted:
    """Decisions with their slates, and the outcomes that name them.

    A decision is taken with all its rows or with none: part of a slate would pass for the whole. Its ts
    is that of its earliest row. Items without a position are numbered as the file has them.
    """
    read = _read(table, batch, now=now)
    slate = np.unique(read.ids, return_inverse=True)[1].astype(np.int32)
    faults = [*read.faults, *_disagreements(slate, {**read.keys, **read.context})]
    good, rejected = _whole(batch, slate, faults)
    first, decision = _number_slates(slate[good])
    row = good[first]
    decisions: Columns = {"id": read.ids[row], "ts": _earliest(read.ts[good], decision, len(row))}
    decisions |= {"release": np.zeros(len(row), "S1")}
    decisions |= {name: column[row] for name, column in {**read.keys, **read.context}.items()}
    position = _counted(decision) if read.position is None else read.position[good]
    shown: Columns = {"decision": decision, "item": read.item[good], "position": position.astype(np.int16)}
    shown |= {"score": read.score[good].astype(np.float32), "propensity": read.propensity[good].astype(np.float32)}
    outcomes, origins = {}, {"decision": _spread(len(batch), good, decision)}
    for name, (value, known) in read.followed.items():
        rows = good[value[good] > 0]
        columns: Columns = {"ts": known[rows], "decision": read.ids[rows], "value": value[rows]}
        columns |= {key: column[rows] for key, column in {**read.keys, read.of: read.item}.items()}
        columns["id"] = content_ids(f"outcome {name}", Events(outcomes={name: columns}))
        outcomes[name], origins[f"outcome {name}"] = columns, origin_of(batch, rows)
    return Converted(Events({}, decisions, shown, outcomes), rejected, batch, origins)


@dataclass(frozen=True, slots=True)
class _Read:
    """The columns of a batch of impressions, one value a row, and all that is wrong with them."""

    ids: Text
    ts: Times
    keys: dict[str, Text]
    of: str
    item: Text
    context: dict[str, Text]
    position: NDArray[np.float64] | None
    score: NDArray[np.float64]
    propensity: NDArray[np.float64]
    followed: dict[str, tuple[NDArray[np.float64], Times]]
    faults: tuple[Fault, ...]


def _read(table: ImpressionTable, batch: RawBatch, *, now: int) -> _Read:
    (of, item_column), *_ = table.item.items()
    ts, item = cells.time_of(batch, table.ts, now=now), cells.key_of(batch, item_column)
    keys = {name: cells.key_of(batch, column) for name, column in table.keys.items()}
    named = [cells.key_of(batch, table.decision)] if table.decision else []
    context = {f"context.{name}": cells.text_of(batch, column) for name, column in table.context.items()}
    position = [_positions(batch, table.position)] if table.position else []
    score, propensity = _optional(batch, table.score), _propensities(batch, table.propensity)
    followed = {name: _follow(batch, one, ts, now=now) for name, one in table.outcomes.items()}
    parts = [ts, *named, *keys.values(), item, *context.values(), *position, score, propensity]
    faults = [fault for part in (*parts, *(one for pair in followed.values() for one in pair)) for fault in part.faults]
    return _Read(
        named[0].values if named else _request_ids(keys, ts),
        ts.values,
        {name: part.values for name, part in keys.items()},
        of,
        item.values,
        {name: part.values for name, part in context.items()},
        position[0].values if position else None,
        score.values,
        propensity.values,
        {name: (value.values, known.values) for name, (value, known) in followed.items()},
        tuple(faults),
    )


def _request_ids(keys: Mapping[str, Parsed], ts: Parsed) -> Text:
    hashes = hash_column(ts.values)
    for part in keys.values():
        hashes = combine(hashes, hash_strings(part.values))
    return hexadecimal(hashes)


def _optional(batch: RawBatch, column: str | None) -> Parsed:
    if column is None:
        return Parsed(np.full(len(batch), np.nan))
    return parsing.numbers(cells.cells_of(batch, column), column)


def _propensities(batch: RawBatch, column: str | None) -> Parsed:
    parsed = _optional(batch, column)
    outside = (parsed.values <= 0) | (parsed.values > 1)
    return Parsed(parsed.values, (*parsed.faults, (outside, f"{column} is no probability in (0, 1]")))


def _positions(batch: RawBatch, position: str | Position) -> Parsed:
    position = Position(position) if isinstance(position, str) else position
    parsed = parsing.numbers(cells.cells_of(batch, position.column), position.column, required=True)
    values = parsed.values - position.first + 1
    outside = ~((values >= 1) & (values <= MOST_SHOWN) & (values == np.floor(values)))
    reason = f"{position.column} is no whole number from {position.first}"
    return Parsed(np.where(outside, 1, values), (*parsed.faults, (outside, reason)))


def _follow(batch: RawBatch, one: Followed, ts: Parsed, *, now: int) -> tuple[Parsed, Parsed]:
    """The value of each row's outcome, above 0 where there is one, and when it became known."""
    if one.flag is not None:
        flags = parsing.numbers(cells.cells_of(batch, one.flag), one.flag)
        value = Parsed((flags.values > 0).astype(np.float64), flags.faults)
    else:
        value = cells.bounded_of(batch, Number(one.value or ""), required=False)
    if one.ts is None:
        return value, Parsed(ts.values)
    known = cells.time_of(batch, one.ts, now=now)
    happened = value.values > 0
    column = one.ts if isinstance(one.ts, str) else one.ts.name
    faults = (*known.faults, (known.values < ts.values, f"{column} is before the decision"))
    return value, Parsed(known.values, tuple((mask & happened, reason) for mask, reason in faults))


def _disagreements(slate: Rows, columns: Mapping[str, Text]) -> Iterator[Fault]:
    """Rows that say otherwise about their decision than its first row does."""
    first = np.unique(slate, return_index=True)[1]
    for name, column in columns.items():
        yield column != column[first][slate], f"{name} differs within one decision"


def _whole(batch: RawBatch, slate: Rows, faults: Iterable[Fault]) -> tuple[NDArray[np.int64], Rejected]:
    reasons = first_faults(len(batch), faults)
    bad = np.zeros(slate.max(initial=-1) + 1, np.bool_)
    bad[slate[list(reasons)]] = True
    fallen = np.flatnonzero(bad[slate]).tolist()
    why = {row: reasons.get(row, "another row of its decision was rejected") for row in fallen}
    return np.flatnonzero(~bad[slate]), reject(batch, why)


def _number_slates(slate: Rows) -> tuple[NDArray[np.int64], Rows]:
    """The first row of each decision in the order they appear, and each row's decision in that order."""
    _, first, inverse = np.unique(slate, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return first[order], place[inverse]


def _earliest(ts: Times, decision: Rows, count: int) -> Times:
    out = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(out, decision, ts)
    return out


def _counted(decision: Rows) -> NDArray[np.int64]:
    """1, 2, 3 ... within each decision, in the order of the rows."""
    order = np.argsort(decision, kind="stable")
    starts = np.flatnonzero(np.diff(decision[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    out = np.empty(len(order), np.int64)
    out[order] = np.arange(len(order)) - np.repeat(starts, sizes) + 1
    return out


def _spread(size: int, good: NDArray[np.int64], decision: Rows) -> NDArray[np.int64]:
    origin = np.full(size, -1)
    origin[good] = decision
    return origin
