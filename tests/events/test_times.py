from __future__ import annotations

import datetime as dt
import zoneinfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.events.parsing import Parsed, first_faults
from sixfold.events.times import Time, times, to_utc

NOW = int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()) * 1_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))


def microseconds(moment: dt.datetime) -> int:
    return (moment - EPOCH) // dt.timedelta(microseconds=1)


def reasons(parsed: Parsed) -> dict[int, str]:
    return first_faults(len(parsed.values), parsed.faults)


@given(st.lists(st.datetimes(dt.datetime(1980, 1, 2), dt.datetime(2025, 12, 30), timezones=OFFSETS), min_size=1))
def test_iso_agrees_with_datetime(moments: list[dt.datetime]) -> None:
    parsed = times([moment.isoformat() for moment in moments], Time("t"), now=NOW)
    assert parsed.values.tolist() == [microseconds(moment) for moment in moments]
    assert reasons(parsed) == {}


def test_spellings_of_iso() -> None:
    cells = [
        "2024-05-01",
        "2024-05-01 10:00",
        "2024-05-01T10:00:00Z",
        "2024-05-01T10:00:00.5+0200",
        "2024-05-01T10:00:00-03",
    ]
    noon = microseconds(dt.datetime(2024, 5, 1, tzinfo=dt.UTC))
    hours = [0, 10, 10, 8 + 0.5 / 3600, 13]
    assert times(cells, Time("t"), now=NOW).values.tolist() == [noon + round(h * 3_600_000_000) for h in hours]


def test_what_is_no_time_of_an_event() -> None:
    cells = ["1700000000", "", "5", "1900000000", "1700000000000", "soon", "2024-05-01", "null", "1e30"]
    assert reasons(times(cells, Time("t", unit="s"), now=NOW)) == {
        1: "t is missing", 2: "t is before 1980", 3: "t is in the future",
        4: "t is in ms where the rest of the column is in s", 5: "t is not a time",
        6: "t is a date where the rest of the column is in s", 7: "t is missing", 8: "t is not a time",
    }  # fmt: skip


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
def test_the_unit_is_that_of_most(unit: str, factor: int) -> None:
    other = 10**3 if factor != 10**3 else 1
    cells = [str(1_700_000_000 * factor)] * 3 + [str(1_700_000_000 * other)]
    parsed = times(cells, Time("t"), now=NOW)
    assert parsed.values[:3].tolist() == [1_700_000_000_000_000] * 3
    assert list(reasons(parsed)) == [3]
    assert f"rest of the column is in {unit}" in reasons(parsed)[3]


def test_impossible_dates_are_faults_one_by_one() -> None:
    cells = ["2024-02-29", "2023-02-29", "2024-13-01", "2024-05-01T25:00:00", "today", "NaT"]
    assert list(reasons(times(cells, Time("t", unit="iso"), now=NOW))) == [1, 2, 3, 4, 5]


def test_formats() -> None:
    parsed = times(["01-Jan-1995", "x", "", "04-Feb-1971"], Time("d", format="%d-%b-%Y"))
    assert parsed.values[0] == 788_918_400_000_000
    assert parsed.values[3] == 34_473_600_000_000
    assert reasons(parsed) == {1: "d is not of the format %d-%b-%Y"}


@given(st.lists(st.datetimes(dt.datetime(1980, 1, 2), dt.datetime(2036, 1, 1)), min_size=1, max_size=30))
def test_local_times_agree_with_zoneinfo(moments: list[dt.datetime]) -> None:
    for name in ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"):
        local = np.array([microseconds(moment.replace(tzinfo=dt.UTC)) for moment in moments])
        expected = [microseconds(moment.replace(tzinfo=zoneinfo.ZoneInfo(name), fold=0)) for moment in moments]
        assert to_utc(local, name).tolist() == expected


def test_a_zone_applies_only_to_cells_without_an_offset() -> None:
    parsed = times(["2024-07-01T12:00:00", "2024-07-01T12:00:00Z"], Time("t", timezone="Europe/Berlin"), now=NOW)
    assert np.diff(parsed.values).tolist() == [2 * 3_600_000_000]
    with pytest.raises(DataError, match="Europe/Berlim"):
        times(["2024-07-01T12:00:00"], Time("t", timezone="Europe/Berlim"), now=NOW)


def test_no_rows() -> None:
    for time in (Time("t"), Time("t", unit="iso"), Time("t", format="%Y")):
        assert len(times([], time, now=NOW).values) == 0
