"""Settling, retention and forgetting cut short, without room, with damaged files: an event is never in neither place, or both."""

from __future__ import annotations

import resource
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.events.test_settling import BATCHES, Clock
from tests.faults.apart import apart
from tests.faults.dying import dies_at
from tests.faults.test_steps import anew
from tests.logs import START, same_batches

from sixfold import forgetting
from sixfold.doctor import examine
from sixfold.errors import DataError, Unavailable
from sixfold.events import settled, settling
from sixfold.events.log import EventLog
from sixfold.events.repair import repair
from sixfold.events.retention import retain
from sixfold.events.schema import Events
from sixfold.events.settled import Generation, Partition
from sixfold.events.settling import settle
from sixfold.types import DAY
from sixfold.workspace import Workspace

LATER = START + 40 * DAY
FILES = (
    *(
        f"events/{name}.py"
        for name in ("settling", "settled", "retention", "forgetting", "log", "tables", "partitions", "hours")
    ),
    "sixfold/forgetting.py",
)


def sound(folder: Path, parted: bool = False) -> Path:
    """A log of thirteen batches, of which the first ten may be settled in three generations."""
    clock = Clock()
    with EventLog(folder / "events" / "log.sqlite", clock=clock) as log:
        for batch in BATCHES:
            log.append(batch)
            clock.now += DAY // 2
        if parted:
            for days in (2, 4, 5.5):
                settle(log, now=START + int(days * DAY), before=DAY // 2)
            assert len(settled.named(log.db)) == 3
    return folder


def settles(folder: Path) -> None:
    settling.GENERATION = 200
    with EventLog(folder / "events" / "log.sqlite") as log:
        settle(log, now=LATER)


def retains(folder: Path) -> None:
    with EventLog(folder / "events" / "log.sqlite") as log:
        retain(log, now=LATER, keep=2 * DAY)


def forgets(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forgetting, "_item", lambda workspace: "video")
        forgetting.forget(Workspace(folder), "member", ["m3"], now=LATER, salt=b"salt")


def batches(folder: Path) -> list[tuple[int, Events]]:
    with EventLog(folder / "events" / "log.sqlite", create=False) as log:
        log.hold()
        return list(log.read())


def after(source: Path, folder: Path, work: Callable[[Path], None]) -> list[tuple[int, Events]]:
    """What the log holds after the work."""
    work(anew(source, folder))
    return batches(folder)


def one_step(
    source: Path, folder: Path, work: Callable[[Path], None], step: int, done: list[tuple[int, Events]]
) -> bool:
    """Cut the work at a step: the log is as before or as after it, whole, and the work done again ends it. Whether it was cut."""
    anew(source, folder)
    died = dies_at(step, FILES, lambda: work(folder))
    found = batches(folder)
    try:
        same_batches(done, found)
    except AssertionError:
        same_batches(batches(source), found)
    try:
        work(folder)
    except DataError as error:
        assert "knows no member" in str(error) and list((folder / "receipts").glob("2*.json"))
    same_batches(done, batches(folder))
    assert repair(folder / "events" / "log.sqlite") is None
    _nothing_is_left_over(folder)
    return died


def _nothing_is_left_over(folder: Path) -> None:
    with EventLog(folder / "events" / "log.sqlite") as log:
        named = {one.folder: {one.manifest, *(part.file for part in one.partitions)} for one in settled.named(log.db)}
    home = folder / "events" / "settled"
    assert named == {inner.name: {path.name for path in inner.iterdir()} for inner in home.glob("*-*")}
    if (folder / "receipts").exists():
        assert len(list((folder / "receipts").iterdir())) == 1
        assert not any(b"m3" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def cut_at_every(stride: int, source: Path, folder: Path, work: Callable[[Path], None]) -> int:
    """How often it was cut before it came through."""
    done, step, cuts = apart(after, source, folder / "whole", work), 0, 0
    while apart(one_step, source, folder / "mine", work, step, done):
        step, cuts = step + stride, cuts + 1
    return cuts


@pytest.mark.parametrize(("work", "stride"), [(settles, 1999), (retains, 997), (forgets, 4999)])
def test_cut_short(tmp_path, work, stride):
    source = apart(sound, tmp_path / "sound", work is not settles)
    assert cut_at_every(stride, source, tmp_path, work) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(("work", "stride"), [(settles, 101), (retains, 47), (forgets, 151)])
def test_cut_short_at_many_steps(tmp_path, work, stride):
    source = apart(sound, tmp_path / "sound", work is not settles)
    assert cut_at_every(stride, source, tmp_path, work) > 50


def on_a_full_disk(source: Path, folder: Path, room: int) -> bool:
    """No file may grow beyond some bytes: a sentence, and a log as before; with room it goes on. Whether it was full."""
    before, full = batches(anew(source, folder)), False
    log = EventLog(folder / "events" / "log.sqlite")
    log.hold()
    log.db.execute("pragma wal_checkpoint(truncate)")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        settle(log, now=LATER)
    except Unavailable as error:
        full = "nothing is lost: make room and run it again" in str(error)
        assert full, error
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    same_batches(before, list(log.read()))
    if full:
        assert settle(log, now=LATER).events > 0, "it goes on in the same process"
    log.close()
    same_batches(before, batches(folder))
    _nothing_is_left_over(folder)
    return full


@pytest.mark.parametrize("room", [1, 2000, 5000, 20_000])
def test_without_room(tmp_path, room):
    source = apart(sound, tmp_path / "sound")
    assert apart(on_a_full_disk, source, tmp_path / "mine", room)


def damaged(source: Path, folder: Path) -> None:
    """A settled file with a bit flipped, one cut, one gone: each is named, and everything else is kept."""
    before = dict(batches(source))
    with EventLog(source / "events" / "log.sqlite") as log:
        generations = settled.named(log.db)
    for number, (one, part) in enumerate((each, part) for each in generations for part in each.partitions):
        path = anew(source, folder) / "events" / "settled" / one.folder / part.file
        data = bytearray(path.read_bytes())
        data[(7919 * number) % len(data)] ^= 1 << number % 8
        match number % 3:
            case 0:
                path.write_bytes(data)
                with pytest.raises(
                    DataError, match=r"is damaged .checksum differs.; 'sixfold repair' keeps everything else"
                ):
                    batches(folder)
            case 1:
                path.write_bytes(data[:-1])
                with pytest.raises(DataError, match=r"is damaged .*is not as it was written"):
                    batches(folder)
            case _:
                path.unlink()
        (found,) = [one for one in examine(folder / "events" / "log.sqlite") if one.name == "log"]
        assert not found.ok and found.detail == f"damaged: {one.folder}/{part.file}; run 'sixfold repair'"
        done = repair(folder / "events" / "log.sqlite")
        assert done is not None and done.partitions == [f"{one.folder}/{part.file}"] and not done.lost
        assert f"settled {done.partitions[0]} are lost" in str(done)
        _all_but(before, dict(batches(folder)), one, part)
        assert path.with_name(f"{path.name}.damaged").exists() == (number % 3 < 2)
        assert repair(folder / "events" / "log.sqlite") is None
        (found,) = [one for one in examine(folder / "events" / "log.sqlite") if one.name == "log"]
        assert found.ok and "all as they were written" in found.detail


def _all_but(before: dict[int, Events], found: dict[int, Events], one: Generation, part: Partition) -> None:
    left = {offset: _rows(events) for offset, events in found.items()}
    for offset, events in before.items():
        for name, rows in _rows(events).items():
            here = left.get(offset, {}).get(name, Counter())
            assert not here - rows
            if not (one.first <= offset <= one.last and name in (part.table, "shown")):
                assert here == rows, f"{name} of {offset} while {part.file} is gone"
    lost = sum(
        (
            sum(rows.values())
            for events in before.values()
            for name, rows in _rows(events).items()
            if name == part.table
        ),
        0,
    )
    kept = sum(
        (sum(rows.values()) for tables in left.values() for name, rows in tables.items() if name == part.table), 0
    )
    assert lost - kept == part.rows


def _rows(events: Events) -> dict[str, Counter[bytes]]:
    found = {name: Counter(table["id"].tolist()) for name, table in events.tables()}
    return found | {"shown": Counter(events.decisions["id"][events.shown["decision"]].tolist())}


def test_a_settled_file_that_is_damaged_is_named_and_the_rest_kept(tmp_path):
    apart(damaged, apart(sound, tmp_path / "sound", True), tmp_path / "mine")


def flipped(source: Path, folder: Path, n: int) -> None:
    """Any bit of the log's file flipped beside a settled part: nothing twice, nothing settled lost, what is lost is said."""
    before = dict(batches(source))
    data = (source / "events" / "log.sqlite").read_bytes()
    for at in np.random.default_rng(5).integers(0, 8 * len(data), n).tolist():
        path = anew(source, folder) / "events" / "log.sqlite"
        bad = bytearray(data)
        bad[at // 8] ^= 1 << at % 8
        path.write_bytes(bad)
        done = repair(path)
        found = dict(batches(folder))
        lost = before.keys() - found.keys()
        assert sorted(lost) == ([] if done is None else done.lost) and all(offset > 10 for offset in lost), at
        same_batches(sorted(pair for pair in before.items() if pair[0] not in lost), sorted(found.items()))


def test_any_bit_of_the_log_beside_its_settled_part(tmp_path):
    apart(flipped, apart(sound, tmp_path / "sound", True), tmp_path / "mine", 25)


@pytest.mark.slow
def test_many_bits_of_the_log_beside_its_settled_part(tmp_path):
    apart(flipped, apart(sound, tmp_path / "sound", True), tmp_path / "mine", 1500)


def repairs(folder: Path) -> None:
    repair(folder / "events" / "log.sqlite")


def cut_repair(source: Path, folder: Path, step: int) -> bool:
    """A repair of a settled file is cut: done again, the file is still said to be lost, and the log is whole."""
    path = anew(source, folder) / "events" / "log.sqlite"
    with EventLog(path) as log:
        one = settled.named(log.db)[1]
    lost = settled.home(path) / one.folder / one.partitions[0].file
    lost.write_bytes(b"x" * one.partitions[0].size_bytes)
    died = dies_at(step, (*FILES, "events/repair.py"), lambda: repairs(folder))
    repairs(folder)
    with EventLog(path, create=False) as log:
        log.hold()
        assert one.partitions[0].file in str(log.note("repaired"))
        assert len(settled.named(log.db)[1].partitions) == len(one.partitions) - 1
    assert repair(path) is None and lost.with_name(f"{lost.name}.damaged").exists()
    return died


def test_a_repair_of_a_settled_file_that_is_cut_short_goes_on(tmp_path):
    source, step = apart(sound, tmp_path / "sound", True), 0
    while apart(cut_repair, source, tmp_path / "mine", step):
        step += 1499
    assert step > 1499
