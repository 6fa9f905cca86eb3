"""A log in order of time, of which any span is a cheap slice."""

from __future__ import annotations

import numpy as np

from ..types import Table
from .schema import Events, take


class Timeline:
    """Events sorted by ts once; `between` then gives views and copies nothing but the slates' row numbers."""

    def __init__(self, events: Events) -> None:
        order = np.argsort(events.decisions["ts"], kind="stable")
        decisions = take(events.decisions, order)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        at = place[events.shown["decision"]]
        shown = take(events.shown, np.argsort(at, kind="stable"))
        shown["decision"] = np.sort(at, kind="stable")
        self._starts = np.searchsorted(shown["decision"], np.arange(len(order) + 1))
        self._events = Events(
            {of: _by_time(table) for of, table in events.entities.items()},
            decisions,
            shown,
            {name: _by_time(table) for name, table in events.outcomes.items()},
        )

    def between(self, start: int, stop: int) -> Events:
        """Every event with start <= ts < stop, in order of ts."""
        events = self._events
        first, last = np.searchsorted(events.decisions["ts"], [start, stop]).tolist()
        shown = {name: column[self._starts[first] : self._starts[last]] for name, column in events.shown.items()}
        shown["decision"] = shown["decision"] - np.int32(first)
        return Events(
            {of: _span(table, start, stop) for of, table in events.entities.items()},
            {name: column[first:last] for name, column in events.decisions.items()},
            shown,
            {name: _span(table, start, stop) for name, table in events.outcomes.items()},
        )


def _by_time(table: Table) -> Table:
    return take(table, np.argsort(table["ts"], kind="stable"))


def _span(table: Table, start: int, stop: int) -> Table:
    first, last = np.searchsorted(table["ts"], [start, stop]).tolist()
    return {name: column[first:last] for name, column in table.items()}
