"""Mapped arrays: nothing half written is ever read, and nothing half folded is ever kept."""

from __future__ import annotations

import contextlib
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import Busy, DataError
from sixfold.features.mapped import Mapped
from sixfold.features.store import Store

PAIR = np.dtype([("at", np.int64), ("sum", np.float64)])
NOTHING = np.zeros((), PAIR)


class Killed(BaseException):
    """A process that ends here and now."""


def pairs(*numbers: int) -> np.ndarray:
    out = np.zeros(len(numbers), PAIR)
    out["at"], out["sum"] = numbers, numbers
    return out


@pytest.fixture
def folder(tmp_path):
    """Ten pairs 0..9, committed at offset 3."""
    writer = Store(Mapped(tmp_path / "state", write=True))
    writer.require("pairs", 10, NOTHING)
    writer.put("pairs", np.arange(10), pairs(*range(10)))
    writer.mapped.commit(3, crc=33)
    writer.mapped.close()
    return tmp_path / "state"


def test_what_was_committed_is_there_when_opened_again(folder):
    again = Mapped(folder, write=True)
    assert (again.offset, again.crc) == (3, 33)
    assert again.arrays["pairs"]["at"][:10].tolist() == list(range(10))


def test_a_reader_sees_writes_and_new_files_at_the_commit(folder):
    writer, reader = Store(Mapped(folder, write=True)), Store(Mapped(folder, write=False))
    writer.mapped.begin()
    writer.put("pairs", np.array([4]), pairs(44))
    assert reader.read("pairs", np.array([4]), NOTHING)["at"][0] == 44
    writer.require("pairs", 100, NOTHING)
    writer.put("pairs", np.array([90]), pairs(9))
    reader.mapped.refresh()
    assert reader.read("pairs", np.array([90]), NOTHING)["at"][0] == 0, "grown, and not yet committed"
    writer.mapped.commit(4, 0)
    reader.mapped.refresh()
    assert reader.read("pairs", np.array([90, 4]), NOTHING)["at"].tolist() == [9, 44]


def test_one_writes(folder):
    writer = Mapped(folder, write=True)
    with pytest.raises(Busy, match="is being written by another process"):
        Mapped(folder, write=True)
    writer.close()
    Mapped(folder, write=True).close()


def test_a_reader_wants_a_state(tmp_path):
    with pytest.raises(DataError, match="there is no state at"):
        Mapped(tmp_path / "none", write=False)


class Tearing:
    """An array that is written half of a row at a time, and stops when told to."""

    def __init__(self, array, *, after):
        self.array, self.after = array, after

    def __getitem__(self, rows):
        return self.array[rows]

    def __setitem__(self, rows, values):
        self.array["at"][rows] = values["at"]
        if self.after == 0:
            raise Killed
        self.after -= 1
        self.array["sum"][rows] = values["sum"]


def test_a_row_half_written_by_a_dead_writer_is_read_as_it_was(folder):
    writer, reader = Store(Mapped(folder, write=True)), Store(Mapped(folder, write=False))
    writer.mapped.begin()
    writer.mapped.arrays["pairs"] = Tearing(writer.mapped.arrays["pairs"], after=0)
    with pytest.raises(Killed):
        writer.put("pairs", np.array([7, 2]), pairs(70, 20))
    torn = reader.mapped.arrays["pairs"][[7]]
    assert torn["at"] != torn["sum"], "the row itself is torn"
    got = reader.read("pairs", np.arange(10), NOTHING)
    assert got["at"].tolist() == got["sum"].tolist() == list(range(10))


def test_a_row_changed_while_it_was_copied_is_copied_again(folder, monkeypatch):
    writer, reader = Store(Mapped(folder, write=True)), Store(Mapped(folder, write=False))
    writer.mapped.begin()
    held = reader.mapped.arrays["pairs"]
    copies = []

    class Slow:
        ndim, dtype = held.ndim, held.dtype

        def take(self, rows, axis):
            out = held.take(rows, axis=axis)
            copies.append(out)
            if len(copies) == 1:
                writer.put("pairs", np.array([5]), pairs(50))
            return out

    reader.mapped.arrays["pairs"] = Slow()
    got = reader.mapped.gather("pairs", np.array([5]))
    assert len(copies) == 2 and copies[0]["at"][0] == 5 and got["at"][0] == 50


