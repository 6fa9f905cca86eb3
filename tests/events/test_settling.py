"""Settling: nothing a reader of the log can tell, but for room, and ids that are let go after a week."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logs import START, by_day, random_log, same_batches

from sixfold.errors import Busy, MissingExtra
from sixfold.events import partitions, settled, settling
from sixfold.events.hours import HOUR
from sixfold.events.log import EventLog
from sixfold.events.schema import Events, concat, take
from sixfold.events.settling import KNOWN, settle
from sixfold.types import DAY

LOG = random_log(np.random.default_rng(0), decisions=120)
BATCHES = by_day(LOG)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def filled(path: Path, clock: Clock) -> EventLog:
    """A batch every half day, as it happened."""
    log = EventLog(path, clock=clock)
    for batch in BATCHES:
        log.append(batch)
        clock.now += DAY // 2
    return log


def ids(events: Events) -> list[bytes]:
    return [one for _, table in events.tables() for one in table["id"].tolist()]


def test_a_reader_cannot_tell(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        before = list(log.read())
        told = (len(log), log.head(), log.end(), [log.crc(offset) for offset, _ in before])
        done = settle(log, now=clock.now, before=2 * DAY)
        assert 0 < done.batches < len(before) and done.duplicates == done.ids == 0
        assert done.events == sum(len(events) for _, events in before[: done.batches])
        same_batches(before, list(log.read()))
        assert told == (len(log), log.head(), log.end(), [log.crc(offset) for offset, _ in before])
        for since in range(len(before) + 1):
            same_batches(before[since:], list(log.read(since)))
        assert log.append(concat(BATCHES)).duplicates == len(LOG)
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        assert log.append(concat(BATCHES)).duplicates == len(LOG)
        same_batches(before, list(log.read()))


def test_files_are_by_day_and_can_be_read_with_other_tools(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        settle(log, now=clock.now + 2 * DAY)
        (one,) = settled.named(log.db)
    watches = [part for part in one.partitions if part.table == "outcome watch"]
    assert [part.file for part in watches[:1]] == ["outcome.watch.2023-11-15.parquet"]
    for part in watches:
        frame = pl.read_parquet(tmp_path / "settled" / one.folder / part.file)
        assert frame.schema["member"] == pl.String and len(frame) == part.rows
        assert set(frame["ts"] // DAY) == {int(np.datetime64(part.day).astype(int))}
        assert (frame["ts"].min(), frame["ts"].max()) == (part.first_ts, part.last_ts)
    assert sum(part.rows for part in watches) == len(LOG.outcomes["watch"]["ts"])


def test_an_empty_log_settles_to_nothing(tmp_path, clock):
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        assert settle(log, now=clock.now + DAY).batches == 0
    assert not (tmp_path / "settled").exists()


def test_only_what_is_older_settles(tmp_path, clock):
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        log.append(BATCHES[0])
        accepted = clock.now
        assert settle(log, now=accepted + DAY).batches == 0, "within the hour it may be younger than a day"
        assert settle(log, now=accepted + DAY + HOUR).batches == 1


def test_a_clock_that_is_set_back_lets_nothing_go_early(tmp_path, clock):
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        log.append(BATCHES[0])
        clock.now -= 30 * DAY
        log.append(BATCHES[1])
        assert settle(log, now=clock.now + 20 * DAY).batches == 0


def test_ids_are_known_for_a_week_and_then_cost_nothing(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        last = clock.now - DAY // 2
        settle(log, now=last + KNOWN, before=HOUR)
        assert len(log.db.execute("select ids from batches where offset = ?", (log.head(),)).get) > 0
        assert log.append(BATCHES[-1]).accepted == 0
        done = settle(log, now=last + KNOWN + HOUR, before=HOUR)
        assert done.ids > 0
        assert log._index().empty
        assert log.db.execute("select sum(length(ids) + length(contents)), count(*) from batches").get == (0, 1)


def test_what_comes_again_later_counts_until_it_settles(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log:
        before = list(log.read())
        clock.now += 30 * DAY
        settle(log, now=clock.now)
        (crc,) = {log.crc(log.head())}
        table = LOG.outcomes["watch"]
        changed = {**take(table, np.arange(3)), "value": np.array([1e6, 2e6, 3e6])}
        again = log.append(BATCHES[3])
        other = log.append(Events(outcomes={"watch": changed}))
        assert (again.accepted, other.accepted) == (len(BATCHES[3]), 3) and len(log) == len(LOG) + len(BATCHES[3]) + 3
        clock.now += 2 * DAY
        done = settle(log, now=clock.now)
        assert (done.duplicates, done.events) == (len(BATCHES[3]), 3), (
            "other content under an old id is an event of its own"
        )
        same_batches(before, [pair for pair in log.read() if pair[0] < other.offset])
        assert log.crc(len(before)) not in (0, crc), "a state that has counted them twice is no longer of this log"


def test_a_state_inside_the_settled_part_goes_on_or_is_built_anew(tmp_path, clock):
    """Within a week every checksum stays; later that of the last batch of a generation, and no other is taken for it."""
    with filled(tmp_path / "log.sqlite", clock) as log:
        told = {offset: log.crc(offset) for offset, _ in log.read()}
        settle(log, now=clock.now, before=HOUR)
        assert told == {offset: log.crc(offset) for offset in told}
        settle(log, now=clock.now + 30 * DAY)
        lasts = {one.last for one in settled.named(log.db)}
        found = {offset: log.crc(offset) for offset in told}
        assert {offset for offset in told if found[offset] == told[offset]} == lasts
        assert all(found.values()) and len(set(found.values())) == len(found)
        assert log.crc(0) == log.crc(log.head() + 1) == 0


def test_who_reads_while_it_settles_reads_what_was_there(tmp_path, clock):
    with filled(tmp_path / "log.sqlite", clock) as log, EventLog(tmp_path / "log.sqlite") as reader:
        before = list(log.read())
        reading = reader.read()
        got = [next(reading), next(reading)]
        settle(log, now=clock.now + 30 * DAY)
        same_batches(before, got + list(reading))
        same_batches(before, list(reader.read()))
        half, second = reader.read(3), EventLog(tmp_path / "log.sqlite")
        got = [next(half)]
        second.close()
        same_batches(before[3:], got + list(half))


def test_a_generation_holds_so_many_events_at_most(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(settling, "GENERATION", 100)
    with filled(tmp_path / "log.sqlite", clock) as log:
        before = list(log.read())
        settle(log, now=clock.now + 2 * DAY)
        generations = settled.named(log.db)
        assert len(generations) > 3
        assert [one.first for one in generations] == [1, *(one.last + 1 for one in generations[:-1])]
        same_batches(before, list(log.read()))
        for since in (0, 3, 7, log.head()):
            same_batches(before[since:], list(log.read(since)))


def test_columns_that_come_and_go_are_as_they_were(tmp_path, clock):
    """Absent is not the same as missing, a batch's texts are as wide as they were, and bytes that are no text survive."""
    parts = []
    for number in range(6):
        n = number + 1
        table = {
            "id": np.array([f"e{number}-{row}".encode() for row in range(n)]), "ts": np.arange(n) + START,
            "key": np.array([f"v{row}".encode() for row in range(n)]),
        }  # fmt: skip
        table |= {"title": np.array([b"\xff" * (number * 50 + 1)] * n)} if number % 2 else {}
        table |= {"price": np.where(np.arange(n) % 2, np.nan, 1.5)} if number % 3 else {}
        table |= {"embedding": np.full((n, 2), number, np.float32)} if number > 2 else {}
        parts.append(Events(entities={"video": table}))
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        for part in parts:
            log.append(part)
        before = list(log.read())
        settle(log, now=clock.now + 2 * DAY)
        same_batches(before, list(log.read()))
        assert list(log.read())[1][1].entities["video"]["title"].dtype == parts[1].entities["video"]["title"].dtype


