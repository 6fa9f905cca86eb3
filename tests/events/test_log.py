"""The log: durable, in order of acceptance, idempotent by id, and honest about damage."""

from __future__ import annotations

from dataclasses import replace

import apsw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logs import random_log

from sixfold.errors import DataError
from sixfold.events.log import EventLog
from sixfold.events.schema import Events, concat, take
from sixfold.types import DAY

LOG = random_log(np.random.default_rng(0))
FIRST, SECOND = LOG.before(int(np.median(LOG.decisions["ts"]))), LOG.between(int(np.median(LOG.decisions["ts"])), 2**62)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events" / "log.sqlite"


def outcomes(*rows: tuple[str, int, float], name: str = "watch") -> Events:
    ids, ts, values = zip(*rows, strict=True)
    n = len(rows)
    table = {
        "id": np.array([i.encode() for i in ids]), "ts": np.array(ts), "decision": np.zeros(n, "S1"),
        "value": np.array(values, np.float64), "member": np.array([b"m"] * n),
    }  # fmt: skip
    return Events(outcomes={name: table})


def test_what_was_appended_is_read_in_order(path):
    with EventLog(path) as log:
        assert (len(log), log.head(), list(log.read())) == (0, 0, [])
        one, two = log.append(FIRST), log.append(SECOND)
        assert (one.offset, two.offset, log.head()) == (1, 2, 2)
        assert (one.accepted, one.duplicates, one.conflicts) == (len(FIRST), 0, {})
        assert len(log) == len(LOG)
        assert [offset for offset, _ in log.read()] == [1, 2]
        assert [len(events) for _, events in log.read(since=1)] == [len(SECOND)]
        assert log.all().decisions["id"].tolist() == concat([FIRST, SECOND]).decisions["id"].tolist()


def test_it_is_there_when_opened_again(path):
    with EventLog(path) as log:
        log.append(LOG)
    with EventLog(path, create=False) as log:
        assert len(log) == len(LOG)
        again = log.append(LOG)
        assert (again.offset, again.accepted, again.duplicates) == (None, 0, len(LOG))
        assert len(log) == len(LOG)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=6))
def test_batches_that_overlap_add_up_to_their_union(tmp_path_factory, cuts):
    start = int(LOG.decisions["ts"].min())
    parts = [LOG.between(start + min(cut) * DAY, start + max(cut) * DAY) for cut in cuts]
    with EventLog(tmp_path_factory.mktemp("log") / "log.sqlite") as log:
        done = [log.append(part) for part in parts]
        expected = {i for part in parts for _, table in part.tables() for i in table["id"].tolist()}
        assert len(log) == len(expected) == sum(one.accepted for one in done)
        assert not any(one.conflicts for one in done)
        assert all(one.accepted + one.duplicates == len(part) for one, part in zip(done, parts, strict=True))


def test_a_duplicate_within_one_batch_is_left_out(path):
    with EventLog(path) as log:
        done = log.append(outcomes(("a", 1, 1.0), ("b", 2, 2.0), ("a", 1, 1.0)))
        assert (done.accepted, done.duplicates, done.conflicts) == (2, 1, {})
        assert log.all().outcomes["watch"]["id"].tolist() == [b"a", b"b"]


def test_another_content_under_a_known_id_is_handed_back(path):
    with EventLog(path) as log:
        log.append(outcomes(("a", 1, 1.0), ("b", 2, 2.0)))
        done = log.append(outcomes(("b", 2, 9.0), ("c", 3, 3.0), ("a", 1, 1.0)))
        assert (done.accepted, done.duplicates) == (1, 1)
        assert done.conflicts["outcome watch"].tolist() == [True, False, False]
        assert log.all().outcomes["watch"]["value"].tolist() == [1.0, 2.0, 3.0], "the first one stands"


def test_two_contents_under_one_id_in_one_batch(path):
    with EventLog(path) as log:
        done = log.append(outcomes(("a", 1, 1.0), ("a", 1, 2.0)))
        assert (done.accepted, done.duplicates) == (1, 0)
        assert done.conflicts["outcome watch"].tolist() == [False, True]


def test_an_id_is_one_across_tables(path):
    with EventLog(path) as log:
        log.append(outcomes(("a", 1, 1.0)))
        done = log.append(outcomes(("a", 1, 2.0), name="click"))
        assert done.accepted == 0 and done.conflicts["outcome click"].tolist() == [True]


