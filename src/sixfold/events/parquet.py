"""Parquet files as batches of text, by Polars: the one reader that needs the extra `train`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, MissingExtra
from .rows import RawBatch
from .schema import SEP
from .sniffing import Layout

if TYPE_CHECKING:
    import polars as pl


def _scan(path: Path) -> pl.LazyFrame:
    try:
        import polars as pl
    except ImportError as error:
        raise MissingExtra("polars, which reads Parquet,", "train") from error
    if not path.is_file():
        raise DataError(f"there is no file {path}; check the path, it is relative to where the mapping stands")
    return pl.scan_parquet(path)


def parquet_layout(path: Path) -> Layout:
    """The layout of a Parquet file; raises DataError where it is none."""
    frame = _scan(path)
    try:
        return Layout("parquet", tuple(frame.collect_schema().names()))
    except Exception as error:
        raise DataError(f"{path.name} is no readable Parquet file ({error}); write it again") from error


def read_parquet(path: Path, layout: Layout, *, size: int) -> Iterator[RawBatch]:
    """The rows, `size` at a time: numbers as written, times as ISO 8601, lists joined by SEP, null empty."""
    frame = _scan(path)
    texts = frame.select(_as_text(name, dtype) for name, dtype in frame.collect_schema().items())
    first = 1
    # A slice of a lazy frame reads only the row groups that it touches.
    while len(part := texts.slice(first - 1, size).collect()):
        columns = {name: tuple(part[name].to_list()) for name in layout.columns}
        yield RawBatch(path.name, columns, np.arange(first, first + len(part)))
        first += len(part)


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    if isinstance(dtype, pl.List | pl.Array):
        if isinstance(dtype, pl.Array):
            column = column.arr.to_list()
        column = column.list.eval(pl.element().cast(pl.String)).list.join(SEP.decode(), ignore_nulls=True)
    elif isinstance(dtype, pl.Datetime):
        zone = "Z" if dtype.time_zone else ""
        column = column.dt.convert_time_zone("UTC") if zone else column
        column = column.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.6f{zone}")
    elif dtype == pl.Boolean:
        column = column.cast(pl.Int8).cast(pl.String)
    else:
        column = column.cast(pl.String)
    return column.fill_null("").alias(name)
