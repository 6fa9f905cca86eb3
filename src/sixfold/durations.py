"""Durations as a design writes them: "30m", "6h", "7d", "2w", in microseconds inside."""

from __future__ import annotations

import re
from functools import cache

from .errors import DesignError
from .types import DAY, SECOND

_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": DAY, "w": 7 * DAY}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


@cache
def parse(text: str) -> int:
    """Microseconds of a duration; raises DesignError where it is none.

    >>> parse("1.5h") // SECOND
    5400
    """
    found = _FORM.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        raise DesignError(f"duration {text!r} is not understood; write a number and one of s m h d w, such as '7d'")
    return round(float(found[1]) * _UNITS[found[2]])


def text(us: int) -> str:
    """A duration in microseconds for people to read: exact in one unit where it can be, else to a tenth of the largest.

    >>> text(7 * DAY), text(5400 * SECOND), text(90 * SECOND), text(1_178_668 * SECOND)
    ('1w', '90m', '90s', '13.6d')
    """
    for unit in ("w", "d", "h", "m", "s"):
        if us >= _UNITS[unit] and us % _UNITS[unit] == 0 and us < 1000 * _UNITS[unit]:
            return f"{us // _UNITS[unit]}{unit}"
    for unit in ("d", "h", "m"):
        if us >= _UNITS[unit]:
            return f"{us / _UNITS[unit]:.1f}{unit}"
    return f"{us / SECOND:g}s"