class Deadly:
    """The versions of a folder's arrays; the process ends at one of their changes, with anything in the row under way."""

    def __init__(self, mapped, *, after):
        self.mapped, self.versions, self.after = mapped, mapped._versions, after

    def __getitem__(self, slot):
        return self.versions[slot]

    def __setitem__(self, slot, value):
        if self.after == 0:
            if not value & 1:
                self.mapped.arrays["pairs"][self.mapped._journal.last().rows] = pairs(-1)
            raise Killed
        self.after -= 1
        self.versions[slot] = value


STEPS = st.lists(st.tuples(st.lists(st.integers(0, 150), min_size=1, max_size=8, unique=True), st.integers(1, 99)))


@settings(max_examples=60, deadline=None)
@given(first=STEPS, second=STEPS, after=st.integers(0, 12))
def test_whenever_it_is_killed_the_last_commit_is_left(tmp_path_factory, first, second, after):
    mapped = Mapped(tmp_path_factory.mktemp("state"), write=True)
    store, expected = Store(mapped), np.zeros(512, PAIR)

    def write(steps):
        for rows, value in steps:
            store.require("pairs", max(rows) + 1, NOTHING)
            store.put("pairs", np.array(rows), pairs(*[value] * len(rows)))

    mapped.begin()
    write([([0], 1), *first])
    for rows, value in [([0], 1), *first]:
        expected[rows] = pairs(value)
    mapped.commit(1, 0)
    mapped.begin()
    mapped._versions = Deadly(mapped, after=after)
    with contextlib.suppress(Killed):
        write(second)
    os.close(mapped._lock)

    again = Mapped(mapped.folder, write=True)
    held = again.arrays["pairs"]
    assert again.offset == 1
    np.testing.assert_array_equal(held, expected[: len(held)])
    assert (again._versions[:4] % 2 == 0).all(), "no reader waits for a writer that is gone"
    assert len(list(mapped.folder.glob("*.npy"))) == 1, "files of the batch that was taken back are gone"


def test_after_a_power_cut_nothing_is_believed(folder, monkeypatch):
    writer = Mapped(folder, write=True)
    writer.begin()
    os.close(writer._lock)
    monkeypatch.setattr("sixfold.files.boot", lambda: "another start of the machine")
    assert Mapped(folder, write=True).offset == 0


def test_closed_in_good_order_outlives_a_power_cut(folder, monkeypatch):
    monkeypatch.setattr("sixfold.files.boot", lambda: "another start of the machine")
    assert Mapped(folder, write=True).offset == 3


def test_who_reads_keeps_what_it_sees_while_a_state_begins_anew(folder):
    writer, reader = Mapped(folder, write=True), Store(Mapped(folder, write=False))
    writer.restart()
    assert writer.offset == 0 and not writer.arrays
    store = Store(writer)
    store.require("pairs", 10, NOTHING)
    store.put("pairs", np.arange(10), pairs(*range(100, 110)))
    reader.mapped.refresh()
    assert reader.read("pairs", np.arange(10), NOTHING)["at"].tolist() == list(range(10))
    writer.commit(1, 11)
    reader.mapped.refresh()
    assert reader.read("pairs", np.arange(10), NOTHING)["at"].tolist() == list(range(100, 110))


def test_a_start_anew_that_was_cut_short_is_begun_anew(folder):
    writer = Mapped(folder, write=True)
    writer.restart()
    Store(writer).require("pairs", 500, NOTHING)
    os.close(writer._lock)
    again = Mapped(folder, write=True)
    assert again.offset == 0 and not again.arrays
    assert len(list(folder.glob("*.npy"))) == 1, "what readers still see"


def test_a_file_that_was_seen_and_taken_back_is_not_taken_for_the_new_one(folder):
    """Killed between the layout and the offset: a reader that looked in between must not keep those files."""
    writer, reader = Mapped(folder, write=True), Mapped(folder, write=False)
    writer.begin()
    Store(writer).require("pairs", 500, NOTHING)
    writer._announce(writer._placed | writer._fresh)
    reader.refresh()
    assert len(reader.arrays["pairs"]) == 500
    os.close(writer._lock)
    again = Mapped(folder, write=True)
    store = Store(again)
    again.begin()
    store.require("pairs", 500, NOTHING)
    store.put("pairs", np.arange(1), pairs(77))
    again.commit(4, 44)
    reader.refresh()
    assert reader.arrays["pairs"]["at"][0] == 77
