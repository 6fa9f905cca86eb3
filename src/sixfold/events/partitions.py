"""Batches as Parquet files, one a table and day, and back: the same events in the same order, exactly.

Beside its own columns a file has `@offset`, the batch, and `@row`, the place in it (of slates: among the slates of the batch);
the `decision` of a slate is the `@row` of its decision. A column that a batch has not is null in its rows. By Polars, of the
extra `train`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra
from ..types import DAY, Table
from .schema import ALWAYS, ENTITY_COLUMNS, Events, no_decisions, no_shown
from .settled import SHOWN, UNDATED

if TYPE_CHECKING:
    import polars as pl

OFFSET, ROW, _DAY, _TS = "@offset", "@row", "@day", "@ts"
_PLACES = (OFFSET, ROW)


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of one table and one day, as the bytes of a file."""

    table: str
    day: str
    rows: int
    first_ts: int
    last_ts: int
    data: bytes


def cut(batches: Sequence[tuple[int, Events]]) -> Iterator[Cut]:
    """The files that hold some batches."""
    _polars()
    for table, parts in _by_table(batches).items():
        whole = _joined(parts).with_columns(_polars().col(_TS).floordiv(DAY).alias(_DAY))
        for day, rows in whole.partition_by(_DAY, as_dict=True, include_key=False).items():
            yield written(table, day_name(int(day[0])), rows)


def written(table: str, day: str, rows: pl.DataFrame) -> Cut:
    """The file of some rows of one table and day, `@ts` among them."""
    first, last = _span(rows)
    out = io.BytesIO()
    rows.drop(_TS).write_parquet(out, compression="zstd", compression_level=3)
    return Cut(table, day, len(rows), first, last, out.getvalue())


def frame(data: bytes) -> pl.DataFrame:
    """The rows of a file."""
    rows: pl.DataFrame = _polars().read_parquet(io.BytesIO(data))
    return rows


def without(table: str, day: str, data: bytes, *, keep: NDArray[np.bool_]) -> Cut:
    """A file of entities again, with some of its rows."""
    rows = frame(data).filter(keep)
    return written(table, day, rows.with_columns(rows["ts"].alias(_TS)))


def said(data: bytes) -> tuple[Table, dict[str, NDArray[np.bool_]]]:
    """Of a file of entities: key, ts, id and the place of each row (n,), and by field which rows (n,) say something of it."""
    pl = _polars()
    rows = frame(data)
    known = {name: np.array(rows[name].cast(pl.Binary).to_list()) for name in ("key", "id")}
    known |= {name: rows[name].to_numpy() for name in ("ts", *_PLACES)}
    fields = [name for name in rows.columns if name not in (*ENTITY_COLUMNS, *_PLACES)]
    return known, {name: _present(rows[name]) for name in fields}


def _present(series: pl.Series) -> NDArray[np.bool_]:
    pl = _polars()
    if series.dtype in (pl.String, pl.Binary):
        return np.asarray((series.cast(pl.Binary).bin.size().fill_null(0) > 0).to_numpy())
    if series.dtype.is_float():
        return np.asarray(series.is_not_nan().fill_null(False).to_numpy())
    return np.asarray(series.is_not_null().to_numpy())


def ids(data: bytes) -> NDArray[np.bytes_]:
    """The ids of a file's events (n,)."""
    pl = _polars()
    found = pl.read_parquet(io.BytesIO(data), columns=["id"])["id"].cast(pl.Binary)
    return np.array(found.to_list() or np.empty(0, "S1"))


def batches(held: Iterable[tuple[str, bytes]]) -> Iterator[tuple[int, Events]]:
    """(offset, batch) of what some files hold, given as (table, bytes)."""
    frames: dict[str, list[pl.DataFrame]] = {}
    for table, data in held:
        frames.setdefault(table, []).append(frame(data))
    tables = {table: _Rows.of(parts) for table, parts in frames.items()}
    offsets = np.unique(np.concatenate([rows.offset for rows in tables.values()])) if tables else np.empty(0, np.int64)
    for offset in offsets.tolist():
        yield offset, _batch({table: part for table, rows in tables.items() if (part := rows.part(offset))})


def _batch(parts: dict[str, tuple[NDArray[np.int64], Table]]) -> Events:
    ordered = sorted(parts, key=lambda table: int(parts[table][0][0]))
    shown, decisions = no_shown(), no_decisions()
    if "decision" in parts:
        rows, decisions = parts["decision"]
        if SHOWN in parts:
            shown = dict(parts[SHOWN][1])
            at = np.searchsorted(rows, shown["decision"])
            # A slate without its decision is left where that was in a file that is lost.
            kept = rows[np.minimum(at, len(rows) - 1)] == shown["decision"]
            shown = {name: column[kept] for name, column in shown.items()} | {"decision": at[kept].astype(np.int32)}
    named = {
        kind: {t.partition(" ")[2]: parts[t][1] for t in ordered if t.startswith(f"{kind} ")}
        for kind in ("entity", "outcome")
    }
    return Events(named["entity"], decisions, shown, named["outcome"])


