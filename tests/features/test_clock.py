"""Local time against the standard library's, on the days when clocks change."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

import numpy as np
import pytest

from sixfold.errors import DesignError
from sixfold.features import table, words
from sixfold.features.clock import Clock, clock_of
from sixfold.features.indexed import Frame
from sixfold.types import SECOND

CHANGES = [
    ("America/New_York", "2022-03-13"), ("America/New_York", "2022-11-06"), ("Europe/Berlin", "2015-03-29"),
    ("Europe/Berlin", "2091-10-28"), ("Australia/Lord_Howe", "2024-04-07"), ("Asia/Kolkata", "2024-04-07"),
]  # fmt: skip


def around(day: str) -> np.ndarray:
    """Every quarter of an hour of the UTC days before, at and after a change, and the seconds next to it."""
    start = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    quarters = np.arange(start - 86_400, start + 2 * 86_400, 900)
    return np.unique(np.concatenate([quarters - 1, quarters, quarters + 1])) * SECOND


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_hours_and_days_are_those_of_the_wall(zone, day):
    ts, clock, place = around(day), clock_of(zone), zoneinfo.ZoneInfo(zone)
    wall = [datetime.fromtimestamp(at // SECOND, place) for at in ts.tolist()]
    assert clock.hour(ts).tolist() == [one.hour for one in wall]
    assert clock.weekday(ts).tolist() == [one.weekday() for one in wall]


def test_the_columns_are_local_and_as_many_as_before():
    ts = around("2022-03-13")
    features = table.Fitted((words.hour(), words.weekday()), {}, {}, {}, {}, {}, clock=clock_of("America/New_York"))
    got = features.matrix(Nothing(), Frame(ts, {}, {}, np.ones(len(ts), np.int16)))
    wall = [datetime.fromtimestamp(at // SECOND, zoneinfo.ZoneInfo("America/New_York")) for at in ts.tolist()]
    angle = np.array([(one.hour * 3600 + one.minute * 60 + one.second) * 2 * np.pi / 86_400 for one in wall])
    np.testing.assert_allclose(
        got, np.stack([np.sin(angle), np.cos(angle), [one.weekday() for one in wall]], axis=1), atol=1e-6
    )


def test_a_day_of_23_and_one_of_25_hours():
    clock = clock_of("America/New_York")
    hours = np.arange(0, 400 * 24) * 3600 * SECOND + 1_640_995_200 * SECOND
    _, counts = np.unique(clock.local(hours) // (24 * 3600 * SECOND), return_counts=True)
    assert sorted(counts[1:-1].tolist())[:2] == [23, 24] and sorted(counts.tolist())[-2:] == [24, 25]


def test_utc_is_as_it_was():
    assert clock_of("UTC") == Clock()
    ts = np.array([-1, 0, 7 * 3600 * SECOND], np.int64)
    np.testing.assert_array_equal(Clock().local(ts), ts)


def test_an_unknown_zone_is_named():
    with pytest.raises(DesignError, match=r"requirements\.timezone 'Mars/Olympus' is not known"):
        clock_of("Mars/Olympus")


class Nothing:
    memory = None
