from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sixfold.errors import DataError
from sixfold.events.converting import events_of
from sixfold.events.mapping import Table
from sixfold.events.mapping_toml import parse_mapping
from sixfold.events.rows import Rejected
from sixfold.events.schema import ALWAYS, Events, concat

DATA = Path(os.environ.get("SIXFOLD_DATA", "../shared/data"))
NOW = 1_800_000_000_000_000
RATING = """
[[table]]
file = "r.csv"
kind = "outcome"
name = "rating"
ts = "t"
keys = {member = "u", movie = "m"}
value = "stars"
"""


def convert(path: Path, table: Table, *, size: int = 50_000) -> tuple[Events, Rejected]:
    parts = list(events_of(path, table, now=NOW, size=size))
    return concat(part.events for part in parts), sum((part.rejected for part in parts), Rejected())


def test_ratings_become_outcomes(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("u,m,stars,t\n1,9,4.5,1700000000\n2,é,3,1700000001\n")
    events, rejected = convert(path, parse_mapping(RATING).table[0])
    table = events.outcomes["rating"]
    assert len(rejected) == 0
    assert table["member"].tolist() == [b"1", b"2"]
    assert table["movie"].tolist() == [b"9", "é".encode()]
    assert table["value"].tolist() == [4.5, 3.0]
    assert table["ts"].tolist() == [1_700_000_000_000_000, 1_700_000_001_000_000]
    assert table["decision"].tolist() == [b"", b""]


def test_ids_come_from_what_a_row_says(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("u,m,stars,t\n" + "1,9,4,1700000000\n" * 2 + "9,1,4,1700000000\n1,9,5,1700000000\n")
    table = parse_mapping(RATING).table[0]
    ids = convert(path, table)[0].outcomes["rating"]["id"].tolist()
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert convert(path, table, size=1)[0].outcomes["rating"]["id"].tolist() == ids


def test_no_row_is_lost_whatever_is_wrong_with_it(tmp_path: Path) -> None:
    bad = [
        "1,9,4,",
        "1,9,nan,1700000000",
        "1,9,x,1700000000",
        ",9,4,1700000000",
        "1,9,4,1900000000",
        "1,9",
        "1,9,4,170000",
    ]
    path = tmp_path / "r.csv"
    path.write_text("u,m,stars,t\n" + "1,9,4,1700000000\n" * 200 + "\n".join(bad) + "\n")
    for size in (50_000, 3):
        events, rejected = convert(path, parse_mapping(RATING).table[0], size=size)
        assert len(events) == 200
        assert sorted(rejected.rows) == list(range(202, 202 + len(bad)))
        assert dict(zip(rejected.rows, rejected.reasons, strict=True)) == {
            202: "t is missing", 203: "stars is missing", 204: "stars is not a number", 205: "u is missing",
            206: "t is in the future", 207: "has 2 fields, expected 4", 208: "t is before 1980",
        }  # fmt: skip


def test_a_duration_is_not_negative_unless_the_mapping_says_so(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("u,m,watch_s,t\n1,9,-4,1700000000\n2,9,4,1700000000\n")
    plain = RATING.replace('"stars"', '"watch_s"')
    assert convert(path, parse_mapping(plain).table[0])[1].reasons == ("watch_s is below 0",)
    free = RATING.replace('"stars"', '{column = "watch_s", at_least = -10}')
    assert len(convert(path, parse_mapping(free).table[0])[0]) == 2


def test_conflicts_found_by_the_log_lead_back_to_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("u,m,stars,t\n,9,4,1700000000\n1,9,4,1700000000\n2,9,4,1700000000\n")
    (part,) = events_of(path, parse_mapping(RATING).table[0], now=NOW)
    found = part.conflicting({"outcome rating": np.array([False, True])})
    assert found.rows == (4,)
    assert found.raw[0]["u"] == "2"
    assert found.reasons == ("id is known with other content",)


ITEMS = """
[[table]]
file = "i.csv"
kind = "entity"
of = "movie"
key = {column = "id", integer = true}
[table.values]
title = "name"
genre = {column = "genres", split = "|"}
length_s = {column = "length", type = "number", decimal = ","}
published = {column = "date", type = "time", format = "%d-%b-%Y"}
mood = {flags = {dark = "is_dark", light = "is_light"}}
"""


def test_items_become_entities(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("id;name;genres;length;date;is_dark;is_light\n1.0;Heat;a|b;3,5;02-Jan-1970;1;1\n2.0;Up;;NA;;0;1\n")
    events, rejected = convert(path, parse_mapping(ITEMS).table[0])
    table = events.entities["movie"]
    assert len(rejected) == 0
    assert table["key"].tolist() == [b"1", b"2"]
    assert table["ts"].tolist() == [ALWAYS, ALWAYS]
    assert table["genre"].tolist() == [b"a\x1fb", b""]
    assert table["mood"].tolist() == [b"dark\x1flight", b"light"]
    np.testing.assert_array_equal(table["length_s"], [3.5, np.nan])
    np.testing.assert_array_equal(table["published"], [86_400.0, np.nan])


def test_a_column_that_the_file_lacks(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("u,m,star,t\n1,9,4,1700000000\n")
    with pytest.raises(DataError, match="did you mean 'star'"):
        convert(path, parse_mapping(RATING).table[0])


@pytest.mark.skipif(not (DATA / "movielens-1m").exists(), reason="MovieLens-1M is not here; set SIXFOLD_DATA")
def test_ratings_without_a_time_are_kept_apart() -> None:
    text = RATING.replace('"t"', '"timestamp"').replace('"u"', '"user_id"').replace('"m"', '"movie_id"')
    table = parse_mapping(text.replace('"stars"', '"rating"')).table[0]
    events, rejected = convert(DATA / "movielens-1m/ratings.parquet", table)
    assert len(events) == 490_691
    assert len(rejected) == 509_518
    assert set(rejected.reasons) == {"timestamp is missing"}
    assert events.span() == (956_712_388_000_000, 1_046_454_590_000_000)