@dataclass(frozen=True, slots=True)
class _Column:
    """A column over many batches: values of the rows that have it, and how many of those come before each row (n + 1,)."""

    values: list[bytes] | NDArray[Any]
    before: NDArray[np.int64] | None

    @classmethod
    def of(cls, series: pl.Series) -> _Column:
        pl = _polars()
        before = None
        if series.null_count():
            before = np.concatenate([[0], np.cumsum(series.is_not_null().to_numpy())])
            series = series.drop_nulls()
        text = series.dtype in (pl.String, pl.Binary)
        return cls(series.cast(pl.Binary).to_list() if text else series.to_numpy(), before)

    def part(self, start: int, stop: int) -> NDArray[Any] | None:
        if self.before is not None:
            start, stop = int(self.before[start]), int(self.before[stop])
        return np.array(self.values[start:stop]) if stop > start else None


@dataclass(frozen=True, slots=True)
class _Rows:
    """One table of a generation in order of acceptance."""

    offset: NDArray[np.int64]
    row: NDArray[np.int64]
    columns: dict[str, _Column]

    @classmethod
    def of(cls, parts: list[pl.DataFrame]) -> _Rows:
        whole = _polars().concat(parts, how="diagonal_relaxed").sort(_PLACES)
        columns = {name: _Column.of(whole[name]) for name in whole.columns if name not in _PLACES}
        return cls(whole[OFFSET].to_numpy(), whole[ROW].to_numpy(), columns)

    def part(self, offset: int) -> tuple[NDArray[np.int64], Table] | None:
        """`@row` and the columns of one batch, None where it has no rows here."""
        start, stop = (int(np.searchsorted(self.offset, offset, side)) for side in ("left", "right"))
        if start == stop:
            return None
        found = ((name, column.part(start, stop)) for name, column in self.columns.items())
        return self.row[start:stop], {name: column for name, column in found if column is not None}


def _by_table(batches: Sequence[tuple[int, Events]]) -> dict[str, list[Table]]:
    """Every table of some batches, with the place of each row and its ts as `@ts`."""
    out: dict[str, list[Table]] = {}

    def add(name: str, table: Table, offset: int, first: int, ts: NDArray[np.int64]) -> None:
        if n := len(ts):
            places = {OFFSET: np.full(n, offset), ROW: np.arange(first, first + n), _TS: ts}
            out.setdefault(name, []).append({**places, **table})

    for offset, events in batches:
        first = 0
        for name, table in events.tables():
            if name == "decision" and len(at := events.shown["decision"]):
                shown = {**events.shown, "decision": at.astype(np.int64) + first}
                add(SHOWN, shown, offset, 0, table["ts"][at])
            add(name, table, offset, first, table["ts"])
            first += len(table["ts"])
    return out


def _joined(parts: list[Table]) -> pl.DataFrame:
    names = dict.fromkeys(name for part in parts for name in part)
    rows: pl.DataFrame = _polars().DataFrame([_series(name, parts) for name in names])
    return rows


def _series(name: str, parts: list[Table]) -> pl.Series:
    """A column over many batches, null in the rows of those that have it not."""
    pl = _polars()
    held = [part[name] for part in parts if name in part]
    if held[0].dtype.kind == "S":
        values = _text(pl.Series(name, [one for column in held for one in column.tolist()], dtype=pl.Binary))
    else:
        values = pl.Series(name, np.concatenate(held))
    if len(held) == len(parts):
        return values
    present = np.repeat([name in part for part in parts], [len(part[ROW]) for part in parts])
    return values.gather(pl.Series(np.cumsum(present) - 1).set(pl.Series(~present), None))


def _text(values: pl.Series) -> pl.Series:
    """As text, for those who read the files with other tools; bytes that are none stay bytes."""
    pl = _polars()
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:
        return values


def day_name(day: int) -> str:
    """A day since 1970 as files are named by it.

    >>> day_name(20_000), day_name(int(ALWAYS) // DAY)
    ('2024-10-04', 'undated')
    """
    return UNDATED if day == int(ALWAYS) // DAY else str(np.datetime64(day, "D"))


def _span(rows: pl.DataFrame) -> tuple[int, int]:
    ts = rows[_TS].to_numpy()
    return int(ts.min()), int(ts.max())


def _polars() -> Any:
    try:
        import polars
    except ImportError as error:
        raise MissingExtra("polars, which reads and writes the settled part of a log,", "train") from error
    return polars
