from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sixfold.events.converting import events_of
from sixfold.events.mapping_toml import parse_mapping
from sixfold.events.rows import Rejected
from sixfold.events.schema import Events, concat

NOW = 1_800_000_000_000_000
HEADER = "request_id,t,user,video,slot,p,clicked,watch_s,end,device\n"
TABLE = """
[[table]]
file = "shown.csv"
kind = "impression"
decision = "request_id"
ts = "t"
keys = {member = "user"}
item = {video = "video"}
position = {column = "slot", first = 0}
propensity = "p"
context = {device = "device"}
outcomes = {click = {flag = "clicked"}, watch = {value = "watch_s", ts = "end"}}
"""
GOOD = (
    "r1,1700000000,u1,v1,0,0.5,1,12.5,1700000020,tv\n"
    "r1,1700000001,u1,v2,1,0.5,0,,,tv\n"
    "r2,1700000005,u2,v1,0,0.1,0,0,,web\n"
    "r1,1700000002,u1,v3,2,0.2,1,0,,tv\n"
)


def convert(tmp_path: Path, rows: str, *, text: str = TABLE, size: int = 50_000) -> tuple[Events, Rejected]:
    path = tmp_path / "shown.csv"
    path.write_text(HEADER + rows)
    parts = list(events_of(path, parse_mapping(text).table[0], now=NOW, size=size))
    return concat(part.events for part in parts), sum((part.rejected for part in parts), Rejected())


def slates(events: Events) -> dict[bytes, list[tuple[bytes, int]]]:
    shown = events.shown
    out: dict[bytes, list[tuple[bytes, int]]] = {name: [] for name in events.decisions["id"].tolist()}
    rows = zip(shown["decision"].tolist(), shown["item"].tolist(), shown["position"].tolist(), strict=True)
    for decision, item, position in rows:
        out[events.decisions["id"][decision]].append((item, position))
    return out


@pytest.mark.parametrize("size", [50_000, 4, 3])
def test_rows_become_slates_and_outcomes_however_they_are_cut(tmp_path: Path, size: int) -> None:
    events, rejected = convert(tmp_path, GOOD, size=size)
    assert len(rejected) == 0
    assert slates(events) == {b"r1": [(b"v1", 1), (b"v2", 2), (b"v3", 3)], b"r2": [(b"v1", 1)]}
    decisions = dict(zip(events.decisions["id"].tolist(), events.decisions["ts"].tolist(), strict=True))
    assert decisions == {b"r1": 1_700_000_000_000_000, b"r2": 1_700_000_005_000_000}
    assert sorted(events.decisions["context.device"].tolist()) == [b"tv", b"web"]
    click, watch = events.outcomes["click"], events.outcomes["watch"]
    assert click["video"].tolist() == [b"v1", b"v3"]
    assert click["decision"].tolist() == [b"r1", b"r1"]
    assert (watch["ts"].tolist(), watch["value"].tolist()) == ([1_700_000_020_000_000], [12.5])


def test_a_decision_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    bad = "r3,1700000006,u3,v1,x,1,0,0,,web\nr3,1700000006,u3,v2,1,1,0,0,,web\n"
    events, rejected = convert(tmp_path, GOOD + bad)
    assert set(slates(events)) == {b"r1", b"r2"}
    assert dict(zip(rejected.rows, rejected.reasons, strict=True)) == {
        6: "slot is not a number",
        7: "another row of its decision was rejected",
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("r3,1700000006,u3,v1,-1,1,0,0,,web\n", "slot is no whole number from 0"),
        ("r3,1700000006,u3,v1,0,0,0,0,,web\n", "p is no probability in (0, 1]"),
        ("r3,1700000006,u3,v1,0,1,0,-3,,web\n", "watch_s is below 0"),
        ("r3,1700000006,u3,v1,0,1,0,3,,web\n", "end is missing"),
        ("r3,1700000006,u3,v1,0,1,0,3,1700000005,web\n", "end is before the decision"),
        ("r3,1700000006,u3,,0,1,0,3,1700000009,web\n", "video is missing"),
    ],
)
def test_faults(tmp_path: Path, row: str, reason: str) -> None:
    assert convert(tmp_path, GOOD + row)[1].reasons == (reason,)


def test_rows_that_disagree_about_their_decision(tmp_path: Path) -> None:
    _, rejected = convert(tmp_path, GOOD + "r2,1700000005,u9,v2,1,1,0,0,,web\n")
    assert "member differs within one decision" in rejected.reasons
    assert rejected.rows == (4, 6)


def test_a_row_that_comes_when_its_decision_is_past(tmp_path: Path) -> None:
    filler = "".join(f"f{n},1700000005,u2,v1,0,0.1,0,0,,web\n" for n in range(8))
    late = "r1,1700000002,u1,v9,3,0.2,0,0,,tv\n"
    events, rejected = convert(tmp_path, GOOD + filler + late, size=4)
    assert rejected.reasons == ("comes after its decision was complete; sort the file by decision",)
    assert len(events.decisions["ts"]) == 10


def test_without_ids_and_positions_keys_time_and_order_stand_in(tmp_path: Path) -> None:
    text = TABLE.replace('decision = "request_id"\n', "").replace('position = {column = "slot", first = 0}\n', "")
    rows = "".join(
        f"x,17000000{s},{u},v{n},0,1,0,0,,tv\n" for n, (s, u) in enumerate([("00", "a"), ("00", "b"), ("00", "a")])
    )
    events, _ = convert(tmp_path, rows, text=text)
    assert list(slates(events).values()) == [[(b"v0", 1), (b"v2", 2)], [(b"v1", 1)]]


def test_a_conflicting_decision_gives_all_its_rows_back(tmp_path: Path) -> None:
    path = tmp_path / "shown.csv"
    path.write_text(HEADER + GOOD)
    parts = list(events_of(path, parse_mapping(TABLE).table[0], now=NOW))
    part = next(part for part in parts if len(part.events))
    assert part.conflicting({"decision": np.array([True, False])}).rows == (2, 3, 5)


def test_a_time_of_two_columns_tells_decisions_apart(tmp_path: Path) -> None:
    path = tmp_path / "shown.csv"
    path.write_text(
        "day,clock,user,video\n2024-05-01,12:00,u1,v1\n2024-05-01,12:00,u1,v2\n2024-05-01,12:05,u1,v1\n2024-05-02,12:00,u1,v1\n"
    )
    table = parse_mapping(
        '[[table]]\nfile = "shown.csv"\nkind = "impression"\nts = {columns = ["day", "clock"]}\nkeys = {member = "user"}\n'
        'item = {video = "video"}\n'
    ).table[0]
    found = concat(part.events for part in events_of(path, table, now=NOW, size=1))
    assert np.bincount(found.shown["decision"]).tolist() == [2, 1, 1]
