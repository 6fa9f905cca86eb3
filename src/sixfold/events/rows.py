"""Rows of a table before they mean anything: text by column, and the rows that fell out on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

RawRow = dict[str, str]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows that gave no event: number in the file (the first is 1, header included), why, and the row itself."""

    rows: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    raw: tuple[RawRow, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __add__(self, other: Rejected) -> Rejected:
        return Rejected(self.rows + other.rows, self.reasons + other.reasons, self.raw + other.raw)


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Rows as text: columns of one length, `rows` (n,) int64 their numbers, `rejected` what could not be split."""

    source: str
    columns: Mapping[str, Sequence[str]]
    rows: NDArray[np.int64]
    rejected: Rejected = field(default_factory=Rejected)

    def __len__(self) -> int:
        return len(self.rows)

    def raw(self, row: int) -> RawRow:
        """Row `row` of the batch by column."""
        return {name: column[row] for name, column in self.columns.items()}

    def select(self, keep: NDArray[np.bool_]) -> RawBatch:
        """The rows whose mask is true; nothing is rejected in it, that stays with the whole."""
        flags = keep.tolist()
        columns = {name: tuple(compress(column, flags)) for name, column in self.columns.items()}
        return RawBatch(self.source, columns, self.rows[keep])


def join(batches: Sequence[RawBatch]) -> RawBatch:
    """One batch of several of one source, in their order; a column that one lacks is empty there."""
    names = dict.fromkeys(name for batch in batches for name in batch.columns)
    columns = {
        name: tuple(cell for batch in batches for cell in batch.columns.get(name, ("",) * len(batch))) for name in names
    }
    return RawBatch(batches[0].source, columns, np.concatenate([batch.rows for batch in batches]))