def test_the_order_of_tables_within_a_batch_is_kept(tmp_path, clock):
    """Items are numbered by it: a state that is built from the settled log must number them alike."""
    rows = take(LOG.outcomes["watch"], np.arange(4))
    orders = [("click", "watch"), ("watch", "click")]
    with EventLog(tmp_path / "log.sqlite", clock=clock) as log:
        for number, names in enumerate(orders):
            log.append(
                Events(
                    outcomes={
                        name: {**rows, "id": np.char.add(rows["id"], f"{number}{name}".encode())} for name in names
                    }
                )
            )
        settle(log, now=clock.now + 2 * DAY)
        assert [tuple(events.outcomes) for _, events in log.read()] == orders


def test_room_is_given_back(tmp_path, clock):
    path = tmp_path / "log.sqlite"
    with filled(path, clock) as log:
        settle(log, now=clock.now + 30 * DAY)
        assert path.stat().st_size < 12 * 4096
        assert log.append(BATCHES[0]).offset is not None


def test_a_log_of_version_2_counts_as_accepted_when_it_is_opened(tmp_path, clock):
    path = tmp_path / "log.sqlite"
    with filled(path, clock) as log:
        before = list(log.read())
        log.db.execute("drop table settled")
        log.db.execute("drop table accepted")
        log.db.execute("pragma user_version = 2")
    with EventLog(path, clock=clock) as log:
        same_batches(before, list(log.read()))
        assert settle(log, now=clock.now + DAY).batches == 0
        assert settle(log, now=clock.now + DAY + HOUR).batches == len(before)


