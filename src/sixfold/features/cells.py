"""Which cells of an accumulator an event falls into, and a row reads: the meaning of `by`.

`()` is one cell for all, an entity is a cell for each of its rows, several parts are a cell for each combination.
Other parts (`features.parts`) have members, such as a category of an entity as of the event: a many-valued one falls into a cell
for each member, and a read adds up the cells of its members.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..errors import DesignError, nearest
from ..events.hashing import Hashes, combine, mix
from ..types import NOWHERE, Rows
from .ids import IdTable
from .parts import is_row

Members = Callable[[str], Hashes]
"""The members (n, m) of a part that is no entity, such as the category `item.genre`, as of each event."""


def cells(
    by: tuple[str, ...], keys: Mapping[str, Rows], n: int, *, members: Members, table: IdTable | None, learn: bool
) -> Rows:
    """The cells (n, c) int32 of n events or rows, -1 where there is none.

    `table` numbers the combinations of several parts; with `learn` new ones get a row.
    """
    if not n:
        # A stream in which nothing happened may lack even its keys.
        return np.empty((0, 1), np.int32)
    if not by:
        return np.zeros((n, 1), np.int32)
    if len(by) == 1 and is_row(by[0]):
        return _rows(by[0], keys)[:, None]
    assert table is not None
    hashes = _hashes(by, keys, n, members)
    flat = hashes.ravel()
    some = flat != 0
    out = np.full(len(flat), NOWHERE, np.int32)
    out[some] = table.insert(flat[some]) if learn else table.lookup(flat[some])
    return out.reshape(hashes.shape)


def is_combined(by: tuple[str, ...]) -> bool:
    """Whether the cells of `by` need a table of their own."""
    return len(by) > 1 or (len(by) == 1 and not is_row(by[0]))


def _hashes(by: tuple[str, ...], keys: Mapping[str, Rows], n: int, members: Members) -> Hashes:
    out = np.ones((n, 1), np.uint64)
    for part in by:
        if not is_row(part):
            more = _trimmed(members(part))
        else:
            rows = _rows(part, keys)
            more = np.where(rows >= 0, mix(rows.astype(np.uint64)), 0)[:, None].astype(np.uint64)
        pairs = combine(out[:, :, None], more[:, None, :])
        none = (out == 0)[:, :, None] | (more == 0)[:, None, :]
        out = np.where(none, np.uint64(0), pairs).reshape(n, out.shape[1] * more.shape[1])
    return out


def _trimmed(members: Hashes) -> Hashes:
    """The members (n, m) without the last columns, which no row fills: most have one or two of the many there may be."""
    used = np.flatnonzero(members.any(axis=0))
    return members[:, : int(used[-1]) + 1 if len(used) else 1]


def _rows(part: str, keys: Mapping[str, Rows]) -> Rows:
    if part not in keys:
        raise DesignError(f"a feature is kept by {part!r}, which its events do not carry; {nearest(part, keys)}")
    return keys[part]
