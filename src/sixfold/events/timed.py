"""Which columns of a file say when something was asked for and when it ended: what makes it a table of decisions."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND
from .asks import UNITS
from .naming import of_asks, says_end, says_forecast, says_took, unit_of
from .parsing import Text, numbers
from .profile import Column, FileProfile
from .times import Time, times

MOST = 60 * DAY
"""Longer than this from start to end is no one's wait."""
MOSTLY = 0.9
"""The share of rows of which what is taken for true must hold."""
_CLOCK = re.compile(rb"\d{1,2}:\d{2}(:\d{2})?")


@dataclass(frozen=True, slots=True)
class Timed:
    """When it was asked for, and what says when it ended.

    ends: the columns of times after the start, the last one last; took: a duration in their place, in `unit`. seconds (n,) is
    how long the rows of the sample took, NaN where they did not end. other: columns of times that tell of neither.
    """

    start: Time
    ends: tuple[Column, ...]
    took: Column | None
    unit: str
    seconds: NDArray[np.float64]
    named: bool
    other: tuple[Column, ...]


def timed_of(profile: FileProfile) -> Timed | None:
    """The roles of a file's columns where it may be a table of orders, trips or jobs; else None."""
    found = [one for one in profile.columns if one.kind == "time" and one.time and not says_forecast(one.name)]
    stamps = {one.name: _stamps(one) for one in found}
    # What is asked for has a time in every row; what ended may not have.
    starts = [one for one in found if one.filled >= 0.95 * profile.rows and _first(one, stamps)]
    if not starts:
        return None
    start = min(starts, key=lambda one: np.nanmedian(stamps[one.name]))
    forecast = tuple(one for one in profile.columns if one.kind == "time" and says_forecast(one.name))
    named = of_asks(profile.path.name) or any(of_asks(one.name) for one in profile.columns)
    since = {one.name: (stamps[one.name] - stamps[start.name]) / SECOND for one in found if one is not start}
    ends = [one for one in found if one is not start and _plausible(since[one.name])]
    clock = _clock(profile)
    if ends and not (_days(start) and clock):
        ends.sort(key=lambda one: (says_end(one.name), float(np.nanmedian(since[one.name]))))
        other = [one for one in found if one is not start and one not in ends]
        return Timed(_time(start), tuple(ends), None, "", since[ends[-1].name], named, (*other, *forecast, *clock))
    took = next((one for one in profile.columns if one.kind in ("integer", "number") and says_took(one.name)), None)
    if took is None:
        return None
    unit = unit_of(took.name) or "s"
    seconds = numbers([cell.decode() for cell in took.sample.tolist()], took.name).values
    seconds = seconds * UNITS[unit]
    time = _time(start)
    if _days(start) and clock:
        time = Time(columns=(start.name, clock[0].name))
    others = [one for one in found if one is not start]
    return Timed(time, (), took, unit, seconds, named, (*others, *forecast, *clock))


def _time(column: Column) -> Time:
    assert column.time is not None
    return column.time


def _stamps(column: Column) -> NDArray[np.float64]:
    """The times (n,) of a sample, us, NaN where there is none."""
    assert column.time is not None
    read = times([cell.decode() for cell in column.sample.tolist()], column.time)
    out = read.values.astype(np.float64)
    for bad, _ in read.faults:
        out[bad] = np.nan
    out[read.values == np.iinfo(np.int64).min] = np.nan
    return out


def _first(one: Column, stamps: dict[str, NDArray[np.float64]]) -> bool:
    """Whether a time is hardly ever after another one of its row."""
    return all(_share(stamps[one.name] <= other, other) >= MOSTLY for other in stamps.values())


def _plausible(seconds: NDArray[np.float64]) -> bool:
    return _share((seconds > 0) & (seconds * SECOND < MOST), seconds) >= MOSTLY


def _share(true: NDArray[np.bool_], known: NDArray[np.float64]) -> float:
    """The share of the rows that are known where it is true."""
    count = int(np.isfinite(known).sum())
    return float(true[np.isfinite(known)].sum() / count) if count else 0.0


def _days(column: Column) -> bool:
    """Whether the times of a column are whole days."""
    stamps = _stamps(column)
    return bool((stamps[np.isfinite(stamps)] % DAY == 0).all())


def _clock(profile: FileProfile) -> tuple[Column, ...]:
    """Columns of times of day, such as 18:05."""
    return tuple(one for one in profile.columns if one.kind == "text" and _of_clock(one.sample))


def _of_clock(sample: Text) -> bool:
    cells = [cell for cell in sample[:1000].tolist() if cell]
    return bool(cells) and sum(_CLOCK.fullmatch(cell) is not None for cell in cells) >= MOSTLY * len(cells)
