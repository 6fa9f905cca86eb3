"""Which cells of an accumulator an event falls into, and a row reads: the meaning of `by`.

`()` is one cell for all, an entity is a cell for each of its rows, several parts are a cell for each combination.
Other parts (`features.parts`) have members, such as a category of an entity as of the event: a many-valued one falls into a cell
for each member, and a read adds up the cells of its members.
"""

from __future__ import annotations

import numpy as np

from ..types import NOWHERE, Rows
from .ids import IdTable
from .parts import Reading, is_row


def cells(by: tuple[str, ...], reading: Reading, table: IdTable | None, *, learn: bool) -> Rows:
    """The cells (n, c) int32 of n events or rows, -1 where there is none.

    `table` numbers the combinations of several parts; with `learn` new ones get a row. Raises DesignError where the events
    do not carry a part.
    """
    n = len(reading)
    if not n:
        # A stream in which nothing happened may lack even its keys.
        return np.empty((0, 1), np.int32)
    if not by:
        return np.zeros((n, 1), np.int32)
    if len(by) == 1 and is_row(by[0]):
        return reading.rows(by[0])[:, None]
    assert table is not None
    hashes = reading.combined(by)
    flat = hashes.ravel()
    some = flat != 0
    if learn and not some.all():
        out = np.full(len(flat), NOWHERE, np.int32)
        out[some] = table.insert(flat[some])
    else:
        out = table.insert(flat) if learn else table.lookup(flat)
        out[~some] = NOWHERE
    return out.reshape(hashes.shape)


def is_combined(by: tuple[str, ...]) -> bool:
    """Whether the cells of `by` need a table of their own."""
    return len(by) > 1 or (len(by) == 1 and not is_row(by[0]))
