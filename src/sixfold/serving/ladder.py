"""A request's time: how much of it each stage may take, and what stands in for one that is late or down.

The rungs, from the answer as designed to the least: all candidates, ranked; popular candidates, ranked; candidates in the order
of retrieval; the member's last slate; 503. What stood in for what, and why, is part of the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import SixfoldError
from .messages import Degraded

T = TypeVar("T")

FAILURES = 5
"""Failures in a row after which a stage is not asked for a while."""
OPEN_S = 0.5
"""How long it is not asked; then one request tries."""
WEIGHT = 0.05
"""Of the newest duration in what a stage is expected to take."""


@dataclass(slots=True)
class Rung:
    """One stage for all requests: its deadline, its fallback's name, how it has done lately."""

    name: str
    deadline_s: float
    fallback: str
    expected_s: float = 0.0
    failures: int = 0
    closed_at: float = 0.0

    def may(self, now: float) -> bool:
        """Whether the stage is to be asked: always while it is well, one request in OPEN_S while it is not."""
        if self.failures < FAILURES or now >= self.closed_at:
            self.closed_at = now + OPEN_S
            return True
        return False

    def well(self, took_s: float) -> None:
        self.failures = 0
        self.expected_s += WEIGHT * (took_s - self.expected_s)

    def skipped(self) -> None:
        """A stage that is not begun teaches nothing: what is expected of it fades, so that it is tried again."""
        self.expected_s *= 1 - WEIGHT

    def failed(self) -> None:
        self.failures += 1


@dataclass(slots=True)
class Climb:
    """One request on the ladder: a `pipeline.Watch`. Times are seconds of `time.monotonic`."""

    rungs: dict[str, Rung]
    deadline: float
    observe: Callable[[str, float], None]
    degraded: list[Degraded] = field(default_factory=list)
    laps: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    async def stage(self, name: str, work: Callable[[], Awaitable[T]], instead: Callable[[], T]) -> T:
        rung, now = self.rungs[name], time.monotonic()
        left = min(rung.deadline_s, self.deadline - now)
        if left <= rung.expected_s:
            rung.skipped()
            return self._instead(
                rung, instead, f"late: {max(left, 0) * 1e3:.0f} ms were left of {rung.deadline_s * 1e3:g}"
            )
        if not rung.may(now):
            return self._instead(rung, instead, "down: it failed several times in a row")
        try:
            async with asyncio.timeout(left):
                out = await work()
        except TimeoutError:
            rung.failed()
            return self._instead(rung, instead, f"late: no answer within {left * 1e3:.0f} ms")
        except (SixfoldError, OSError) as error:
            rung.failed()
            return self._instead(rung, instead, f"failed: {error}")
        finally:
            self.observe(name, time.monotonic() - now)
        rung.well(time.monotonic() - now)
        return out

    def _instead(self, rung: Rung, instead: Callable[[], T], reason: str) -> T:
        self.degraded.append(Degraded(rung.name, rung.fallback, reason))
        return instead()

    def left_ms(self, name: str) -> float:
        """How long a stage that begins now may take."""
        return max(1e3 * min(self.rungs[name].deadline_s, self.deadline - time.monotonic()), 0)

    def restart(self) -> None:
        """The next lap begins now: what went before was measured elsewhere."""
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.add(name, now - self._since)
        self._since = now

    def add(self, name: str, took_s: float) -> None:
        """A part of a stage took so long, here or elsewhere."""
        self.laps[name] = self.laps.get(name, 0.0) + 1e3 * took_s
        self.observe(name, took_s)