def test_another_process_that_writes_is_not_disturbed(tmp_path, clock):
    with (
        filled(tmp_path / "log.sqlite", clock),
        EventLog(tmp_path / "log.sqlite") as second,
        pytest.raises(Busy, match="or stop it first"),
    ):
        settle(second, now=clock.now + 2 * DAY)


def test_without_polars_it_says_so_before_it_begins(tmp_path, clock, monkeypatch):
    def lacking() -> None:
        raise MissingExtra("polars, which reads and writes the settled part of a log,", "train")

    with filled(tmp_path / "log.sqlite", clock) as log:
        monkeypatch.setattr(partitions, "_polars", lacking)
        with pytest.raises(MissingExtra, match=r"pip install 'sixfold\[train\]'"):
            settle(log, now=clock.now + 2 * DAY)
        assert not settled.named(log.db)


STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 6), st.integers(0, 6)),
    st.tuples(st.just("settle"), st.integers(0, 60), st.just(0)),
    st.tuples(st.just("read"), st.integers(0, 12), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 14), st.just(0)),
    st.just(("open", 0, 0)),
)


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(STEP, min_size=3, max_size=14))
def test_any_order_of_steps_within_a_week_is_an_unsettled_log(tmp_path_factory, steps):
    """The same log without settling gives the same answers, whatever is asked when."""
    folder, clock = tmp_path_factory.mktemp("log"), Clock()
    mine, plain = (
        EventLog(folder / "mine" / "log.sqlite", clock=clock),
        EventLog(folder / "plain" / "log.sqlite", clock=clock),
    )
    for step, first, second in steps:
        match step:
            case "append":
                part = LOG.between(START + min(first, second) * DAY, START + max(first, second) * DAY)
                one, other = mine.append(part), plain.append(part)
                assert (one.offset, one.accepted, one.duplicates, one.crc) == (
                    other.offset,
                    other.accepted,
                    other.duplicates,
                    other.crc,
                )
            case "settle":
                settle(mine, now=clock.now, before=first * HOUR + 1)
            case "read":
                same_batches(list(plain.read(first)), list(mine.read(first)))
            case "wait":
                clock.now += first * HOUR
            case _:
                mine.close()
                mine = EventLog(folder / "mine" / "log.sqlite", clock=clock)
    same_batches(list(plain.read()), list(mine.read()))
    offsets = range(plain.head() + 2)
    assert [mine.crc(offset) for offset in offsets] == [plain.crc(offset) for offset in offsets]
    assert (len(mine), mine.head(), mine.end()) == (len(plain), plain.head(), plain.end())
    mine.close()
    plain.close()


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=10))
def test_over_weeks_every_event_is_there_once(tmp_path_factory, steps):
    """What comes again after its id was let go has collapsed once all is settled; the first of each stands where it stood."""
    clock, sent = Clock(), set()
    with EventLog(tmp_path_factory.mktemp("log") / "log.sqlite", clock=clock) as log:
        for first, second, days in steps:
            part = LOG.between(START + min(first, second) * DAY, START + max(first, second) * DAY)
            log.append(part)
            sent |= set(ids(part))
            clock.now += days * DAY
            settle(log, now=clock.now)
        settle(log, now=clock.now + 2 * DAY)
        found = ids(log.all()) if sent else []
        assert len(found) == len(set(found)) == len(log) and set(found) == sent
