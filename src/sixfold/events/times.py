"""Columns of text into times: counts since 1970 in any unit, ISO 8601, strptime formats, any zone."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..types import Times
from .parsing import Fault, Mask, Parsed, Text, convert, encode, floats, missing_in

Unit = Literal["s", "ms", "us", "ns", "iso"]

EARLIEST = int(dt.datetime(1980, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
_LATEST = int(dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_QUARTER = 900 * 1_000_000


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A column of times, or several `columns` that make one, joined by blanks: a day and an hour.

    Without a unit the column's majority decides; without a zone, UTC.

    unit is s, ms, us, ns (since 1970 UTC) or iso (ISO 8601); format is strptime's, in place of a unit;
    timezone is where times without an offset of their own were written.
    """

    column: str = ""
    unit: Unit | None = None
    timezone: str = "UTC"
    format: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The columns that it is read from."""
        return self.columns or (self.column,)

    @property
    def name(self) -> str:
        """What errors call it."""
        return " and ".join(self.parts)


def times(cells: Sequence[str], time: Time, *, now: int | None = None) -> Parsed:
    """int64 microseconds since 1970 UTC.

    With `now` they are times of events: one that is missing, before 1980, after `now`, or in another
    unit than the rest of its column is a fault. Without, only what cannot be read is one, and a missing
    time is NaT (the least int64).
    """
    parsed = encode(cells, time.name)
    text = parsed.values
    missing = missing_in(text)
    unit = time.unit or ("format" if time.format else _unit(text[~missing]))
    if unit == "format":
        stamps, faults = _formatted(text, time)
    elif unit == "iso":
        stamps, faults = _iso(text, time)
    else:
        stamps, faults = _since_1970(text, time.name, unit, event=now is not None)
    faults = [*parsed.faults, (missing, f"{time.name} is missing"), *((bad & ~missing, why) for bad, why in faults)]
    stamps[missing] = np.iinfo(np.int64).min
    if now is None:
        return Parsed(stamps, tuple(fault for fault in faults if fault[0] is not missing))
    bounds = [(stamps < EARLIEST, f"{time.name} is before 1980"), (stamps > now, f"{time.name} is in the future")]
    return Parsed(stamps, (*faults, *bounds))


def _unit(text: Text) -> Unit:
    """The unit that most of the cells are in."""
    values, good = convert(text[:2000], np.dtype(np.float64))
    if 2 * good.sum() < len(good):
        return "iso"
    units = units_of(values[good])
    known = units[units >= 0]
    return list(_PER_SECOND)[np.bincount(known).argmax()] if len(known) else "s"  # type: ignore[return-value]


def units_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """0 to 3 for s, ms, us, ns where the number so read falls between 1980 and 2100, which no two do; else -1."""
    out = np.full(len(values), -1)
    for place, per_second in enumerate(_PER_SECOND.values()):
        seconds = values / per_second
        out[(seconds >= EARLIEST / 1e6) & (seconds < _LATEST / 1e6)] = place
    return out


def _since_1970(text: Text, column: str, unit: str, *, event: bool) -> tuple[Times, list[Fault]]:
    values, broken, missing = floats(text)
    per_second = _PER_SECOND[unit]
    faults: list[Fault] = []
    if broken.any():
        other = looks_iso(text) & broken
        faults.append((other, f"{column} is a date where the rest of the column is in {unit}"))
        faults.append((broken & ~other, f"{column} is not a time"))
    found = units_of(values)
    if event:
        for place, name in enumerate(_PER_SECOND):
            if name != unit and (found == place).any():
                faults.append((found == place, f"{column} is in {name} where the rest of the column is in {unit}"))
    limit = 9e18 / 1e6 * per_second
    out_of_range = ~missing & ~broken & ~(np.abs(values) < limit)
    faults.append((out_of_range, f"{column} is not a time"))
    usable = np.where(missing | broken | out_of_range, 0.0, values)
    # Whole microseconds of a float64 in ns are right within 1; in s, ms and us they are exact.
    return np.round(usable * (1e6 / per_second)).astype(np.int64), faults


def looks_iso(text: Text) -> Mask:
    """Which cells begin as 2024-01-31 does."""
    if len(text) == 0 or text.dtype.itemsize < 10:
        return np.zeros(len(text), np.bool_)
    letters = text.view(np.uint8).reshape(len(text), text.dtype.itemsize)
    digits = letters[:, [0, 1, 2, 3, 5, 6, 8, 9]] - ord("0") < 10
    dashes = letters[:, [4, 7]] == ord("-")
    return np.asarray(np.concatenate([digits, dashes], axis=1).all(axis=1))


def _iso(text: Text, time: Time) -> tuple[Times, list[Fault]]:
    body, offset, zoned = _split_zone(text)
    looks = looks_iso(text)
    stamps, good = convert(np.where(looks, body, b"1970-01-01"), np.dtype("M8[us]"))
    local = stamps.astype(np.int64)
    utc = np.where(zoned, local - offset, local)
    if time.timezone != "UTC" and not zoned.all():
        utc = np.where(zoned, utc, to_utc(local, time.timezone))
    return utc, [(~(looks & good), f"{time.name} is no ISO 8601 time")]


def _split_zone(text: Text) -> tuple[Text, Times, Mask]:
    """The cells without their offset, the offset in microseconds, and whether there was one."""
    size, width = len(text), max(text.dtype.itemsize, 20)
    letters = text.astype(f"S{width}").view(np.uint8).reshape(size, width)
    length = np.strings.str_len(text).astype(np.int64)
    row = np.arange(size)

    def at(back: int) -> NDArray[np.uint8]:
        return letters[row, np.maximum(length - back, 0)]

    signs = np.frombuffer(b"+-", np.uint8)
    timed = length > 13
    tail = np.zeros(size, np.int64)
    tail[timed & np.isin(at(3), signs)] = 3
    tail[timed & np.isin(at(5), signs)] = 5
    tail[timed & np.isin(at(6), signs) & (at(3) == ord(":"))] = 6
    tail[timed & np.isin(at(1), np.frombuffer(b"Zz", np.uint8))] = 1
    digit = {back: at(back).astype(np.int64) - ord("0") for back in range(1, 6)}
    hours = np.select(
        [tail == 6, tail == 5, tail == 3],
        [10 * digit[5] + digit[4], 10 * digit[4] + digit[3], 10 * digit[2] + digit[1]],
        0,
    )
    minutes = np.where(tail >= 5, 10 * digit[2] + digit[1], 0)
    sign = np.where(np.select([tail == 6, tail == 5, tail == 3], [at(6), at(5), at(3)], 0) == ord("-"), -1, 1)
    letters[np.arange(width) >= (length - tail)[:, None]] = 0
    return letters.view(f"S{width}")[:, 0], sign * (hours * 60 + minutes) * 60_000_000, tail > 0


def _formatted(text: Text, time: Time) -> tuple[Times, list[Fault]]:
    """Times in strptime's format, read once for each distinct cell."""
    distinct, where = np.unique(text, return_inverse=True)
    read = [_strptime(cell.decode(), time.format or "") for cell in distinct.tolist()]
    stamps = np.array([stamp for stamp, _, _ in read], np.int64)[where]
    zoned = np.array([zoned for _, zoned, _ in read], np.bool_)[where]
    bad = np.array([not good for _, _, good in read], np.bool_)[where]
    if time.timezone != "UTC" and not zoned.all():
        stamps = np.where(zoned, stamps, to_utc(stamps, time.timezone))
    return stamps, [(bad, f"{time.name} is not of the format {time.format}")]


