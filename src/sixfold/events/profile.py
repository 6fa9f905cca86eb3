"""What the columns of a file hold: the evidence on which roles are guessed.

Kinds are judged on the first batch; distinct values are counted over up to `MOST_ROWS` rows, so that
a match rate of a few million rows is exact and one of more is of a sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import parsing
from .hashing import Hashes, hash_strings
from .parsing import Text
from .reading import layout_of, read
from .rows import RawBatch
from .sniffing import Layout
from .times import Time, looks_iso, times, units_of

MOST_ROWS = 4_000_000

TOLD_BY = 64
"""Letters of a cell that are looked at."""

Kind = Literal["time", "flag", "integer", "number", "text", "empty"]

FORMATS = (
    "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
"""Dates that people write, day before month where both fit."""

_TIME_NAME = re.compile(
    r"(time|date|stamp|(^|_)ts($|_)|(^|_)at$|(^|_)when($|_)|published|created|released)", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its name, kind, the distinct values by hash (sorted) and how often each came."""

    name: str
    kind: Kind
    sample: Text
    values: Hashes
    counts: NDArray[np.int64]
    time: Time | None = None
    floats: bool = False

    @property
    def distinct(self) -> int:
        return len(self.values)

    @property
    def filled(self) -> int:
        return int(self.counts.sum())

    @property
    def unique(self) -> bool:
        """No value twice."""
        return self.filled > 0 and self.distinct == self.filled

    @property
    def named_time(self) -> bool:
        return _TIME_NAME.search(self.name) is not None

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The sample as numbers, those that are none left out."""
        values, _ = parsing.convert(self.sample, np.dtype(np.float64))
        finite: NDArray[np.float64] = values[np.isfinite(values)]
        return finite


@dataclass(frozen=True, slots=True)
class FileProfile:
    """One file: where, how laid out, how many rows (`whole` where all were read), and its columns."""

    path: Path
    layout: Layout
    rows: int
    whole: bool
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def profile(path: Path, *, most_rows: int = MOST_ROWS) -> FileProfile:
    """The profile of a file; raises DataError where it cannot be read or has no rows."""
    layout = layout_of(path)
    batches = read(path, layout)
    first = next(batches)
    kinds = {name: _kind(name, _text(first, name)) for name in first.columns}
    tallies = {name: _Tally(kinds[name][2]) for name in first.columns}
    rows = 0
    for batch in _chain(first, batches):
        rows += len(batch)
        for name, tally in tallies.items():
            tally.add(_text(batch, name))
        if rows >= most_rows:
            break
    columns = []
    for name, (kind, time, floats) in kinds.items():
        values, counts = tallies[name].total()
        columns.append(Column(name, kind, _text(first, name), values, counts, time, floats))
    return FileProfile(path, layout, rows, rows < most_rows, tuple(columns))


def _chain(first: RawBatch, rest: Iterator[RawBatch]) -> Iterator[RawBatch]:
    yield first
    yield from rest


def _text(batch: RawBatch, name: str) -> Text:
    """The column, each cell cut to its first letters: enough to tell what it is, and as wide in memory as that."""
    cells = batch.columns.get(name) or ("",) * len(batch)
    if max(map(len, cells)) > TOLD_BY:
        cells = [cell[:TOLD_BY] for cell in cells]
    return parsing.encode(cells, name).values


class _Tally:
    """Distinct hashes and their counts, batch by batch."""

    def __init__(self, floats: bool) -> None:
        self._floats = floats
        self._parts: list[tuple[Hashes, NDArray[np.int64]]] = []

    def add(self, text: Text) -> None:
        text = text[~parsing.missing_in(text)]
        hashes = hash_strings(parsing.without_fraction(text) if self._floats else text)
        self._parts.append(np.unique(hashes, return_counts=True))

    def total(self) -> tuple[Hashes, NDArray[np.int64]]:
        values, where = np.unique(np.concatenate([part for part, _ in self._parts]), return_inverse=True)
        counts = np.bincount(where, np.concatenate([counts for _, counts in self._parts]), len(values))
        return values, counts.astype(np.int64)


def _kind(name: str, text: Text) -> tuple[Kind, Time | None, bool]:
    """The kind of a column, how its times are written, and whether whole numbers are written as floats."""
    text = text[~parsing.missing_in(text)]
    if len(text) == 0:
        return "empty", None, False
    values, good = parsing.convert(text[:5000], np.dtype(np.float64))
    if good.mean() < 0.9:
        time = _written_time(name, text[:5000])
        return ("time", time, False) if time else ("text", None, False)
    values = values[good & np.isfinite(values)]
    if np.isin(values, (0, 1)).all():
        return "flag", None, False
    if time := _counted_time(name, text, values):
        return "time", time, False
    padded = (np.strings.str_len(text) > 1) & (np.strings.startswith(text, b"0")) & np.strings.isdigit(text)
    if padded.any() or not good.all():
        return "text", None, False
    if (values == np.floor(values)).all():
        return "integer", None, bool(np.strings.endswith(text, b".0").all())
    return "number", None, False


def _written_time(name: str, text: Text) -> Time | None:
    """ISO 8601, or the first of `FORMATS` that fits nearly all cells."""
    if 2 * looks_iso(text).sum() > len(text):
        return Time(name, unit="iso")
    distinct = np.unique(text)[:300]
    for pattern in FORMATS:
        faults = times([cell.decode() for cell in distinct[:3].tolist()], Time(name, format=pattern)).faults
        if all(mask.all() for mask, _ in faults):
            continue
        faults = times([cell.decode() for cell in distinct.tolist()], Time(name, format=pattern)).faults
        if sum(int(mask.sum()) for mask, _ in faults) <= 0.1 * len(distinct):
            return Time(name, format=pattern)
    return None


def _counted_time(name: str, text: Text, values: NDArray[np.float64]) -> Time | None:
    """A count since 1970 in a unit that puts nearly all values between 1980 and 2100, or YYYYMMDD."""
    units = units_of(values)
    if len(units) and (units >= 0).mean() >= 0.9:
        unit = ("s", "ms", "us", "ns")[int(np.bincount(units[units >= 0]).argmax())]
        return Time(name, unit=unit)  # type: ignore[arg-type]
    if _TIME_NAME.search(name) and (np.strings.str_len(text) == 8).all():
        found = _written_time(name, text[:5000])
        return found if found and found.format == "%Y%m%d" else None
    return None
