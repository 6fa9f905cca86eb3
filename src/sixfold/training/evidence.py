"""A log held against itself: which decision and which impression each outcome belongs to, and what came of it.

Everything is computed once, for all the questions that `validate` asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..design import Design
from ..features.indexed import Indexed
from ..features.spec import Stream
from ..lint.finding import Finding
from ..types import NOWHERE, SECOND, Rows, Table, Times
from .material import Material

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Attributed:
    """The outcomes of one name: `decision` (n,) the row of the decision that each names, `shown` (n,) that of the
    impression; -1 where there is none. `organic` (n,) is true where an outcome names no decision."""

    decision: Rows
    shown: Rows
    organic: Mask


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the log: its name in `learning.split`, [start, stop), and its rows with and without the label.

    In a log without decisions there are only positives: the others are made up later.
    """

    name: str
    start: int
    stop: int
    positives: int
    negatives: int | None


@dataclass(frozen=True)
class Evidence:
    """What a log says about a design."""

    design: Design
    material: Material

    @property
    def has_label(self) -> bool:
        """Whether the label's outcome ever came, of whatever value."""
        return self.material.log.has(self.design.requirements.label)

    def happened(self, stream: Stream) -> Table:
        """The outcomes that a stream names, all columns; empty ones where the log has none."""
        table = self.material.log.outcomes.get(stream.name)
        if table is None:
            return {"ts": np.empty(0, np.int64), "decision": np.empty(0, np.uint64), "value": np.empty(0)}
        keep = slice(None) if stream.at_least is None else table["value"] >= stream.at_least
        return {name: column[keep] for name, column in table.items()}

    def attributed(self, table: Table) -> Attributed:
        """Where outcomes belong, by the id of their decision and the item they are of."""
        log, item = self.material.log, self.design.item
        organic = table["decision"] == 0
        decision = rows_of(log.decisions["id"], table["decision"])
        decision[organic] = NOWHERE
        if item not in table:
            return Attributed(decision, np.full(len(decision), NOWHERE), organic)
        shown = rows_of(self.slots, slots(decision, table[item]))
        shown[decision < 0] = NOWHERE
        return Attributed(decision, shown, organic)

    @cached_property
    def slots(self) -> NDArray[np.int64]:
        """One number for the decision and the item of each impression."""
        shown = self.material.log.shown
        return slots(shown["decision"], shown[self.design.item])

    @cached_property
    def complete(self) -> Mask:
        """(impressions,) whether all outcomes of the window can have come."""
        return np.asarray(self.material.log.shown["ts"] < self.material.cuts.censored)

    @cached_property
    def positive(self) -> Mask:
        """(impressions,) whether the label came within the window."""
        shown, label = self.material.log.shown, self.happened(self.design.requirements.label)
        at = self.attributed(label).shown
        window = durations.parse(self.design.requirements.window)
        rows, ts = at[at >= 0], label["ts"][at >= 0]
        out = np.zeros(len(shown["ts"]), np.bool_)
        out[rows[ts - shown["ts"][rows] < window]] = True
        return out

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts that rows are made of; retrievers learn from histories and need no rows."""
        cuts = self.material.cuts
        last = min(cuts.end, cuts.censored)
        spans = (
            ("ranker", cuts.first, cuts.second),
            ("calibration", cuts.second, cuts.third),
            ("test", cuts.third, last),
        )
        return tuple(self._part(*span) for span in spans)

    def _part(self, name: str, start: int, stop: int) -> Part:
        if not self.material.has_decisions:
            ts = self.happened(self.design.requirements.label)["ts"]
            return Part(name, start, stop, int(within(ts, start, stop).sum()), None)
        rows = within(self.material.log.shown["ts"], start, stop) & self.complete
        positives = int((rows & self.positive).sum())
        return Part(name, start, stop, positives, int(rows.sum()) - positives)


Question: TypeAlias = Callable[[Evidence], Iterator[Finding]]
"""A rule that has data."""


def known_before(log: Indexed, decisions: NDArray[np.intp], names: Iterable[str]) -> Mask:
    """Which decisions (n,), by their rows, have an outcome of one of these names that is dated before them."""
    ids, ts = log.decisions["id"][decisions], log.decisions["ts"][decisions]
    out = np.zeros(len(ids), np.bool_)
    for name in names:
        if (table := log.outcomes.get(name)) is not None:
            at = rows_of(ids, table["decision"])
            named = np.flatnonzero((at >= 0) & (table["decision"] != 0))
            out[at[named[table["ts"][named] < ts[at[named]]]]] = True
    return out


def within(ts: Times, start: int, stop: int) -> Mask:
    """(n,) whether start <= ts < stop."""
    return np.asarray((ts >= start) & (ts < stop))


def in_seconds(us: float) -> str:
    """A duration for people, rounded to the second.

    >>> in_seconds(5_400_123_456)
    '90m'
    """
    return durations.text(round(us / SECOND) * SECOND)


def slots(decision: NDArray[Any], item: Rows) -> NDArray[np.int64]:
    """One number for each decision row and item row (n,)."""
    return decision.astype(np.int64) << 32 | item.astype(np.int64)


def rows_of(known: NDArray[Any], wanted: NDArray[Any]) -> Rows:
    """Where each wanted value (n,) stands in `known` (m,); -1 where it does not, any place where it stands twice."""
    if not len(known):
        return np.full(len(wanted), NOWHERE)
    order = np.argsort(known, kind="stable")
    at = order[np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)]
    return np.where(known[at] == wanted, at, NOWHERE).astype(np.int32)
