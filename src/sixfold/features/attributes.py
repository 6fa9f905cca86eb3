"""What is known about an entity, as of a time: numbers, categories (also many-valued) and vectors.

The newest value by (ts, id) wins, whatever order events arrive in; a missing value says nothing and leaves the
one before. A category is held as the hashes of its members, (n, MEMBERS), 0 where it has fewer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes, hash_strings
from ..events.schema import SEP
from ..types import Rows, Times
from .ordered import Ordered

MEMBERS = 8
"""How many members of a many-valued category are kept; the rest are cut."""

BEGINNING = np.int64(np.iinfo(np.int64).min)


class Kind(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"
    VECTOR = "vector"


def kind_of(column: NDArray[Any]) -> Kind:
    """What a column of entity values is: strings are categories, (n, d) are vectors, else numbers."""
    if column.dtype.kind == "S":
        return Kind.CATEGORY
    return Kind.VECTOR if column.ndim == 2 else Kind.NUMBER


def blank(kind: Kind, width: int = 0) -> NDArray[Any]:
    """The value of one entity about which nothing is known."""
    match kind:
        case Kind.NUMBER:
            return np.full((), np.nan, np.float64)
        case Kind.CATEGORY:
            return np.zeros(MEMBERS, np.uint64)
        case Kind.VECTOR:
            return np.full(width, np.nan, np.float32)


def pack(column: NDArray[Any]) -> NDArray[Any]:
    """A column of events as it is held: members hashed, numbers float64, vectors float32."""
    match kind_of(column):
        case Kind.CATEGORY:
            return members(column)
        case Kind.VECTOR:
            return column.astype(np.float32)
        case Kind.NUMBER:
            return column.astype(np.float64)


def said(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Which events say anything about this field."""
    if column.dtype.kind == "S":
        return np.asarray(column != b"")
    missing = np.isnan(column)
    return np.asarray(~(missing.all(axis=1) if column.ndim == 2 else missing))


def members(column: NDArray[np.bytes_]) -> Hashes:
    """The hashes of the members of a category (n, MEMBERS), 0-filled; each distinct value is split once."""
    distinct, inverse = np.unique(column, return_inverse=True)
    parts = [value.split(SEP)[:MEMBERS] for value in distinct.tolist()]
    table = np.zeros((len(distinct), MEMBERS), np.uint64)
    flat = np.array([part for value in parts for part in value] or [b""])
    at = np.repeat(np.arange(len(parts)), [len(value) for value in parts])
    place = np.concatenate([np.arange(len(value)) for value in parts]) if parts else np.empty(0, np.int64)
    table[at, place.astype(np.int64)] = hash_strings(flat)[: len(at)]
    return table[inverse]


class Versions:
    """The bulk form: every value an entity had, and the one known strictly before a time."""

    def __init__(self, rows: Rows, ts: Times, ids: Hashes, column: NDArray[Any], *, count: int) -> None:
        keep = np.flatnonzero(said(column))
        # Ordered is stable, so sorting by id first makes the greatest (ts, id) the last of its instant.
        keep = keep[np.argsort(ids[keep], kind="stable")]
        self._ordered = Ordered.of(rows[keep], ts[keep], count=count)
        self._values = pack(column[keep])[self._ordered.order]
        self._blank = blank(kind_of(column), column.shape[1] if column.ndim == 2 else 0)

    def as_of(self, rows: Rows, ts: Times) -> NDArray[Any]:
        """The value of each entity row (n,) strictly before ts (n,), blank where nothing was known."""
        end = self._ordered.before(rows, ts)
        some = end > self._ordered.first(rows)
        if not len(self._values):
            return np.broadcast_to(self._blank, (len(rows), *self._blank.shape)).copy()
        values = self._values[np.where(some, end - 1, 0)].copy()
        values[~some] = self._blank
        return values


def fold(
    values: NDArray[Any], known: Times, by: Hashes, rows: Rows, ts: Times, ids: Hashes, column: NDArray[Any]
) -> None:
    """Keep the newest value of each entity, in place: values (rows, ...), known (rows,) its ts, by (rows,) its id."""
    keep = np.flatnonzero(said(column))
    keep = keep[np.lexsort((ids[keep], ts[keep], rows[keep]))]
    last = keep[np.flatnonzero(np.append(rows[keep][1:] != rows[keep][:-1], True))] if len(keep) else keep
    at = rows[last]
    newer = (ts[last] > known[at]) | ((ts[last] == known[at]) & (ids[last] >= by[at]))
    last, at = last[newer], at[newer]
    values[at], known[at], by[at] = pack(column[last]), ts[last], ids[last]
