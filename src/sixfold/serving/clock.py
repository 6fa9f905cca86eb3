"""What time it is for a service.

`wall` is the time of day. `log` starts where the log ends and goes on from there: a log that was imported or simulated ends long
ago, and to ask it as of today is to ask a world in which nothing happened for months. `request` takes each request's own `ts`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from ..errors import DataError
from ..events.decoded import stamps
from ..events.parsing import first_faults
from ..types import DAY, SECOND

Kind = Literal["wall", "log", "request"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Microseconds of a service: those of the wall, shifted. With `asked` a request may say its own ts."""

    shift_us: int = 0
    asked: bool = False

    @classmethod
    def of(cls, kind: Kind | None, *, end_us: int) -> Clock:
        """A clock for a log that ends at `end_us`; None chooses `wall` where the log is fresh (within a day), else `log`."""
        behind = end_us + 1 - wall_us()
        stale = end_us > 0 and -behind > DAY
        if kind == "log" or (kind is None and stale):
            return cls(behind)
        return cls(0, asked=kind == "request")

    def now(self) -> int:
        """The ts of a request or an event that comes now, int64 us."""
        return wall_us() + self.shift_us

    def ts(self, asked: str | float | None) -> int:
        """The ts of a request, its own where it may say one. Raises DataError."""
        if asked is None:
            return self.now()
        if not self.asked:
            raise DataError("a request may not say its own ts here; leave it out, or start with --clock request")
        parsed = stamps([asked], now=self.now(), absent=0)
        for reason in first_faults(1, parsed.faults).values():
            raise DataError(f"the request's {reason}")
        return int(parsed.values[0])


def wall_us() -> int:
    return time.time_ns() // 1000


def text(us: int) -> str:
    """A ts as people write it."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(us // SECOND))
