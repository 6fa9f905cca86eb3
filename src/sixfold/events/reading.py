"""Rows of a file of the user's, in batches of bounded memory: CSV, JSONL (both also gzipped), Parquet.

Every cell arrives as text; what it means is the mapping's business. A row that cannot be split into
its cells is not lost: it comes out beside the others, with its number and the reason.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from itertools import compress, islice
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, nearest
from .parquet import parquet_layout, read_parquet
from .rows import RawBatch, RawRow, Rejected
from .schema import SEP
from .sniffing import Form, Layout, open_bytes, open_text, sniff, split_rows

FOUND = Form()
"""Nothing said about the form: all of it is found by looking."""

BATCH_ROWS = 50_000
"""Rows read at a time: some ten megabytes of text."""


def layout_of(path: Path, form: Form = FOUND) -> Layout:
    """How the file is laid out; raises DataError where it cannot be read at all."""
    if path.suffix == ".parquet":
        return parquet_layout(path)
    return sniff(path, form)


def read(path: Path, layout: Layout, *, size: int = BATCH_ROWS) -> Iterator[RawBatch]:
    """The rows of the file, `size` at a time. Raises DataError where the file has no rows."""
    match layout.kind:
        case "parquet":
            batches = read_parquet(path, layout, size=size)
        case "jsonl":
            batches = _read_jsonl(path, layout, size)
        case "csv":
            batches = _read_csv(path, layout, size)
    empty = True
    try:
        for batch in batches:
            empty = False
            yield batch
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path.name} is a damaged gzip file ({error}); fetch or pack it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} cannot be read as {layout.encoding} ({error}); give its form.encoding") from error
    if empty:
        raise DataError(f"{path.name} has a header and no rows; expected at least one row below it")


def require(path: Path, layout: Layout, names: Iterable[str]) -> None:
    """Raise DataError where the file lacks a column that the mapping names."""
    for name in names:
        if name not in layout.columns:
            raise DataError(
                f"{path.name} has no column {name!r}, which the mapping names; {nearest(name, layout.columns)}"
            )


def _read_csv(path: Path, layout: Layout, size: int) -> Iterator[RawBatch]:
    newline = None if len(layout.delimiter) > 1 else ""
    with open_text(path, layout.encoding, newline=newline) as stream:
        rows = split_rows(stream, layout.delimiter, layout.quotes)
        number = 1 + len(_some(rows, int(layout.header))[0])
        while True:
            part, fault = _some(rows, size)
            if not part and not fault:
                return
            batch = _table(path.name, layout.columns, part, number)
            number += len(part)
            if fault:
                batch = RawBatch(
                    batch.source, batch.columns, batch.rows, batch.rejected + Rejected((number,), (fault,), ({},))
                )
                number += 1
            if len(batch) or len(batch.rejected):
                yield batch


def _some(rows: Iterator[list[str]], size: int) -> tuple[list[list[str]], str]:
    part: list[list[str]] = []
    try:
        part.extend(islice(rows, size))
    except csv.Error as error:
        # What was read before the bad row stays in `part`; the reader goes on behind it.
        return part, f"cannot be split into cells ({error}); look for a quote that is not closed"
    return part, ""


def _table(source: str, names: tuple[str, ...], rows: list[list[str]], first: int) -> RawBatch:
    numbers = np.arange(first, first + len(rows))
    rejected = Rejected()
    if set(map(len, rows)) - {len(names)}:
        widths = np.fromiter(map(len, rows), np.int64, len(rows))
        bad = np.flatnonzero((widths != len(names)) & (widths > 0))
        reasons = tuple(f"has {widths[row]} fields, expected {len(names)}" for row in bad)
        rejected = Rejected(tuple(numbers[bad].tolist()), reasons, tuple(_uneven(names, rows[row]) for row in bad))
        good = widths == len(names)
        rows, numbers = list(compress(rows, good.tolist())), numbers[good]
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return RawBatch(source, dict(zip(names, columns, strict=True)), numbers, rejected)


def _uneven(names: tuple[str, ...], row: list[str]) -> RawRow:
    """The cells by column; those too many are called +1, +2 and so on."""
    extra = [f"+{place}" for place in range(1, len(row) - len(names) + 1)]
    return dict(zip([*names, *extra], row, strict=False))


def _read_jsonl(path: Path, layout: Layout, size: int) -> Iterator[RawBatch]:
    with open_bytes(path) as stream:
        number = 1
        while lines := list(islice(stream, size)):
            objects, numbers, rejected = _objects(lines, number)
            number += len(lines)
            names = dict.fromkeys((*layout.columns, *(name for one in objects for name in one)))
            columns = {name: tuple(_text(one.get(name)) for one in objects) for name in names}
            yield RawBatch(path.name, columns, numbers, rejected)


def _objects(lines: list[bytes], first: int) -> tuple[list[dict[str, object]], NDArray[np.int64], Rejected]:
    decode = msgspec.json.Decoder(dict[str, object]).decode
    objects, numbers, bad, reasons, raw = [], [], [], [], []
    for number, line in enumerate(lines, first):
        try:
            if stripped := line.strip().removeprefix(b"\xef\xbb\xbf"):
                objects.append(decode(stripped))
                numbers.append(number)
        except msgspec.MsgspecError:
            bad.append(number)
            reasons.append("is no JSON object")
            raw.append({"line": line.decode("utf-8", "sixfold-latin-1").rstrip()})
    return objects, np.array(numbers, np.int64), Rejected(tuple(bad), tuple(reasons), tuple(raw))


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return str(int(value))
        case list():
            return SEP.decode().join(map(_text, value))
        case dict():
            return msgspec.json.encode(value).decode()
    return str(value)
