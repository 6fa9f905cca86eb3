"""What a running service was measured to do: the numbers of a design that no log can tell."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..metrics.interval import Interval
from ..metrics.target import Metric, Target
from ..workspace import Workspace
from .asks import batches, from_log
from .load import Load
from .play import run_all
from .schedule import constant, poisson
from .served import copied, running
from .wire import Stream

FILE = "service.json"
SERVICE = "sixfold check --load"
DRILL = "sixfold drill"
WARM_S = 1.0
EVENTS_PER_S = 200
Tell = Callable[[str, int, int], None]


class Number(msgspec.Struct, frozen=True):
    """A measured number with its interval, over n requests or events."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval:
        low, high = (math.nan if bound is None else bound for bound in (self.low, self.high))
        return Interval(self.value, low, high, self.n, self.n)


class Measured(msgspec.Struct, frozen=True):
    """One release under load. By the name of the requirement; rate is what was sent, per second."""

    release: str
    rate: float
    seconds: float
    numbers: dict[str, Number]
    remarks: list[str]


def targets(design: Design) -> dict[str, tuple[Target, str]]:
    """The requirements that only a running service can meet, each with the command that measures it."""
    wanted = design.requirements
    return {
        "p99_ms": (Metric("p99_ms", "service") <= wanted.p99_ms, SERVICE),
        "availability": (Metric("availability", "service") >= wanted.availability, DRILL),
        "requests_per_s": (Metric("requests_per_s", "service") >= wanted.requests_per_s, SERVICE),
        "fresh_ms": (Metric("fresh_ms", "service") <= wanted.fresh_ms, SERVICE),
    }


def measure(
    workspace: Workspace, *, seconds: float, rng: np.random.Generator, tell: Tell = lambda *_: None
) -> Measured:
    """The published release on a copy of the workspace, at the rate that the design requires, with events flowing in.

    The generator shares the machine with the service. `requests_per_s` is what was answered in time; it says nothing of
    how much more could be.
    """
    design, release = workspace.design, workspace.current()
    rate = design.requirements.requests_per_s
    posts, events = from_log(workspace, n=max(round(rate * (seconds + WARM_S)), 1), rng=rng)
    made = batches(events, n=round(10 * (seconds + WARM_S)), size=EVENTS_PER_S // 10, rng=rng, mark=release.id)
    tell("copying the workspace", 0, 3)
    with copied(workspace) as folder:
        tell("starting the service", 1, 3)
        with running(folder) as served:
            tell(f"{rate:g} requests a second for {seconds:g} s", 2, 3)
            due = poisson(rate, seconds + WARM_S, rng)
            load, _ = run_all(
                served.url, [Stream(posts, due, 64), Stream(made, constant(10, seconds + WARM_S), 2)], timeout_s=5.0
            )
            status = msgspec.json.decode(served.get("/v1/status"), type=_Status)
    counted = load.between(WARM_S, math.inf)
    summary = counted.summary(within_ms=design.requirements.p99_ms)
    numbers = {
        "p99_ms": _quantile(counted.latency_ms[counted.ok], 0.99),
        "requests_per_s": _rate(counted, rate, design.requirements.p99_ms),
    }
    if status.event_lag_s is not None:
        numbers["fresh_ms"] = Number(1e3 * status.event_lag_s, len(made))
    return Measured(release.id, rate, seconds, {k: v for k, v in numbers.items() if v.n}, list(summary.remarks))


class _Status(msgspec.Struct):
    event_lag_s: float | None = None


def share(part: float, of: int) -> Number:
    """A share with its interval (Wilson 1927), which stays between 0 and 1 where nothing failed."""
    z = 1.96**2 / of
    middle, reach = (part + z / 2) / (1 + z), math.sqrt(z * part * (1 - part) + z * z / 4) / (1 + z)
    return Number(part, of, max(middle - reach, 0.0), min(middle + reach, 1.0))


def _rate(load: Load, rate: float, within_ms: float) -> Number:
    """Answers in time a second, had all been sent at exactly the rate: what was due by chance is not the service's doing."""
    good = int((load.ok & (load.latency_ms <= within_ms)).sum())
    share = good / max(len(load.due), 1)
    spread = 1.96 * math.sqrt(max(share * (1 - share), 1e-12) / max(len(load.due), 1))
    # One answer in a thousand may be missing: availability is a requirement of its own.
    low, high = rate * max(share - spread, 0), min(rate * (share + spread), rate)
    return Number(min(rate * share / 0.999, rate), len(load.due), low, high)


def _quantile(values: NDArray[np.float64], q: float) -> Number:
    """A quantile with the interval between two order statistics (Conover 1999, section 3.2)."""
    if not len(values):
        return Number(0.0, 0)
    ordered, n = np.sort(values), len(values)
    reach = 1.96 * math.sqrt(n * q * (1 - q))
    low, high = max(int(n * q - reach), 0), min(math.ceil(n * q + reach), n - 1)
    return Number(float(np.quantile(ordered, q)), n, float(ordered[low]), float(ordered[high]))
