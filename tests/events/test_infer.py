from __future__ import annotations

import os
from pathlib import Path

import pytest

from sixfold.errors import DataError
from sixfold.events.converting import events_of
from sixfold.events.infer import Inferred, infer
from sixfold.events.mapping import (
    Attribute,
    EntityTable,
    Followed,
    ImpressionTable,
    Key,
    Number,
    OutcomeTable,
    Position,
)
from sixfold.events.mapping_toml import parse_mapping, write_mapping
from sixfold.events.schema import Events, concat
from sixfold.events.times import Time

DATA = Path(os.environ.get("SIXFOLD_DATA", "../shared/data"))
NOW = 1_800_000_000_000_000
real = pytest.mark.skipif(not (DATA / "movielens-1m").exists(), reason="MovieLens is not here; set SIXFOLD_DATA")


def taken(inferred: Inferred, base: Path) -> tuple[Events, int]:
    """Everything that the guessed mapping, written and read back, makes of the files."""
    mapping = parse_mapping(write_mapping(inferred.mapping, comments=inferred.comments()))
    assert mapping == inferred.mapping
    parts = [part for table, path in mapping.files(base) for part in events_of(path, table, now=NOW)]
    return concat(part.events for part in parts), sum(len(part.rejected) for part in parts)


@real
def test_movielens_1m_works_as_it_is() -> None:
    base = DATA / "movielens-1m"
    inferred = infer([base / name for name in ("ratings_users_1_2999.csv.gz", "movies.dat", "users.dat")], base=base)
    log = inferred.mapping.table[0]
    assert isinstance(log, OutcomeTable)
    assert (log.name, log.keys, log.value) == ("rating", {"member": "user_id", "movie": "movie_id"}, "rating")
    assert log.ts == Time("timestamp", unit="s")
    assert {(join.column, join.table, join.found, join.unused) for join in inferred.joins} == {
        ("user_id", "users.dat", 1.0, 3041),
        ("movie_id", "movies.dat", 1.0, 268),
    }
    tables = {table.of: table for table in inferred.mapping.table if isinstance(table, EntityTable)}
    assert tables["movie"].values == {"title": "c2", "c3": Attribute("c3", split="|")}
    assert tables["member"].values["c5"] == "c5"
    events, rejected = taken(inferred, base)
    assert rejected == 0
    assert {name: len(table["ts"]) for name, table in events.tables() if name != "decision"} == {
        "entity movie": 3883, "entity member": 6040, "outcome rating": 487_650,
    }  # fmt: skip
    assert b"02460" in events.entities["member"]["c5"]


@real
def test_movielens_100k_works_as_it_is() -> None:
    base = DATA / "movielens-100k"
    inferred = infer([base / name for name in ("u.item", "u.user", "u.data")], base=base)
    log = next(table for table in inferred.mapping.table if isinstance(table, OutcomeTable))
    assert (log.name, log.keys, log.value) == ("rating", {"member": "c1", "item": "c2"}, "c3")
    item = next(table for table in inferred.mapping.table if isinstance(table, EntityTable) and table.of == "item")
    assert item.values["c3"] == Attribute("c3", type="time", format="%d-%b-%Y")
    assert len(item.values["flags"].flags or {}) == 19  # type: ignore[union-attr]
    events, rejected = taken(inferred, base)
    assert (len(events), rejected) == (100_000 + 1682 + 943, 0)


def test_odd_files_that_belong_together(tmp_path: Path) -> None:
    """Semicolons, a byte order mark, decimal commas, ids that became floats, a quoted list, local dates."""
    rows = [f"{n % 40}.0;i{n % 25};{n % 9 + 1},5;{n % 28 + 1:02}.03.2024 10:{n % 60:02}" for n in range(200)]
    (tmp_path / "views.csv").write_text("\ufeffuserId;itemId;watch;when\n" + "\n".join(rows) + "\n", encoding="utf-8")
    lines = [f'i{n},"Film, the {n}th","red, green, t{n % 4}"' for n in range(30)]
    (tmp_path / "items.csv").write_text("itemId,title,tags\n" + "\n".join(lines) + "\n")
    inferred = infer([tmp_path / "items.csv", tmp_path / "views.csv"], base=tmp_path)
    log = next(table for table in inferred.mapping.table if isinstance(table, OutcomeTable))
    assert log.keys == {"member": Key("userId", integer=True), "item": "itemId"}
    assert log.value == Number("watch", decimal=",")
    assert log.ts == Time("when", format="%d.%m.%Y %H:%M")
    assert log.name == "watch"
    item = next(table for table in inferred.mapping.table if isinstance(table, EntityTable))
    assert item.values == {"title": "title", "tags": Attribute("tags", split=", ")}
    events, rejected = taken(inferred, tmp_path)
    assert (len(events), rejected) == (230, 0)
    assert b"39" in events.outcomes["watch"]["member"]


