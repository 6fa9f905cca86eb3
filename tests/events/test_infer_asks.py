"""Tables of orders, trips and jobs are known by their times; tables of what members did stay what they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.events.converting import events_of
from sixfold.events.infer import Inferred, infer
from sixfold.events.mapping import DecisionTable, EntityTable, Given, Key, OutcomeTable, Place, Took
from sixfold.events.mapping_toml import parse_mapping, write_mapping
from sixfold.events.schema import Events, concat
from sixfold.events.times import Time

NOW = 1_800_000_000_000_000


def iso(ts: int) -> str:
    return str(np.datetime64(ts, "s")).replace("T", " ")


def orders(path: Path, *, rows: int = 400) -> Path:
    """Orders of 12 stores with all that may stand in such a table."""
    rng = np.random.default_rng(0)
    head = (
        "order_id,created_at,promised_at,delivered_at,store_id,market_id,items,weather,store_latitude,store_longitude,"
        "drop_lat,drop_lng,tip,minutes_waited\n"
    )
    lines = []
    for n in range(rows):
        start, took, store = 1_714_000_000 + 600 * n, int(rng.integers(600, 4000)), n % 12
        lat, lon = 52 + rng.random(2).round(5) / 5
        market = f"{store % 3}" if n % 50 else ""
        lines.append(
            f"o{n},{iso(start)},{iso(start + 1800)},{iso(start + took)},s{store},{market},{n % 7},{('sun', 'rain')[n % 2]},"
            f"{52 + store / 100},{4.8 + store / 100},{lat},{lon - 47.2:.5f},{n % 5}.5,{took / 60:.2f}\n"
        )
    path.write_text(head + "".join(lines))
    return path


def taken(found: Inferred) -> tuple[Events, int]:
    """Everything that the guessed mapping, written and read back, makes of the files."""
    assert parse_mapping(write_mapping(found.mapping, comments=found.comments())) == found.mapping
    parts = [part for table, path in found.mapping.files(Path()) for part in events_of(path, table, now=NOW)]
    return concat(part.events for part in parts), sum(len(part.rejected) for part in parts)


def test_orders_are_decisions_whose_time_is_estimated(tmp_path: Path) -> None:
    found = infer([orders(tmp_path / "orders.csv")])
    (table,) = found.mapping.table
    assert isinstance(table, DecisionTable)
    assert (table.decision, table.ts) == ("order_id", Time("created_at", unit="iso"))
    assert table.keys == {"order": "order_id", "store": "store_id", "market": Key("market_id", required=False)}
    assert table.context == {
        "pickup": Given(lat="store_latitude", lon="store_longitude"), "drop": Given(lat="drop_lat", lon="drop_lng"),
        "items": Given("items", type="number"), "weather": "weather",
    }  # fmt: skip
    assert table.outcomes == {"delivered": Took(ts=Time("delivered_at", unit="iso"))}
    events, rejected = taken(found)
    assert (len(events.decisions["ts"]), len(events.outcomes["delivered"]["ts"]), rejected) == (400, 400, 0)
    left = {guess.what: guess.why for guess in found.guesses if guess.chosen == "left out"}
    assert set(left) == {"promised_at", "tip", "minutes_waited"} and "moves with" in left["minutes_waited"]


def test_a_stores_file_gives_its_place(tmp_path: Path) -> None:
    stores = tmp_path / "stores.csv"
    stores.write_text("store_id,cuisine,lat,lon\n" + "".join(f"s{n},c{n % 4},52.1,4.{n}\n" for n in range(12)))
    found = infer([orders(tmp_path / "orders.csv"), stores])
    table = found.mapping.table[1]
    assert isinstance(table, EntityTable)
    assert (table.of, table.place, table.values) == ("store", Place("lat", "lon"), {"cuisine": "cuisine"})
    assert {"lat", "lon", "cuisine"} <= set(taken(found)[0].entities["store"])


def test_trips_begin_and_end_in_one_table_of_zones(tmp_path: Path) -> None:
    zones, trips = tmp_path / "zones.csv", tmp_path / "trips.csv"
    zones.write_text("zone_id,lat,lon\n" + "".join(f"{n + 100},52.{n},4.{n}\n" for n in range(40)))
    rows = [f"{iso(1_714_000_000 + 60 * n)},{100 + n % 37},{100 + n * n % 39},{300 + n % 50}\n" for n in range(300)]
    trips.write_text("started,from_zone_id,to_zone_id,duration_s\n" + "".join(rows))
    found = infer([trips, zones])
    assert {table.of for table in found.mapping.table if isinstance(table, EntityTable)} == {"from_zone", "to_zone"}
    (table,) = (table for table in found.mapping.table if isinstance(table, DecisionTable))
    assert (table.decision, table.outcomes) == (None, {"done": Took(value="duration_s", unit="s")})


def test_a_day_and_a_clock_make_a_time(tmp_path: Path) -> None:
    rows = [f"{n},2024-05-{1 + n // 20:02},{n % 24:02}:30,{n % 24:02}:45,r{n % 5},{10 + n % 40}\n" for n in range(300)]
    (tmp_path / "orders.csv").write_text("id,day,ordered,picked,rider_id,time_taken_min\n" + "".join(rows))
    (table,) = infer([tmp_path / "orders.csv"]).mapping.table
    assert isinstance(table, DecisionTable)
    assert table.ts == Time(columns=("day", "ordered"))
    assert table.outcomes == {"done": Took(value="time_taken_min", unit="min")} and not table.context


def watched(path: Path) -> Path:
    rows = [f"u{n % 30},v{n % 21},{1_700_000_000 + n},{1_700_000_000 + n + 5 + n % 60}\n" for n in range(300)]
    path.write_text("user_id,video_id,start_ts,end_ts\n" + "".join(rows))
    return path


def test_what_may_be_read_in_two_ways_says_how_it_was_read(tmp_path: Path) -> None:
    watches = watched(tmp_path / "watches.csv")
    found = infer([watches])
    assert isinstance(found.mapping.table[0], OutcomeTable)
    assert "--as estimate" in str(found.guesses[0]) and found.guesses[0].chosen == "what members did"
    other = infer([watches], reading="estimate")
    assert isinstance(other.mapping.table[0], DecisionTable)
    bought = orders(tmp_path / "orders.csv")
    assert "--as slate" in str(infer([bought]).guesses[0])
    assert isinstance(infer([bought], reading="slate").mapping.table[0], OutcomeTable)


def test_a_reading_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(
        "user_id,movie_id,ts\n" + "".join(f"u{n % 9},m{n % 7},{1_700_000_000 + n}\n" for n in range(90))
    )
    with pytest.raises(DataError, match="a time at which a row begins, and one at which it ends or a duration"):
        infer([tmp_path / "r.csv"], reading="estimate")


def test_tables_of_things_with_two_times_stay_tables_beside_a_log(tmp_path: Path) -> None:
    """Users were created and seen last, films came out and run for so long: nobody waits for either."""
    ratings, users, films = (tmp_path / f"{name}.csv" for name in ("ratings", "users", "films"))
    ratings.write_text(
        "user_id,film_id,rating,ts\n"
        + "".join(f"u{n % 30},f{n % 21},{n % 5 + 1},{1_700_000_000 + 3600 * n}\n" for n in range(600))
    )
    users.write_text(
        "user_id,created_at,last_seen_at\n"
        + "".join(f"u{n},{iso(1_700_000_000 + n)},{iso(1_700_900_000 + 7 * n)}\n" for n in range(30))
    )
    films.write_text(
        "film_id,published,duration_min\n" + "".join(f"f{n},2020-01-{n + 1:02},{80 + n}\n" for n in range(21))
    )
    found = infer([ratings, users, films])
    assert [type(table) for table in found.mapping.table] == [OutcomeTable, EntityTable, EntityTable]


def test_stores_with_two_times_are_a_table_beside_their_orders(tmp_path: Path) -> None:
    path, stores = orders(tmp_path / "orders.csv"), tmp_path / "stores.csv"
    stores.write_text(
        "store_id,opened_at,closed_at\n"
        + "".join(f"s{n},{iso(1_700_000_000 + n)},{iso(1_700_900_000 + 7 * n)}\n" for n in range(12))
    )
    for files in ([path, stores], [stores, path]):
        assert [type(table) for table in infer(files).mapping.table] == [DecisionTable, EntityTable]


def test_names_that_are_taken_are_told_apart(tmp_path: Path) -> None:
    head = "trip_id,started_at,ended_at,pickup_id,pickup_lat,pickup_lon,Pickup,note\n"
    rows = [
        f"t{n},{iso(1_714_000_000 + 60 * n)},{iso(1_714_000_600 + 60 * n)},p{n % 9},52.1,4.{n % 9},{'ab'[n % 2]},n{n}\n"
        for n in range(200)
    ]
    (tmp_path / "trips.csv").write_text(head + "".join(rows))
    (table,) = infer([tmp_path / "trips.csv"]).mapping.table
    assert isinstance(table, DecisionTable)
    assert set(table.keys) == {"trip", "pickup"} and set(table.context) == {"pickup_", "pickup__"}


def test_a_cancelled_order_ends_without_a_label(tmp_path: Path) -> None:
    from sixfold.beginning import from_files

    head = "order_id,created_at,cancelled_at,delivered_at,store_id,status\n"
    rows = [
        f"o{n},{iso(at := 1_714_000_000 + 1200 * n)},{iso(at + 300) if n % 9 == 0 else ''},"
        f"{iso(at + 1200 + n % 700) if n % 9 else ''},s{n % 5},{'gone' if n % 9 else 'void'}\n"
        for n in range(400)
    ]
    (tmp_path / "orders.csv").write_text(head + "".join(rows))
    from_files([tmp_path / "orders.csv"], tmp_path / "w")
    design = (tmp_path / "w" / "design.py").read_text()
    assert 'void=("cancelled",)' in design and 'outcome("delivered")' in design
    assert 'under_way("delivered", "cancelled", by="store")' in design and "status" not in design
