"""Native events from files: no mapping, resumable, quarantined by line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from sixfold.events.outgoing import render
from sixfold.events.quarantine import read_held
from sixfold.workspace import Workspace
from tests.cli.calling import call
from tests.logs import random_log


def test_native_events_go_in_without_a_mapping(tmp_path: Path):
    log = random_log(np.random.default_rng(0))
    path, folder = tmp_path / "log.jsonl", tmp_path / "w"
    path.write_bytes(render(log) + b'{"kind": "outcome", "id": "x"}\n')
    (taken,) = call("ingest", path, "--json", folder=folder).json
    assert (taken["accepted"], taken["duplicates"]) == (len(log), 0)
    assert taken["reasons"] == {"object missing required field name": 1}
    with Workspace(folder).log() as kept:
        stored = kept.all().content()
    assert all((stored[name] == hashes).all() for name, hashes in log.content().items())
    assert call("ingest", path, folder=folder).out == "log.jsonl: read before, unchanged\n"


def test_a_file_that_grew_gives_only_what_is_new(tmp_path: Path):
    path, folder = tmp_path / "log.jsonl", tmp_path / "w"
    line = '{"kind": "outcome", "id": "%s", "ts": 1700000000, "name": "watch", "keys": {"member": "m"}, "value": %d}\n'
    path.write_text(line % ("a", 1))
    call("ingest", path, folder=folder)
    path.write_text(line % ("a", 1) + line % ("b", 1) + "\n" + line % ("a", 2))
    (taken,) = call("ingest", path, "--json", folder=folder).json
    assert (taken["accepted"], taken["duplicates"]) == (1, 1)
    (held,) = read_held(folder / "events" / "quarantine.jsonl")
    assert (held.row, held.reason) == (4, "id is known with other content")
    assert msgspec.json.decode(held.raw["line"])["value"] == 2


def test_a_mapping_that_is_given_is_used(tmp_path: Path):
    """A table may look like events; whoever names a mapping means it."""
    path, mapping = tmp_path / "log.jsonl", tmp_path / "mapping.toml"
    path.write_text('{"kind": "outcome", "id": "a", "ts": 1700000000, "who": "m"}\n')
    mapping.write_text(
        '[[table]]\nfile = "log.jsonl"\nkind = "outcome"\nname = "seen"\nts = "ts"\nid = "id"\nkeys = {member = "who"}\n'
    )
    (taken,) = call("ingest", path, "--map", mapping, "--json", folder=tmp_path / "w").json
    assert taken["accepted"] == 1


ORDERS = """
[[table]]
file = "orders.csv"
kind = "decision"
decision = "id"
ts = "at"
keys = {order = "id", store = "store"}
context = {drop = {lat = "lat", lon = "lon"}}
outcomes = {done = {ts = "done"}}

[[table]]
file = "orders.csv"
kind = "entity"
of = "store"
key = "store"
values = {city = "city"}
"""


def ingested(folder: Path, rows: str) -> dict:
    """What became of a file of orders, as the command tells it."""
    (folder / "mapping.toml").write_text(ORDERS)
    (folder / "orders.csv").write_text("id,at,done,store,city,lat,lon\n" + rows)
    (taken,) = call(
        "ingest", folder / "orders.csv", "--map", folder / "mapping.toml", "--json", folder=folder / "w"
    ).json
    return taken


def test_orders_that_end_later_are_the_same_orders(tmp_path: Path):
    open_, ended = "a,1700000000,,s1,c,0,0\n", "a,1700000000,1700000900,s1,c,0,0\n"
    rest = "b,1700000100,1700000500,s1,c,52.1,4.9\nc,1700000200,1700000600,s2,c,52.1,4.9\n"
    first = ingested(tmp_path, open_ + rest)
    assert (first["accepted"], first["duplicates"]) == (3 + 2 + 2, 0)  # orders, their ends, two stores
    assert first["unknown"] == {"drop (lat, lon): the place is (0, 0)": 1}
    again = ingested(tmp_path, ended + rest)
    assert (again["accepted"], again["duplicates"], again["reasons"]) == (1, 7, {})
    with Workspace(tmp_path / "w").log() as log:
        done = log.all().outcomes["done"]
    assert sorted(zip(done["decision"].tolist(), done["value"].tolist(), strict=True)) == [
        (b"a", 900.0), (b"b", 400.0), (b"c", 400.0),
    ]  # fmt: skip


def test_a_mended_order_is_read_again(tmp_path: Path):
    taken = ingested(tmp_path, "a,1700000000,1699999999,s1,c,52.1,4.9\n")
    assert taken["reasons"] == {"done is before at": 1} and taken["accepted"] == 1  # the store is sound
    held = tmp_path / "w" / "events" / "quarantine.jsonl"
    (row,) = read_held(held)
    assert (row.reason, row.raw["done"]) == ("done is before at: 1699999999", "1699999999")
    held.write_text(held.read_text().replace('"done":"1699999999"', '"done":"1700000060"'))
    (again,) = call(
        "ingest", held, "--replay", "--map", tmp_path / "mapping.toml", "--json", folder=tmp_path / "w"
    ).json
    assert (again["accepted"], again["reasons"]) == (2, {}) and not held.exists()