def _strptime(cell: str, pattern: str) -> tuple[int, bool, bool]:
    try:
        moment = dt.datetime.strptime(cell, pattern)
    except (ValueError, re.error):
        return 0, False, False
    zoned = moment.tzinfo is not None
    since = (moment if zoned else moment.replace(tzinfo=dt.UTC)) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(microseconds=1), zoned, True


def to_utc(local: Times, timezone: str) -> Times:
    """UTC of times on the clock of a zone; an hour that the clock shows twice is the first of the two."""
    zone = zone_of(timezone)
    # Every zone's clock has changed at whole quarters of an hour since 1980.
    quarters, where = np.unique(local // _QUARTER, return_inverse=True)
    epoch = dt.datetime(1970, 1, 1)
    moments = [
        epoch + dt.timedelta(seconds=900 * int(np.clip(quarter, -60_000_000, 60_000_000))) for quarter in quarters
    ]
    offsets = [zone.utcoffset(moment) or dt.timedelta() for moment in moments]
    return local - np.array([offset // dt.timedelta(microseconds=1) for offset in offsets], np.int64)[where]


def zone_of(timezone: str) -> zoneinfo.ZoneInfo:
    """The time zone by its IANA name; raises DataError where there is none."""
    try:
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise DataError(
            f"timezone {timezone!r} is not known here; expected an IANA name such as Europe/Berlin"
        ) from error
