"""The last minutes of a service: by how much its counts grew, in slots of five seconds.

    recent = Recent()
    recent.look(time.time(), {"4711": snapshot})      # every second or so, with what each process has counted
    recent.over(60).ms("sixfold_http_seconds", 0.99)  # the last minute's p99

Counts only grow, so that what a process did between two looks is a difference. A process that was not there before did all
that it has counted since; what was counted before the very first look is of another time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .telemetry import Snapshot, quantile

SLOT_S = 5
SLOTS = 60

Labels: TypeAlias = tuple[str, ...]
Counts: TypeAlias = dict[str, dict[Labels, Sequence[int]]]
"""By family and labels: a count, or those of a histogram's buckets."""
Where: TypeAlias = Callable[[Labels], bool]


def every(_: Labels) -> bool:
    """Any series."""
    return True


@dataclass(frozen=True, slots=True)
class Grown:
    """What was counted in so many seconds."""

    seconds: float
    counts: Counts
    bounds: Mapping[str, Sequence[float]]

    def number(self, name: str, where: Where = every) -> int:
        """How often, over the series of a family whose labels are wanted."""
        return sum(sum(held) for held in self._wanted(name, where))

    def per_s(self, name: str, where: Where = every) -> float:
        return self.number(name, where) / self.seconds if self.seconds else 0.0

    def ms(self, name: str, q: float, where: Where = every) -> float | None:
        """A quantile of a histogram of seconds, in milliseconds; None where nothing was observed."""
        joined = [sum(column) for column in zip(*self._wanted(name, where), strict=True)]
        found = quantile(self.bounds[name], joined, q) if joined else None
        return None if found is None else 1e3 * found

    def labels(self, name: str) -> list[Labels]:
        """Of the series of a family that grew."""
        return list(self.counts.get(name, ()))

    def _wanted(self, name: str, where: Where) -> list[Sequence[int]]:
        return [held for labels, held in self.counts.get(name, {}).items() if where(labels)]


@dataclass
class Recent:
    """A ring of slots, the newest last."""

    slots: deque[tuple[int, Counts]] = field(default_factory=lambda: deque(maxlen=SLOTS))
    """When each began, in seconds of the wall clock, and what was counted in it."""
    _began: float | None = None
    _now: float = 0.0
    _then: dict[str, Counts] = field(default_factory=dict)
    _bounds: dict[str, Sequence[float]] = field(default_factory=dict)
    _whole: tuple[tuple[int, int], Counts] = ((0, 0), {})

    def look(self, now: float, found: Mapping[str, Snapshot]) -> None:
        """Note what each process has counted by now."""
        held = {process: self._counts(snapshot) for process, snapshot in found.items()}
        if self._began is None:
            self._began, self._then = now, held
        grown = [_grown(counts, self._then.get(process, {})) for process, counts in held.items()]
        # A process that is missing keeps what was seen of it: it may have been stopped and may go on.
        self._then |= held
        self._now = max(now, self._now)
        at = int(self._now // SLOT_S) * SLOT_S
        if not self.slots or self.slots[-1][0] < at:
            self.slots.append((at, {}))
        self.slots[-1] = (at, _sum([self.slots[-1][1], *grown]))

    def over(self, seconds: float) -> Grown:
        """What was counted in the newest slots that cover so many seconds, the one under way included."""
        if self._began is None:
            return Grown(0.0, {}, self._bounds)
        since = int((self._now - seconds) // SLOT_S + 1) * SLOT_S
        last, under_way = self.slots[-1]
        if self._whole[0] != (since, last):
            self._whole = ((since, last), _sum(counts for at, counts in self.slots if since <= at < last))
        return Grown(self._now - max(since, self._began), _sum([self._whole[1], under_way]), self._bounds)

    def slot(self, place: int) -> Grown:
        """One slot as if it were whole."""
        return Grown(SLOT_S, self.slots[place][1], self._bounds)

    def _counts(self, snapshot: Snapshot) -> Counts:
        out: Counts = {}
        for name, family in snapshot.items():
            if family["kind"] == "histogram":
                self._bounds[name] = family["bounds"]
                out[name] = {tuple(values): held for values, (held, _) in family["series"]}
            elif family["kind"] == "counter":
                out[name] = {tuple(values): (int(count),) for values, count in family["series"]}
        return out


def _grown(now: Counts, then: Counts) -> Counts:
    """The series that grew, by how much; one that shrank is of a new process under an old number."""
    out: Counts = {}
    for name, series in now.items():
        known = then.get(name, {})
        for labels, counts in series.items():
            before = known.get(labels)
            if before == counts:
                continue
            by = counts if before is None else [a - b for a, b in zip(counts, before, strict=True)]
            out.setdefault(name, {})[labels] = by if min(by) >= 0 else counts
    return out


def _sum(parts: Iterable[Counts]) -> Counts:
    out: Counts = {}
    for part in parts:
        for name, series in part.items():
            sums = out.setdefault(name, {})
            for labels, counts in series.items():
                held = sums.get(labels)
                sums[labels] = counts if held is None else [a + b for a, b in zip(held, counts, strict=True)]
    return out
