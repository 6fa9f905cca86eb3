"""What decisions were asked with, by the decision's id: so that an outcome counts where its decision was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes
from ..types import Table
from .ids import IdTable
from .spec import CONTEXT
from .store import Store


class Decided:
    """The remembered values of the request, `names`, of every decision; 16 bytes and 8 a value each. Nothing, without names."""

    def __init__(self, store: Store, names: tuple[str, ...]) -> None:
        self._store, self._names = store, tuple(CONTEXT + name for name in names)
        self._rows = IdTable(store, "decided") if names else None

    def learn(self, decisions: Table) -> None:
        """Remember the decisions of a batch."""
        if self._rows is None or not len(decisions["ts"]):
            return
        rows, first = np.unique(self._rows.insert(decisions["id"]), return_index=True)
        for name in self._names:
            column = decisions.get(name)
            if column is not None:
                self._store.require(f"decided.{name}", len(self._rows), _blank(column.dtype))
                self._store.put(f"decided.{name}", rows, column[first])

    def contexts(self, decisions: Hashes) -> dict[str, NDArray[Any]]:
        """The columns (n,) of events that are of these decisions, as a frame has them; nothing where one is not known."""
        if self._rows is None:
            return {}
        rows = self._rows.lookup(decisions)
        rows[decisions == 0] = -1
        return {name: self._column(name, rows) for name in self._names}

    def _column(self, name: str, rows: NDArray[np.int32]) -> NDArray[Any]:
        held = f"decided.{name}"
        if held not in self._store:
            return np.zeros(len(rows), np.uint64)
        return self._store.read(held, rows, _blank(self._store[held].dtype))


def _blank(kind: np.dtype[Any]) -> NDArray[Any]:
    return np.zeros((), np.uint64) if kind == np.uint64 else np.full((), np.nan)
