"""What decisions were asked with, by the decision's id: so that an outcome counts where its decision was."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..events.hashing import Hashes
from ..types import NOWHERE, Table
from .expected import logs_of
from .ids import IdTable
from .indexed import Frame, Occurrences
from .parts import remembered
from .source import Source, look
from .spec import CONTEXT, Expected, Memory, accumulated
from .store import Store
from .table import Fitted


class Decided:
    """What is remembered of every decision: the values of the request by which features are kept, and how long each `Expected`
    that they are over says it takes. 16 bytes and 8 a value each; nothing, where there are none.
    """

    def __init__(self, store: Store, features: Fitted, memory: Memory | None) -> None:
        self._store, self._features, self._memory = store, features, memory
        self._names = tuple(CONTEXT + name for name in remembered(features.features))
        self._overs = accumulated(features.features)
        self._rows = IdTable(store, "decided") if self._names or self._overs else None

    def learn(self, decisions: Table, source: Source) -> None:
        """Remember the decisions of a batch; source says what was known of their entities before them."""
        if self._rows is None or not len(decisions["ts"]):
            return
        row, first = np.unique(self._rows.insert(decisions["id"]), return_index=True)
        columns = {name: decisions[name] for name in self._names if name in decisions}
        rows = look(source, frame_of(decisions, self._features, self._memory))
        columns |= {str(over): self._features.expected(over, source, rows) for over in self._overs}
        for name, column in columns.items():
            self._store.require(f"decided.{name}", len(self._rows), _blank(column.dtype))
            self._store.put(f"decided.{name}", row, column[first])

    def contexts(self, decisions: Hashes) -> dict[str, NDArray[Any]]:
        """The columns (n,) of events that are of these decisions, as a frame has them; nothing where one is not known."""
        rows = self._known(decisions)
        return {} if rows is None else {name: self._column(name, rows, np.dtype(np.uint64)) for name in self._names}

    def over(self, happened: Occurrences, of: Expected) -> Occurrences:
        """The events over what was expected of their decisions (`over`)."""
        rows = self._known(happened.decision)
        assert rows is not None
        return over(happened, self._column(str(of), rows, np.dtype(np.float64)))

    def _known(self, decisions: Hashes) -> NDArray[np.int32] | None:
        if self._rows is None:
            return None
        rows = self._rows.lookup(decisions)
        rows[decisions == 0] = -1
        return rows

    def _column(self, name: str, rows: NDArray[np.int32], kind: np.dtype[Any]) -> NDArray[Any]:
        held = f"decided.{name}"
        return self._store.read(held, rows, _blank(self._store[held].dtype if held in self._store else kind))


def over(happened: Occurrences, logs: NDArray[np.float64]) -> Occurrences:
    """The events whose decision is known, each with how much longer it took than expected as its value: log(value / expected).

    logs (n,): the log of the seconds expected, NaN where the decision is not known.
    """
    known = ~np.isnan(logs) & ~np.isnan(happened.value)
    return Occurrences(
        happened.ts[known],
        logs_of(happened.value[known]) - logs[known],
        {name: column[known] for name, column in happened.keys.items()},
        happened.decision[known],
    )


def frame_of(decisions: Table, features: Fitted, memory: Memory | None) -> Frame:
    """Decisions as rows of a frame, with whatever features read of them: nothing known where they lack it."""
    n, numbers = len(decisions["ts"]), features.numbers
    context = {CONTEXT + name: _blank(np.dtype(float if name in numbers else np.uint64)) for name in features.contexts}
    keys = {name: decisions.get(name, np.full(n, NOWHERE)) for name in features.entities(memory)}
    given = {name: decisions.get(name, np.full(n, blank)) for name, blank in context.items()}
    return Frame(decisions["ts"], keys, given, np.ones(n, np.int16))


def _blank(kind: np.dtype[Any]) -> NDArray[Any]:
    return np.zeros((), np.uint64) if kind == np.uint64 else np.full((), np.nan)
