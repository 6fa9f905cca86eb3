"""Local time: the hours and days that people live by, from UTC, with every change of the clock up to 2100.

Changes are looked up when features are fitted. What is kept is numbers, so that a service needs no table of time zones.
"""

from __future__ import annotations

from datetime import UTC as _UTC
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
import numpy as np

from ..errors import DesignError
from ..types import DAY, SECOND, Times

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=_UTC), datetime(2100, 1, 1, tzinfo=_UTC)


class Clock(msgspec.Struct, frozen=True, dict=True):
    """Seconds to add to UTC: `ahead[0]` until `since[0]` (Unix seconds), `ahead[i + 1]` from `since[i]` on."""

    since: tuple[int, ...] = ()
    ahead: tuple[int, ...] = (0,)

    @cached_property
    def _table(self) -> tuple[Times, Times]:
        return np.array(self.since, np.int64) * SECOND, np.array(self.ahead, np.int64) * SECOND

    def local(self, ts: Times) -> Times:
        """What a clock on the wall shows at ts (n,), in microseconds as if it were UTC."""
        since, ahead = self._table
        return ts + ahead[np.searchsorted(since, ts, side="right")]

    def hour(self, ts: Times) -> Times:
        """The hour of day (n,), 0 to 23."""
        return np.asarray(self.local(ts) % DAY // (DAY // 24))

    def weekday(self, ts: Times) -> Times:
        """The day of the week (n,), Monday 0: 1970-01-01 was a Thursday."""
        return np.asarray((self.local(ts) // DAY + 3) % 7)


UTC = Clock()


def clock_of(name: str) -> Clock:
    """The clock of an IANA time zone. Raises DesignError where it is not known.

    >>> clock_of("UTC")
    Clock(since=(), ahead=(0,))
    """
    import zoneinfo  # A service has the changes as numbers.

    try:
        zone = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise DesignError(
            f"requirements.timezone {name!r} is not known here; expected an IANA name such as Europe/Berlin"
        ) from unknown

    def ahead(at: datetime) -> int:
        offset = at.astimezone(zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    since, found = list[int](), [ahead(_FIRST)]
    day = _FIRST
    while day < _LAST:
        later = day + timedelta(days=1)
        if (then := ahead(later)) != found[-1]:
            since.append(_change(day, later, ahead(day), ahead))
            found.append(then)
        day = later
    return Clock(tuple(since), tuple(found))


def _change(before: datetime, after: datetime, was: int, ahead: object) -> int:
    """The first second (Unix) between two moments at which the clock is no longer `was` ahead."""
    assert callable(ahead)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if ahead(datetime.fromtimestamp(middle, _UTC)) == was:
            low = middle
        else:
            high = middle
    return high
