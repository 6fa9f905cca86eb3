"""What a service did under a load: every request with when it was meant to be sent, was sent, and was answered.

Latency counts from when a request was *meant* to be sent. What it waited in the generator, because all connections were
busy with late answers, is the service's doing and part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from .schedule import Seconds

OK = 200
LATE_MS = 1.0
LATE_SHARE = 0.2
"""A generator whose own lateness (p99) is above both, in ms and of the latency, measured itself as well."""


class Latency(msgspec.Struct, frozen=True):
    """Percentiles in ms, each one an observed value; None where nothing was answered."""

    p50: float | None
    p90: float | None
    p99: float | None
    p99_9: float | None
    max: float | None


class Second(msgspec.Struct, frozen=True):
    """One second of the curve: what was meant to be sent in it. degraded counts answers, not stages."""

    second: int
    sent: int
    ok: int
    degraded: int
    p50_ms: float | None
    p99_ms: float | None


class Summary(msgspec.Struct, frozen=True):
    """A load in numbers.

    statuses counts by status, "none" where nothing came in time; answered and degraded are shares, of what was sent and
    of what was answered with 200; goodput is answers with 200 (within the limit, where one was given) a second;
    lateness_p99_ms and cpu_us (a request) are the generator's own, waited how many requests found no free connection.
    """

    sent: int
    seconds: float
    rate: float
    statuses: dict[str, int]
    answered: float
    degraded: float
    fallbacks: dict[str, int]
    goodput: float
    latency_ms: Latency
    stages_ms: dict[str, Latency]
    curve: list[Second]
    lateness_p99_ms: float | None
    waited: int
    cpu_us: float
    events: int
    """Events that posts were acknowledged for."""
    remarks: list[str]
    """What to know before believing the numbers."""

    @property
    def late(self) -> bool:
        """Whether the generator was too late for the numbers to be the service's alone."""
        return _late(self.lateness_p99_ms, self.latency_ms.p99)


@dataclass(frozen=True, slots=True)
class Load:
    """n requests, each in seconds since the start, NaN where it did not come to that.

    due: when it was meant to be sent; woke: when the generator got to it; sent: when it had a connection; ended: when
    the whole answer was there; status: of HTTP, 0 without an answer; degraded: a stage fell back. fallbacks counts
    "stage: fallback"; stages has the milliseconds of each stage in every answer that told; cpu_s is what the process of the
    generator used; events is how many events were acknowledged.
    """

    due: Seconds
    woke: Seconds
    sent: Seconds
    ended: Seconds
    status: NDArray[np.int16]
    degraded: NDArray[np.bool_]
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    cpu_s: float = 0.0
    events: int = 0

    def __len__(self) -> int:
        return len(self.due)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which requests were answered with 200."""
        return np.asarray(self.status == OK)

    @property
    def latency_ms(self) -> NDArray[np.float64]:
        """From when each was meant to be sent to its whole answer (n,), whatever the status; NaN without an answer."""
        return (self.ended - self.due) * 1e3

    def between(self, start: float, stop: float) -> Load:
        """The requests that were meant to be sent in [start, stop) seconds; what is not kept by request stays out."""
        keep = (self.due >= start) & (self.due < stop)
        return Load(
            self.due[keep], self.woke[keep], self.sent[keep], self.ended[keep], self.status[keep], self.degraded[keep]
        )

    def summary(self, *, within_ms: float | None = None) -> Summary:
        """The load in numbers; `within_ms` is the latency up to which an answer counts as good."""
        ok, latency = self.ok, self.latency_ms
        seconds = _span(self.due)
        good = ok if within_ms is None else ok & (latency <= within_ms)
        lateness = percentiles((self.woke - self.due)[~np.isnan(self.woke)] * 1e3).p99
        answers = percentiles(latency[ok])
        waited = int((~np.isnan(self.woke) & ~(self.sent <= self.woke)).sum())
        return Summary(
            sent=len(self),
            seconds=seconds,
            rate=len(self) / seconds,
            statuses={str(status or "none"): n for status, n in sorted(Counter(self.status.tolist()).items())},
            answered=_share(ok),
            degraded=_share(self.degraded[ok]),
            fallbacks=dict(self.fallbacks),
            goodput=float(good.sum()) / seconds,
            latency_ms=answers,
            stages_ms={name: percentiles(ms) for name, ms in self.stages.items()},
            curve=list(_curve(self)),
            lateness_p99_ms=lateness,
            waited=waited,
            cpu_us=self.cpu_s / max(len(self), 1) * 1e6,
            events=self.events,
            remarks=_remarks(lateness, answers.p99, waited, len(self)),
        )


def percentiles(ms: NDArray[np.float64]) -> Latency:
    """Exact percentiles by nearest rank: the value that so many in a thousand do not exceed."""
    n = len(ms)
    if not n:
        return Latency(None, None, None, None, None)
    ranks = [-(-n * per_mille // 1000) - 1 for per_mille in (500, 900, 990, 999, 1000)]
    return Latency(*(round(float(value), 4) for value in np.sort(ms)[ranks]))


def joined(loads: Iterable[Load]) -> Load:
    """One load of those that several processes played at the same time."""
    parts = list(loads)
    due = np.concatenate([part.due for part in parts])
    order = np.argsort(due, kind="stable")
    fallbacks: Counter[str] = Counter()
    for part in parts:
        fallbacks.update(part.fallbacks)
    names = dict.fromkeys(name for part in parts for name in part.stages)
    return Load(
        due[order],
        np.concatenate([part.woke for part in parts])[order],
        np.concatenate([part.sent for part in parts])[order],
        np.concatenate([part.ended for part in parts])[order],
        np.concatenate([part.status for part in parts])[order],
        np.concatenate([part.degraded for part in parts])[order],
        dict(fallbacks),
        {name: np.concatenate([part.stages[name] for part in parts if name in part.stages]) for name in names},
        sum(part.cpu_s for part in parts),
        sum(part.events for part in parts),
    )


def _curve(load: Load) -> Iterable[Second]:
    second = load.due.astype(np.int64)
    ok, latency = load.ok, load.latency_ms
    bounds = np.searchsorted(second, np.arange(int(second[-1]) + 2 if len(second) else 0)).tolist()
    for at, (start, stop) in enumerate(pairwise(bounds)):
        part = slice(start, stop)
        found = percentiles(latency[part][ok[part]])
        degraded = int((load.degraded[part] & ok[part]).sum())
        yield Second(at, stop - start, int(ok[part].sum()), degraded, found.p50, found.p99)


def _late(lateness: float | None, latency: float | None) -> bool:
    return lateness is not None and lateness > LATE_MS and (latency is None or lateness > LATE_SHARE * latency)


def _remarks(lateness: float | None, latency: float | None, waited: int, sent: int) -> list[str]:
    out = []
    if _late(lateness, latency):
        out.append(
            f"the generator itself was late by {lateness:.1f} ms (p99), which is in the latency: not the service alone was "
            "measured; give it a free core, more --processes or a lower rate"
        )
    if waited > 0.01 * sent:
        out.append(f"{waited:,} of {sent:,} requests waited for a free connection; the wait counts as latency")
    return out


def _span(due: Seconds) -> float:
    """From the start to one mean distance behind the last request."""
    if len(due) < 2:
        return 1.0
    return float(due[-1] + (due[-1] - due[0]) / (len(due) - 1)) or 1.0


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0