def test_impressions_are_seen_by_position_and_a_flag(tmp_path: Path) -> None:
    rows = [
        f"r{n // 4},u{n // 4 % 9},v{n % 13},{n % 4},{int(n % 3 == 0)},{1_700_000_000 + n // 4},tv" for n in range(200)
    ]
    (tmp_path / "shown.csv").write_text("request_id,user_id,video_id,position,clicked,ts,device\n" + "\n".join(rows))
    inferred = infer([tmp_path / "shown.csv"], base=tmp_path)
    (table,) = inferred.mapping.table
    assert isinstance(table, ImpressionTable)
    assert (table.decision, table.keys, table.item) == ("request_id", {"member": "user_id"}, {"video": "video_id"})
    assert table.position == Position("position", first=0)
    assert table.outcomes == {"click": Followed(flag="clicked")}
    assert table.context == {"device": "device"}
    events, rejected = taken(inferred, tmp_path)
    assert (len(events.decisions["ts"]), len(events.shown["item"]), rejected) == (50, 200, 0)


def test_a_unique_id_is_neither_item_nor_decision(tmp_path: Path) -> None:
    rows = [f"{n},s{n // 5},u{n // 5 % 4},i{n % 9},{n % 5 + 1},{int(n % 4 == 0)},170000{n // 5:04}" for n in range(99)]
    (tmp_path / "x.csv").write_text("impression_id,session,user_id,item_id,rank,is_click,time\n" + "\n".join(rows))
    (table,) = infer([tmp_path / "x.csv"], base=tmp_path).mapping.table
    assert isinstance(table, ImpressionTable)
    assert (table.decision, table.item, table.position) == ("session", {"item": "item_id"}, "rank")


def test_a_log_without_names_says_that_it_is_unsure(tmp_path: Path) -> None:
    rows = [f"{n % 30},{n % 21 + 100},{n % 5 + 1},{1_700_000_000 + 9 * n}" for n in range(300)]
    (tmp_path / "x.data").write_text("\n".join(rows))
    inferred = infer([tmp_path / "x.data"], base=tmp_path)
    (table,) = inferred.mapping.table
    assert isinstance(table, OutcomeTable)
    assert (table.keys, table.value, table.ts) == ({"member": "c1", "item": "c2"}, "c3", Time("c4", unit="s"))
    unsure = [guess.what for guess in inferred.guesses if guess.certainty == "unsure"]
    assert unsure == ["member", "item"]


def test_a_table_that_joins_nothing_is_left_out_and_said(tmp_path: Path) -> None:
    rows = [f"u{n % 30},m{n % 21},{1_700_000_000 + n}" for n in range(300)]
    (tmp_path / "log.csv").write_text("user_id,movie_id,ts\n" + "\n".join(rows))
    (tmp_path / "shops.csv").write_text("shop,city\n" + "".join(f"s{n},c{n % 3}\n" for n in range(30)))
    assert list(infer([tmp_path / "log.csv", tmp_path / "shops.csv"]).ignored) == ["shops.csv"]


def test_no_log_among_the_files(tmp_path: Path) -> None:
    (tmp_path / "shops.csv").write_text("shop,city\n" + "".join(f"s{n},c{n % 3}\n" for n in range(30)))
    with pytest.raises(DataError, match="no file is a log"):
        infer([tmp_path / "shops.csv"])


def test_a_name_with_a_bracket_is_found_again(tmp_path: Path) -> None:
    rows = [f"u{n % 30},m{n % 21},{1_700_000_000 + n}" for n in range(60)]
    (tmp_path / "log[1].csv").write_text("user_id,movie_id,ts\n" + "\n".join(rows))
    (tmp_path / "sub").mkdir()
    inferred = infer([tmp_path / "log[1].csv"], base=tmp_path / "sub")
    assert len(taken(inferred, tmp_path / "sub")[0]) == 60


def test_a_log_of_several_kinds_of_event_is_a_table_for_each(tmp_path: Path) -> None:
    rows = [f"{n % 17},{n % 29},{('view', 'add to cart')[n % 3 == 0]},{1_700_000_000_000 + n}" for n in range(90)]
    (tmp_path / "events.csv").write_text("visitorid,itemid,event,timestamp\n" + "\n".join(rows))
    inferred = infer([tmp_path / "events.csv"], base=tmp_path)
    events, rejected = taken(inferred, tmp_path)
    assert rejected == 0
    assert {name: len(table["ts"]) for name, table in events.outcomes.items()} == {"add_to_cart": 30, "view": 60}
    assert set(events.outcomes["view"]) == {"id", "ts", "decision", "value", "member", "item"}
