"""Retention: whole days of the settled part go, what is known of entities stays, and states are built anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.events.test_settling import Clock, filled, ids
from tests.logs import START, random_log, same_batches

from sixfold.errors import DataError
from sixfold.events import settled, settling
from sixfold.events.hours import HOUR
from sixfold.events.log import EventLog
from sixfold.events.retention import retain
from sixfold.events.schema import ALWAYS, Events
from sixfold.events.settling import settle
from sixfold.types import DAY


@pytest.fixture
def clock() -> Clock:
    return Clock()


def video(*rows: tuple[str, int, str, dict[str, float]]) -> Events:
    """Entity events (id, ts, key, fields), a missing field as NaN."""
    fields = sorted({name for *_, values in rows for name in values})
    table = {
        "id": np.array([row[0].encode() for row in rows]), "ts": np.array([row[1] for row in rows]),
        "key": np.array([row[2].encode() for row in rows]),
        **{name: np.array([row[3].get(name, np.nan) for row in rows]) for name in fields},
    }  # fmt: skip
    return Events(entities={"video": table})


def test_whole_days_go_and_everything_else_stays(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        settle(log, now=clock.now + 2 * DAY)
        before, end = list(log.read()), log.end()
        found = retain(log, now=clock.now + 2 * DAY, keep=2 * DAY)
        first = (end - 2 * DAY) // DAY
        assert found.since == str(np.datetime64(first, "D"))
        expected = [
            (offset, events.select({
                name: (table["ts"] >= first * DAY) | name.startswith("entity ") for name, table in events.tables()
            })) for offset, events in before
        ]  # fmt: skip
        same_batches(expected, list(log.read()))
        gone = sum(len(a) - len(b) for (_, a), (_, b) in zip(before, expected, strict=True))
        assert gone == sum(found.events.values()) > 0 and len(log) == sum(len(events) for _, events in expected)
        assert log.end() == end and log.head() == len(before)
        assert retain(log, now=clock.now + 2 * DAY, keep=2 * DAY).events == {}


def test_nothing_of_what_is_not_settled_goes(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        before = list(log.read())
        assert retain(log, now=clock.now, keep=DAY).events == {}
        same_batches(before, list(log.read()))


def test_a_log_that_ended_long_ago_is_not_emptied(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        settle(log, now=clock.now + 2 * DAY)
        assert retain(log, now=clock.now + 4000 * DAY, keep=30 * DAY).events == {}


def test_of_entities_the_first_the_undated_and_the_newest_of_each_field_stay(tmp_path, clock):
    day = [START + at * DAY for at in range(6)]
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        log.append(video(("always", int(ALWAYS), "v0", {"price": 1.0}), ("first", day[0], "v1", {"price": 1.0})))
        log.append(video(("title", day[1], "v1", {"title": 7.0}), ("dull", day[1], "v0", {"price": 2.0})))
        log.append(video(("stale", day[2], "v1", {"price": 2.0}), ("newest", day[3], "v0", {"price": 3.0})))
        log.append(video(("price", day[3], "v1", {"price": 3.0})))
        log.append(Events(outcomes={"watch": {
            "id": np.array([b"o"]), "ts": np.array([day[5]]), "decision": np.zeros(1, "S1"), "value": np.ones(1),
            "video": np.array([b"v1"]),
        }}))  # fmt: skip
        settle(log, now=clock.now + 2 * DAY)
        assert retain(log, now=day[5], keep=DAY).events == {"entity video": 2}
        assert ids(log.all()) == [b"always", b"first", b"title", b"newest", b"price", b"o"]
        assert retain(log, now=day[5], keep=DAY).events == {}


def test_states_are_of_another_log_then(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        settle(log, now=clock.now + 2 * DAY)
        before = log.crc(log.head())
        retain(log, now=clock.now, keep=400 * DAY)
        assert log.crc(log.head()) == before, "nothing went"
        retain(log, now=clock.now, keep=2 * DAY)
        assert log.crc(log.head()) not in (0, before)


def test_what_was_served_of_decisions_that_go_goes_too(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        log.keep({name.decode(): name for name in log.all().decisions["id"].tolist()})
        settle(log, now=clock.now + 2 * DAY)
        retain(log, now=clock.now, keep=2 * DAY)
        assert sorted(log.kept()) == sorted(log.all().decisions["id"].tolist())


def test_who_is_in_the_midst_of_a_generation_reads_it_to_its_end(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log, EventLog(tmp_path / "log.sqlite") as reader:
        settle(log, now=clock.now + 2 * DAY)
        before, reading = list(log.read()), reader.read()
        begun = next(reading)
        retain(log, now=clock.now, keep=2 * DAY)
        same_batches(before, [begun, *reading])


def test_a_reader_that_comes_too_late_for_a_file_is_told(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(settling, "GENERATION", 150)
    with filled(tmp_path / "log.sqlite", clock) as log, EventLog(tmp_path / "log.sqlite") as reader:
        settle(log, now=clock.now + 2 * DAY)
        reading = reader.read()
        next(reading)
        retain(log, now=clock.now, keep=DAY)
        with pytest.raises(DataError, match="is gone: the log was changed while it was read, so read it again"):
            list(reading)


class Model:
    """A log as lists, of which retention is a loop over events."""

    def __init__(self) -> None:
        self.batches: dict[int, Events] = {}

    def retain(self, last: int, since: int) -> None:
        """Nothing of the batches up to `last` stays that is of a day before `since`, but what entities need."""
        stays = set()
        rows = self._said(last)
        for mine in ([row for row in rows if row[2] == key] for key in {row[2] for row in rows}):
            stays |= {mine[0][1], min(mine)[1]}
            stays |= {
                max(row for row in mine if field in row[3])[1] for field in {name for row in mine for name in row[3]}
            }
        for offset in [offset for offset in self.batches if offset <= last]:
            events = self.batches[offset]
            keep = {
                name: (table["ts"] // DAY >= since) | (np.isin(table["id"], list(stays)) & name.startswith("entity "))
                for name, table in events.tables()
            }
            self.batches[offset] = events.select(keep)

    def _said(self, last: int) -> list[tuple[int, bytes, bytes, tuple[str, ...]]]:
        """(ts, id, key, fields) of what was said of videos, in order of acceptance."""
        out = []
        for offset in sorted(offset for offset in self.batches if offset <= last):
            table = self.batches[offset].entities.get("video", {"ts": np.empty(0)})
            fields = [name for name in ("price", "title") if name in table]
            for row in range(len(table["ts"])):
                told = tuple(name for name in fields if not np.isnan(table[name][row]))
                out.append((int(table["ts"][row]), bytes(table["id"][row]), bytes(table["key"][row]), told))
        return out

    def end(self) -> int:
        return max((events.span()[1] for events in self.batches.values()), default=0)


APPEND = st.tuples(st.just("append"), st.integers(0, 3), st.sampled_from(["price", "title", "both", "watch"]))
STEP = st.one_of(
    APPEND,
    APPEND,
    st.tuples(st.just("settle"), st.integers(0, 12), st.just("")),
    st.tuples(st.just("retain"), st.just(1), st.just("")),
)


def happened(number: int, now: int, key: int, what: str) -> Events:
    """A batch of two watches, or of two things said of videos."""
    if what == "watch":
        table = {
            "id": np.array([f"w{number}a".encode(), f"w{number}b".encode()]), "ts": np.array([now, now - DAY]),
            "decision": np.zeros(2, "S1"), "value": np.ones(2), "video": np.array([f"v{key}".encode()] * 2),
        }  # fmt: skip
        return Events(outcomes={"watch": table})
    said = {name: float(number) for name in (("price", "title") if what == "both" else (what,))}
    return video((f"e{number:03d}a", now, f"v{key}", said), (f"e{number:03d}b", now - key * DAY, f"v{key // 2}", said))


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, min_size=15, max_size=25))
def test_any_order_of_steps_is_a_loop_over_events(tmp_path_factory, steps):
    clock, model = Clock(), Model()
    with EventLog(tmp_path_factory.mktemp("log") / "log.sqlite", clock=clock) as log:
        for number, (step, first, what) in enumerate(steps):
            match step:
                case "append":
                    part = happened(number, clock.now, first, what)
                    model.batches[log.append(part).offset or 0] = part
                    clock.now += 18 * HOUR
                case "settle":
                    settle(log, now=clock.now, before=first * HOUR + 1)
                case _:
                    last = max((one.last for one in settled.named(log.db)), default=0)
                    model.retain(last, (min(clock.now, model.end()) - first * DAY) // DAY)
                    retain(log, now=clock.now, keep=first * DAY)
            same_batches(sorted(model.batches.items()), list(log.read()))
            assert (len(log), log.end()) == (sum(map(len, model.batches.values())), model.end())


@pytest.mark.parametrize("seed", range(4))
def test_steps_in_any_order_end_alike(tmp_path, clock, seed):
    """Settling and retention in turns, as a service does over weeks, leave what one of each at the end leaves."""
    log = random_log(np.random.default_rng(seed), decisions=80)
    with (
        EventLog(tmp_path / "often" / "log.sqlite", clock=clock) as often,
        EventLog(tmp_path / "once" / "log.sqlite", clock=clock) as once,
    ):
        for part in (log.before(START), *(log.between(START + at * DAY, START + (at + 1) * DAY) for at in range(7))):
            often.append(part)
            once.append(part)
            clock.now += 2 * DAY
            settle(often, now=clock.now)
            retain(often, now=clock.now, keep=2 * DAY)
        clock.now += 2 * DAY
        for one in (often, once):
            settle(one, now=clock.now)
            retain(one, now=clock.now, keep=2 * DAY)
        same_batches(list(once.read()), list(often.read()))
        assert len(once) == len(often) < len(log)