def test_a_changed_slate_is_a_conflict(path):
    with EventLog(path) as log:
        log.append(LOG)
        fresh = LOG.shown["item"].copy()
        fresh[:4] = b"v99"
        done = log.append(replace(LOG, shown={**LOG.shown, "item": fresh}))
        assert np.flatnonzero(done.conflicts["decision"]).tolist() == [0]
        assert done.accepted == 0 and done.duplicates == len(LOG) - 1


def test_a_decision_left_out_takes_its_impressions_along(path):
    with EventLog(path) as log:
        log.append(FIRST)
        log.append(LOG)
        found = log.all()
        assert len(found.shown["item"]) == len(LOG.shown["item"])
        by_id = dict(zip(LOG.decisions["id"].tolist(), LOG.shown["item"].reshape(-1, 4).tolist(), strict=True))
        for row, name in enumerate(found.decisions["id"].tolist()):
            assert found.shown["item"][found.shown["decision"] == row].tolist() == by_id[name]


def test_nothing_new_writes_nothing(path):
    with EventLog(path) as log:
        assert log.append(Events()).offset is None
        assert log.head() == 0


def test_checksums_tell_logs_apart(path, tmp_path):
    with EventLog(path) as log, EventLog(tmp_path / "other.sqlite") as other:
        log.append(FIRST)
        other.append(SECOND)
        assert log.crc(1) != other.crc(1) and log.crc(1) != 0
        assert log.crc(0) == log.crc(2) == 0


def test_notes_are_kept(path):
    with EventLog(path) as log:
        assert log.note("file a") is None
        log.remember("file a", "1")
        log.remember("file a", "2")
    with EventLog(path) as log:
        assert log.note("file a") == "2"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_flipped_byte_of_a_body_names_its_batch(path, share):
    with EventLog(path) as log:
        log.append(FIRST)
        log.append(SECOND)
    db = apsw.Connection(str(path))
    body = bytearray(next(iter(db.execute("select body from batches where offset = 2")))[0])
    body[int(share * len(body))] ^= 1
    db.execute("update batches set body = ? where offset = 2", (bytes(body),))
    db.close()
    with EventLog(path) as log:
        read = log.read()
        assert next(read)[0] == 1
        with pytest.raises(DataError, match=r"batch 2 of .* is damaged"):
            next(read)


def test_what_is_no_database_is_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"id,ts\n" * 1000)
    with pytest.raises(DataError, match="is no log of Sixfold"):
        EventLog(path)
    assert path.read_bytes() == b"id,ts\n" * 1000


def test_another_database_is_refused_and_left_as_it_is(path):
    path.parent.mkdir()
    db = apsw.Connection(str(path))
    db.execute("create table songs (name text)")
    db.close()
    with pytest.raises(DataError, match="is no log of Sixfold"):
        EventLog(path)


def test_a_log_of_a_newer_version_is_refused(path):
    EventLog(path).close()
    db = apsw.Connection(str(path))
    db.execute("pragma user_version = 4")
    db.close()
    with pytest.raises(DataError, match="has schema version 4, this Sixfold reads 3; update Sixfold"):
        EventLog(path)


def test_a_log_that_is_not_there(path):
    with pytest.raises(DataError, match=r"no log at .*; run 'sixfold ingest FILE'"):
        EventLog(path, create=False)
    assert not path.parent.exists()


def test_a_reader_sees_what_a_writer_committed(path):
    with EventLog(path) as writer, EventLog(path) as reader:
        writer.append(FIRST)
        assert reader.head() == 1 and len(reader) == len(FIRST)
        writer.append(SECOND)
        assert [offset for offset, _ in reader.read(since=1)] == [2]


def test_many_small_batches_are_known_by_binary_search(path):
    """The index merges its runs as they grow: every id is found, wherever its run has gone."""
    with EventLog(path) as log:
        for row in range(40):
            log.append(outcomes((f"o{row}", row, float(row))))
        everything = log.all()
        assert log.append(everything).duplicates == 40
        order = np.random.default_rng(0).permutation(40)
        assert log.append(Events(outcomes={"watch": take(everything.outcomes["watch"], order)})).duplicates == 40
