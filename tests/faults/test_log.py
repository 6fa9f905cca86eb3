"""A log that is cut or whose bits are flipped: every whole batch is kept, what is lost is said, the damaged file is kept."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import apsw
import numpy as np
import pytest
from tests.logs import random_log

from sixfold.errors import Busy, DataError
from sixfold.events.log import EventLog
from sixfold.events.repair import Repaired, repair
from sixfold.events.salvage import PAGE
from sixfold.events.schema import Events, take

LOG = random_log(np.random.default_rng(0), decisions=400)
BATCHES = 40


def parts() -> list[Events]:
    """The outcomes of a log in batches, of which some fill many pages and most fill one in part."""
    table = LOG.outcomes["watch"]
    bounds = np.linspace(0, len(table["ts"]), BATCHES + 1).astype(int)
    some = [Events(outcomes={"watch": take(table, np.arange(a, b))}) for a, b in pairwise(bounds)]
    return [Events(entities=LOG.entities), *some[:20], Events(decisions=LOG.decisions, shown=LOG.shown), *some[20:]]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log half of which is in its file and half in its write-ahead log, as a killed writer leaves it."""
    path = tmp_path_factory.mktemp("sound") / "log.sqlite"
    log = EventLog(path)
    batches = parts()
    for batch in batches[:21]:
        log.append(batch)
    log.db.execute("pragma wal_checkpoint(truncate)")
    for batch in batches[21:]:
        log.append(batch)
    held = path.parent / "held"
    held.mkdir()
    for name in ("log.sqlite", "log.sqlite-wal", "log.lock"):
        shutil.copy(path.with_name(name), held)
    log.close()
    return held / path.name


def copied(sound: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(sound.parent, folder)
    return folder / sound.name


def held(path: Path) -> dict[int, list[bytes]]:
    """The ids of each batch."""
    with EventLog(path, create=False) as log:
        return {offset: [i for _, t in events.tables() for i in t["id"].tolist()] for offset, events in log.read()}


def mended(path: Path, before: dict[int, list[bytes]]) -> Repaired | None:
    """The damaged log is repaired, or is sound: what it holds is what it held, but for what it says is lost."""
    try:
        done = repair(path)
    except DataError as error:
        assert path.stat().st_size < 2 * PAGE and "no whole batch is left in it" in str(error)
        return None
    found = held(path)
    assert found.items() <= before.items(), "a batch is not as it was"
    if done is None:
        assert found == before, "something is lost in silence"
        return None
    assert done.lost == sorted(before.keys() - found.keys()) and done.batches == len(found)
    assert Path(done.aside).exists() and str(done.batches) in str(done)
    with EventLog(path) as log:
        log.append(Events(outcomes={"watch": take(LOG.outcomes["watch"], np.arange(3))}))
        assert log.all().span()[1] > 0
    return done


def positions(size: int, n: int, seed: int) -> list[int]:
    """The first and last bytes, and n of those between."""
    return sorted({0, 1, size - 1, *np.random.default_rng(seed).integers(0, size, n).tolist()})


def cut(sound: Path, folder: Path, name: str, n: int) -> None:
    before = held(copied(sound, folder))
    size = sound.with_name(name).stat().st_size
    for at in positions(size, n, seed=1):
        path = copied(sound, folder)
        with path.with_name(name).open("r+b") as file:
            file.truncate(at)
        mended(path, before)


def flip(sound: Path, folder: Path, name: str, n: int) -> None:
    before = held(copied(sound, folder))
    data = sound.with_name(name).read_bytes()
    for at in positions(8 * len(data), n, seed=2):
        path = copied(sound, folder)
        bad = bytearray(data)
        bad[at // 8] ^= 1 << at % 8
        path.with_name(name).write_bytes(bad)
        done = mended(path, before)
        lost = 0 if done is None else len(before) - done.batches
        assert lost <= 2, f"bit {at} of {name}: {done}"


NAMES = pytest.mark.parametrize("name", ["log.sqlite", "log.sqlite-wal"])


@NAMES
def test_cut_anywhere(sound, tmp_path, name):
    cut(sound, tmp_path / "log", name, 15)


@NAMES
def test_any_bit_flipped(sound, tmp_path, name):
    """A page that holds rows of two batches may take both along."""
    flip(sound, tmp_path / "log", name, 40)


@pytest.mark.slow
@NAMES
def test_cut_at_many_places(sound, tmp_path, name):
    cut(sound, tmp_path / "log", name, 1000)


@pytest.mark.slow
@NAMES
def test_many_bits_flipped(sound, tmp_path, name):
    flip(sound, tmp_path / "log", name, 3000)


def test_nothing_is_repaired_that_is_whole(sound, tmp_path):
    path = copied(sound, tmp_path / "log")
    assert repair(path) is None
    assert sorted(one.name for one in path.parent.iterdir()) == ["log.lock", "log.sqlite"]


def test_what_is_lost_is_said(sound, tmp_path):
    """The body of the first batch is far from the last page: only that one goes, and every number names it."""
    path = copied(sound, tmp_path / "log")
    with EventLog(path) as log:
        log.hold()  # Its end moves the write-ahead log into the file.
    db = apsw.Connection(str(path))
    body = bytearray(next(iter(db.execute("select body from batches where offset = 7")))[0])
    body[20] ^= 1
    db.execute("update batches set body = ? where offset = 7", (bytes(body),))
    db.close()
    with (
        pytest.raises(DataError, match="batch 7 is not as it was written\\); 'sixfold repair' keeps every whole batch"),
        EventLog(path) as log,
    ):
        log.append(Events())
    done = repair(path)
    assert done.lost == [7] and done.last == BATCHES + 2
    assert str(done).startswith(
        f"{path} is damaged (batch 7 is not as it was written): {BATCHES + 1} whole batches with "
    )
    assert f"are kept, batches 7 are lost; the damaged file is {path.parent}/log.damaged-1.sqlite" in str(done)
    assert repair(path) is None


def test_an_id_of_a_batch_that_was_kept_is_still_known(sound, tmp_path):
    path = copied(sound, tmp_path / "log")
    path.with_name("log.sqlite-wal").unlink()
    done = repair(path)
    assert done.lost == list(range(22, BATCHES + 3))
    with EventLog(path) as log:
        assert log.append(parts()[3]).accepted == 0
        again = log.append(parts()[-1])
        assert again.accepted > 0 and again.offset == 22


def test_a_log_being_written_is_not_repaired(sound, tmp_path):
    path = copied(sound, tmp_path / "log")
    with EventLog(path) as log:
        log.hold()
        with pytest.raises(Busy):
            repair(path)


def test_nothing_of_a_log_is_left_alone(tmp_path):
    path = tmp_path / "log.sqlite"
    path.write_bytes(b"id,ts\n" * 5000)
    with pytest.raises(DataError, match="no whole batch is left in it"):
        repair(path)
    assert path.read_bytes() == b"id,ts\n" * 5000
