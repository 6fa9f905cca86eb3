"""Which events still say something of their entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Table


def telling(rows: Table, said: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Mask (n,) of the events that are the newest of some field of their entity, or the entity's first by ts or by acceptance.

    rows: key, ts, id, `@offset`, `@row` (n,); said: by field, which events say something of it (n,). The newest is the
    greatest (ts, id).

    >>> rows = {"key": np.array([b"v1", b"v1", b"v1"]), "ts": np.array([1, 2, 3]), "id": np.array([b"a", b"b", b"c"])}
    >>> rows |= {"@offset": np.ones(3), "@row": np.arange(3)}
    >>> telling(rows, {"title": np.array([True, True, False]), "price": np.array([True, True, True])}).tolist()
    [True, True, True]
    >>> telling(rows, {"price": np.array([True, True, True])}).tolist()
    [True, False, True]
    """
    _, key = np.unique(rows["key"], return_inverse=True)
    out = np.zeros(len(key), bool)
    by_ts = np.lexsort((rows["id"], rows["ts"], key))
    for mask in said.values():
        out[_ends(key, by_ts[mask[by_ts]])] = True
    for order in (by_ts, np.lexsort((rows["@row"], rows["@offset"], key))):
        # The last of the reverse is the first.
        out[_ends(key, order[::-1])] = True
    return out


def _ends(key: NDArray[Any], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of rows in an order that keeps each key together: the last of each key."""
    grouped = key[order]
    return np.asarray(order[np.append(grouped[1:] != grouped[:-1], True)[: len(order)]])
