"""What every column of a log holds: text, numbers, whole numbers or vectors, and always the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..errors import DataError
from .schema import Events


def kinds_of(events: Events, so_far: Mapping[str, str]) -> dict[str, str]:
    """`so_far` and the kinds of these events' columns, by table and name; raises DataError where one was something else."""
    found = dict(so_far)
    for table, columns in events.tables():
        for name, column in columns.items():
            path, kind = f"{table} {name}", _kind(column)
            if len(column) and found.setdefault(path, kind) != kind:
                raise DataError(
                    f"{path!r} was {found[path]} in the log so far and is {kind} now; send it as {found[path]}"
                )
    return found


def _kind(column: NDArray[Any]) -> str:
    if column.ndim == 2:
        return f"vectors of {column.shape[1]}"
    return {"S": "text", "f": "numbers"}.get(column.dtype.kind, "whole numbers")
