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
