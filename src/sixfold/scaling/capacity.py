"""The knee: the highest rate at which a service still meets its requirement."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

ANSWERED = 0.999
"""The share of requests that must be answered."""
STEP = 1.5
CLOSE = 1.1
"""The search ends when a rate that holds and one that does not are within 10 %."""


class Step(msgspec.Struct, frozen=True):
    """One rate that was tried. limited: the generator itself was late, so a failure says little of the service."""

    rate: float
    p50_ms: float | None
    p99_ms: float | None
    answered: float
    degraded: float
    limited: bool = False

    def holds(self, limit_ms: float) -> bool:
        """Whether enough was answered, and in time."""
        return self.p99_ms is not None and self.p99_ms <= limit_ms and self.answered >= ANSWERED


class Capacity(msgspec.Struct, frozen=True):
    """The knee, None where not even the first rate held, and every rate tried in order."""

    rate: float | None
    limit_ms: float
    steps: list[Step]
    bounded: bool
    """False where the highest rate allowed still held: the capacity is at least that."""


def find(measure: Callable[[float], Step], *, limit_ms: float, start: float, most: float = 50_000) -> Capacity:
    """Raise the rate by half until it fails, then close in on the knee by geometric bisection."""
    steps: list[Step] = []

    def tried(rate: float) -> bool:
        steps.append(measure(rate))
        return steps[-1].holds(limit_ms)

    good, bad, rate = 0.0, 0.0, start
    while not bad and good < most:
        if tried(rate):
            good, rate = rate, min(rate * STEP, most)
        else:
            bad = rate
    while good and bad and bad / good > CLOSE:
        middle = (good * bad) ** 0.5
        good, bad = (middle, bad) if tried(middle) else (good, middle)
    return Capacity(good or None, limit_ms, steps, bounded=bool(bad))
