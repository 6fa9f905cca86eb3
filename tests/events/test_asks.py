"""Orders, trips and jobs: a row a decision, what came of it, and what of it is unknown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.events.converted import Converted
from sixfold.events.converting import events_of
from sixfold.events.mapping_toml import parse_mapping
from sixfold.events.schema import Events, concat

NOW = 1_800_000_000_000_000
HEADER = "order_id,day,time,done_at,minutes,store,market,items,weather,lat,lon\n"
ROW = "o1,2024-05-01,12:00,2024-05-01 12:30,30,s1,m1,3,rain,52.37,4.89\n"
TABLE = """
[[table]]
file = "orders.csv"
kind = "decision"
decision = "order_id"
ts = {columns = ["day", "time"], timezone = "Europe/Amsterdam"}
keys = {order = "order_id", store = "store", market = {column = "market", required = false}}
area = {south = 52, west = 4.5, north = 52.6, east = 5.2}
[table.context]
items = {column = "items", type = "number", at_least = 0}
weather = "weather"
drop = {lat = "lat", lon = "lon"}
[table.outcomes]
done = {ts = {column = "done_at", timezone = "Europe/Amsterdam"}, at_least = "1m", at_most = "4h"}
"""
BY_VALUE = TABLE.replace(
    'done = {ts = {column = "done_at", timezone = "Europe/Amsterdam"}, at_least = "1m", at_most = "4h"}',
    'done = {value = "minutes", unit = "min"}',
)


def parts(tmp_path: Path, rows: str, text: str = TABLE, *, size: int = 50_000) -> list[Converted]:
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + rows)
    tables = parse_mapping(text).table
    return [part for table in tables for part in events_of(path, table, now=NOW, size=size)]


def events(tmp_path: Path, rows: str, text: str = TABLE) -> Events:
    return concat(part.events for part in parts(tmp_path, rows, text))


def reasons(tmp_path: Path, rows: str, text: str = TABLE) -> list[str]:
    return [reason for part in parts(tmp_path, rows, text) for reason in part.rejected.reasons]


def unknown(tmp_path: Path, rows: str, text: str = TABLE) -> Counter[str]:
    return sum((Counter(part.unknown) for part in parts(tmp_path, rows, text)), Counter())


def varied(**cells: str) -> str:
    row = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True))
    return ",".join((row | cells).values()) + "\n"


def test_an_order_is_a_decision_and_what_came_of_it(tmp_path: Path) -> None:
    found = events(tmp_path, ROW)
    decisions, done = found.decisions, found.outcomes["done"]
    noon = 1_714_557_600_000_000  # 10:00 UTC
    assert (decisions["id"][0], decisions["ts"][0]) == (b"o1", noon)
    assert [decisions[name][0] for name in ("order", "store", "market", "context.weather")] == [
        b"o1",
        b"s1",
        b"m1",
        b"rain",
    ]
    assert [decisions[f"context.{name}"][0] for name in ("items", "drop_lat", "drop_lon")] == [3.0, 52.37, 4.89]
    assert all(decisions[f"context.{name}"].dtype == np.float64 for name in ("items", "drop_lat", "drop_lon"))
    assert (done["decision"][0], done["value"][0], done["ts"][0]) == (b"o1", 1800.0, noon + 1800 * 10**6)
    assert done["store"][0] == b"s1" and len(found.shown["item"]) == 0


def test_a_duration_says_when_it_was_known(tmp_path: Path) -> None:
    by_ts, by_value = events(tmp_path, ROW), events(tmp_path, ROW, BY_VALUE)
    for name in ("ts", "value", "decision"):
        assert (by_ts.outcomes["done"][name] == by_value.outcomes["done"][name]).all()
    both = BY_VALUE.replace("value =", 'ts = {column = "done_at", timezone = "Europe/Amsterdam"}, value =')
    later = events(tmp_path, varied(minutes="20"), both).outcomes["done"]
    assert (later["value"][0], later["ts"][0]) == (1200.0, by_ts.outcomes["done"]["ts"][0])


def test_what_has_not_ended_is_a_decision_alone(tmp_path: Path) -> None:
    for text, cell in ((TABLE, "done_at"), (BY_VALUE, "minutes")):
        found = events(tmp_path, varied(**{cell: ""}), text)
        assert len(found.decisions["ts"]) == 1 and len(found.outcomes["done"]["ts"]) == 0


def test_missing_values_are_unknown_and_reject_nothing(tmp_path: Path) -> None:
    found = events(tmp_path, varied(items="", weather="NA", lat="", lon="", market=""))
    assert np.isnan([found.decisions[f"context.{name}"][0] for name in ("items", "drop_lat", "drop_lon")]).all()
    assert found.decisions["context.weather"][0] == b"" == found.decisions["market"][0]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"lat": "0", "lon": "0.0"}, "drop (lat, lon): the place is (0, 0)"),
        ({"lat": ""}, "drop (lat, lon): a coordinate is missing"),
        ({"lat": "4.89", "lon": "52.37"}, "drop (lat, lon): latitude and longitude are swapped"),
        ({"lat": "-52.37"}, "drop (lat, lon): a sign is lost"),
        ({"lat": "95"}, "drop (lat, lon): no such place on Earth"),
        ({"lat": "48.85", "lon": "2.35"}, "drop (lat, lon): outside the area served"),
        ({"items": "-2"}, "items is below 0"),
    ],
)
def test_what_cannot_be_is_unknown_and_counted(tmp_path: Path, cells: dict[str, str], why: str) -> None:
    rows = ROW + varied(order_id="o2", **cells)
    assert unknown(tmp_path, rows) == {why: 1} and reasons(tmp_path, rows) == []
    column = "context.items" if "items" in cells else "context.drop_lon"
    assert np.isnan(events(tmp_path, rows).decisions[column]).tolist() == [False, True]
    strict = TABLE.replace('lon = "lon"', 'lon = "lon", required = true').replace(
        "at_least = 0", "at_least = 0, required = true"
    )
    assert reasons(tmp_path, rows, strict) == [why]


def test_without_an_area_only_what_is_none_on_earth_is_unknown(tmp_path: Path) -> None:
    free = TABLE.replace("area = {south = 52, west = 4.5, north = 52.6, east = 5.2}\n", "")
    rows = (
        varied(lat="-52.37") + varied(order_id="o2", lat="0", lon="0") + varied(order_id="o3", lat="4.89", lon="152.37")
    )
    assert unknown(tmp_path, rows, free) == {"drop (lat, lon): the place is (0, 0)": 1}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"done_at": "2024-05-01 11:59"}, "done_at is before day and time: 2024-05-01 11:59"),
        ({"done_at": "2024-05-01 12:00"}, "done_at says that done took no time: 2024-05-01 12:00"),
        ({"done_at": "2024-05-01 12:00:30"}, "done_at says that done took less than 1m: 2024-05-01 12:00:30"),
        ({"done_at": "2024-05-03 12:00"}, "done_at says that done took more than 4h: 2024-05-03 12:00"),
        ({"done_at": "soon"}, "done_at is no ISO 8601 time: soon"),
        ({"time": ""}, "day and time is missing"),
        ({"store": ""}, "store is missing"),
        ({"items": "many"}, "items is not a number"),
    ],
)
def test_rows_that_cannot_be_are_quarantined_whole(tmp_path: Path, cells: dict[str, str], why: str) -> None:
    rows = ROW + varied(order_id="o2", **cells)
    assert reasons(tmp_path, rows) == [why]
    found = events(tmp_path, rows)
    assert found.decisions["id"].tolist() == [b"o1"] == found.outcomes["done"]["decision"].tolist()


@pytest.mark.parametrize(
    ("minutes", "why"),
    [("-5", "less than no time: -5"), ("0", "no time: 0"), ("1e9", "minutes ends in the future: 1e9")],
)
def test_durations_that_cannot_be(tmp_path: Path, minutes: str, why: str) -> None:
    (reason,) = reasons(tmp_path, varied(minutes=minutes), BY_VALUE)
    assert reason.endswith(why)


def test_the_same_row_twice_is_one_event_and_another_of_its_id_is_refused(tmp_path: Path) -> None:
    assert reasons(tmp_path, ROW + ROW) == []
    assert reasons(tmp_path, ROW + varied(items="4")) == ["order_id comes twice with other content"]
    assert reasons(tmp_path, ROW + varied(done_at="2024-05-01 12:40")) == [
        "order_id comes twice with another end by done"
    ]
    open_, broken = varied(done_at=""), varied(done_at="2024-05-01 11:00", items="4")
    assert reasons(tmp_path, open_ + ROW) == []
    assert len(events(tmp_path, open_ + ROW).outcomes["done"]["ts"]) == 1
    assert [reason[:26] for reason in reasons(tmp_path, broken + ROW)] == ["done_at is before day and "]


def test_without_an_id_the_content_makes_one(tmp_path: Path) -> None:
    nameless = TABLE.replace('decision = "order_id"\n', "").replace('order = "order_id", ', "")
    rows = ROW + ROW + varied(done_at="2024-05-01 12:31")
    first, again, other = events(tmp_path, rows, nameless).decisions["id"].tolist()
    assert first == again != other


def test_only_rows_whose_cells_say_so(tmp_path: Path) -> None:
    rain = TABLE.replace("area =", 'where = {weather = "rain"}\narea =')
    assert events(tmp_path, ROW + varied(order_id="o2", weather="sun"), rain).decisions["id"].tolist() == [b"o1"]


STORES = """
[[table]]
file = "orders.csv"
kind = "entity"
of = "store"
key = "store"
values = {market = "market"}
place = {lat = "lat", lon = "lon"}
area = {south = 52, west = 4.5, north = 52.6, east = 5.2}
"""


def test_one_file_gives_orders_and_stores(tmp_path: Path) -> None:
    rows = ROW + varied(order_id="o2") + varied(order_id="o3", store="s2", lat="0", lon="0")
    found = events(tmp_path, rows, TABLE + STORES)
    assert len(found.decisions["ts"]) == 3
    stores = found.entities["store"]
    assert stores["key"].tolist() == [b"s1", b"s2"]
    assert stores["lat"][0] == 52.37 and np.isnan(stores["lon"][1])


def test_an_entity_is_an_event_only_where_it_changes(tmp_path: Path) -> None:
    dated = STORES.replace('key = "store"', 'key = "store"\nts = "day"')
    days = {"2024-05-01": "m1", "2024-05-02": "m1", "2024-05-03": "m2", "2024-05-04": "m1"}
    rows = [varied(order_id=day, day=day, market=market) for day, market in days.items()]
    (part,) = parts(tmp_path, "".join(reversed(rows)), dated)
    stores = part.events.entities["store"]
    assert stores["market"].tolist() == [b"m1", b"m2", b"m1"]  # as the file has them, the last day first
    assert part.origins["entity store"].tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('["day", "time"]', '["day", "tim"]', "no column 'tim'.*did you mean 'time'"),
        ('drop = {lat = "lat", lon = "lon"}', 'drop = {lat = "lat"}', "context.drop as neither a column nor a place"),
        ('drop = {lat = "lat", lon = "lon"}', 'drop = {lat = "lat", lan = "lon"}', "'lan'.*did you mean"),
        (', type = "number"', "", "it is no number"),
        ('"4h"', '"4 hours"', "bound that is none: duration '4 hours'"),
        ('{columns = ["day", "time"], timezone', "{timezone", "neither or both of column and columns"),
        ("south = 52,", "south = 53,", "an area runs from 53"),
        ("at_least = \"1m\"", "atleast = \"1m\"", "'atleast'.*did you mean 'at_least'"),
        ('order = "order_id"', 'release = "order_id"', "the log keeps for itself"),
    ],
)  # fmt: skip
def test_mistakes_in_the_mapping_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TABLE
    with pytest.raises(DataError, match=says):
        parts(tmp_path, ROW, TABLE.replace(old, new))
