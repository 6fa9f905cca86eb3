"""Arrays in files that one process writes and any number read, without locks.

    header.bin         offset of the last batch folded, number of the layout, then a version for every array
    layout.<n>.json    which file holds which array
    <file>.npy         one array; growing makes a new file, named by the array's slot and the layout it comes with
    journal.bin        what rows held before the batch being folded (`features.journal`)

*Never half written.* An array's version is odd while rows of it are written. A reader that finds it odd, or changed after its
copy, copies again; where the writer died in mid-write, the rows it was at are in the last record of the journal as they were
before. A version is of an array, not of a row: the writer is inside a write for microseconds at a time, so copies repeat
rarely however fast it folds, and a quiet read costs two loads.

*Never half a batch after a crash.* A batch is committed by one 8-byte store, the offset. Who opens the folder to write takes
back what lies beyond it. New files become visible with the layout that names them, at the commit. Neither a number of a
layout nor a name of a file is ever used twice: a reader that saw one of a batch that was taken back would keep it for the new.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import files
from ..errors import Busy, DataError
from .journal import Journal

MAGIC = 0x53495846_00000001
ARRAYS = 4096
"""How many arrays a folder may hold at most."""
FIXED = 8
_MAGIC, _OFFSET, _LAYOUT, _CRC, _TURN = 0, 1, 2, 3, 5
PATIENCE = 50
"""Copies that a reader tries before it takes the writer for dead in mid-write."""

Read = Callable[[NDArray[Any], Any], NDArray[Any]]
"""What is made of an array and of some of its rows."""


class Placed(msgspec.Struct, frozen=True):
    """Where an array is: its file and the slot of its version."""

    file: str
    slot: int


class Mapped:
    """A folder of arrays. `write` takes the folder's lock (Busy where another holds it) and mends what a crash left."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.folder, self.write = folder, write
        self.arrays: dict[str, NDArray[Any]] = {}
        self._placed: dict[str, Placed] = {}
        self._fresh: dict[str, Placed] = {}
        self._journal: Journal | None = None
        self._soiled = False
        if write:
            self._take()
        elif not (folder / "header.bin").exists():
            raise DataError(f"there is no state at {folder}; 'sixfold serve' builds it")
        self._head = np.memmap(folder / "header.bin", np.int64, "r+" if write else "r").view(np.ndarray)
        if self._head[_MAGIC] != MAGIC:
            raise DataError(f"{folder} is the state of another version of Sixfold; remove it, it is built again")
        self._versions = self._head[FIXED:]
        self._layout = -1
        if write:
            self._mend()
        if self.offset or not write:
            self.refresh()

    # Opening

    def _take(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise Busy(f"the state in {self.folder} is being written by another process; ask that one") from error
        if not files.trusted(self.folder):
            self._clear()
        if not (self.folder / "header.bin").exists():
            head = np.zeros(FIXED + ARRAYS, np.int64)
            head[_MAGIC] = MAGIC
            files.put(self.folder / "layout.0.json", b"{}")
            files.put(self.folder / "header.bin", head.tobytes())

    def _soil(self) -> None:
        """From here on the pages hold what the disk may not: after a power cut they are not to be believed."""
        if not self._soiled:
            (self.folder / "boot").write_text(files.boot())
            (self.folder / "clean").unlink(missing_ok=True)
            self._soiled = True

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()

    def _mend(self) -> None:
        """Take back a batch that was begun and not committed, and remove files that no layout names."""
        self._journal = Journal(self.folder / "journal.bin", write=True)
        base, layout = self._journal.open_since
        if base == self.offset:
            placed = self._read_layout(layout)
            if self._head[_LAYOUT] != layout:
                self._announce(placed)
            by_slot = {place.slot: _opened(self.folder / place.file, write=True) for place in placed.values()}
            for undo in self._journal.backwards():
                # A reader that looks on meanwhile finds an odd version, and in this record what the rows are to hold.
                self._versions[undo.slot] |= 1
                array = by_slot[undo.slot]
                array[undo.rows] = undo.values(array)
                self._versions[undo.slot] += 1
            self._journal.begin(self.offset, int(self._head[_LAYOUT]))
        self._head[_TURN] += self._head[_TURN] & 1
        self._sweep()

    def _announce(self, placed: dict[str, Placed]) -> None:
        """Have readers see these files from now on, under a new number."""
        number = int(self._head[_LAYOUT]) + 1
        files.put(self.folder / f"layout.{number}.json", msgspec.json.encode(placed))
        self._head[_LAYOUT] = number

    def refresh(self) -> None:
        """See arrays that grew since: one load where none did."""
        while self._layout != (now := int(self._head[_LAYOUT])):
            try:
                placed = self._read_layout(now)
                fresh = {
                    name: _opened(self.folder / place.file, write=self.write)
                    for name, place in placed.items()
                    if self._placed.get(name) != place
                }
            except FileNotFoundError:
                continue  # Another layout replaced this one while it was read.
            # The dict itself is shared with the `Store`: changed in place.
            for name in self.arrays.keys() - placed.keys():
                del self.arrays[name]
            self.arrays.update(fresh)
            self._placed, self._layout = placed, now

    def _read_layout(self, number: int) -> dict[str, Placed]:
        path = self.folder / f"layout.{number}.json"
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Placed])

    # What was committed

    @property
    def offset(self) -> int:
        """The last batch of the log that is folded."""
        return int(self._head[_OFFSET])

    @property
    def turn(self) -> int:
        """Odd while a batch is folded, and another number after: what was read within one even turn is of one moment."""
        return int(self._head[_TURN])

    @property
    def crc(self) -> int:
        """The checksum of that batch: whether it is of the log at hand."""
        return int(self._head[_CRC + self.offset % 2])

    # Reading

    def version(self, name: str) -> Hashable:
        """Another one after rows of an array were written. Of one that is not committed yet it is another one each time."""
        place = self._placed.get(name)
        if place is None or name in self._fresh:
            return object()
        return place.file, int(self._versions[place.slot])

    def gather(self, name: str, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """A copy of these rows, none of them half written."""
        return self.through(name, rows, _taken)

    def through(self, name: str, rows: NDArray[np.integer[Any]], read: Read) -> NDArray[Any]:
        """What `read` makes of the array and these rows of it (n, ...), none of them half written.

        It may be asked more than once, and then of a copy of the rows; rows that the array does not have are its own to see to.
        """
        array, place = self.arrays[name], self._placed.get(name)
        if place is None or _whole(array):
            return read(array, rows)
        for tried in range(1 << 20):
            before = self._versions[place.slot]
            if not before & 1:
                out = read(array, rows)
                if self._versions[place.slot] == before:
                    return out
            elif tried > PATIENCE:
                there = (rows >= 0) & (rows < len(array))
                some = rows[there]
                try:
                    copy = self._overlaid(array.take(some, axis=0), some)
                except (ValueError, IndexError):
                    continue  # The writer lives after all, and wrote over the record.
                if self._versions[place.slot] == before:
                    of_copy = np.full(rows.shape, -1, np.int32)
                    of_copy[there] = np.arange(len(some))
                    return read(copy, of_copy)
        raise DataError(f"{name} in {self.folder} changes faster than it can be read")  # pragma: no cover

    def _overlaid(self, out: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """The copy with the rows of the write under way as they were before it."""
        journal = Journal(self.folder / "journal.bin", write=False)
        undo = journal.last()
        journal.close()
        order = np.argsort(undo.rows)
        at = order[np.minimum(np.searchsorted(undo.rows, rows, sorter=order), len(order) - 1)]
        hit = undo.rows[at] == rows
        out[hit] = undo.values(out)[at[hit]]
        return out

    # Writing

    def begin(self) -> None:
        """Start a batch: from here to `commit` everything can be taken back."""
        assert self._journal is not None
        self._soil()
        self._journal.begin(self.offset, int(self._head[_LAYOUT]))
        self._head[_TURN] |= 1

    def put(self, name: str, rows: NDArray[np.integer[Any]], values: NDArray[Any]) -> None:
        """Write distinct rows; noted in the journal first, unless nobody sees the array before the commit."""
        array, place = self.arrays[name], self._placed.get(name)
        if name in self._fresh or place is None or not len(rows):
            array[rows] = values
            return
        assert self._journal is not None
        self._journal.record(place.slot, rows, array[rows])
        self._versions[place.slot] += 1
        array[rows] = values
        self._versions[place.slot] += 1

    def create(self, name: str, values: NDArray[Any]) -> None:
        """A new file for an array; seen by others from the next commit on."""
        self._soil()
        known = self._fresh.get(name) or self._placed.get(name)
        slot = known.slot if known else len(self._placed.keys() | self._fresh.keys())
        if slot >= ARRAYS:
            raise DataError(f"the state has more than {ARRAYS} arrays; use fewer features")
        place = Placed(f"{slot}.{int(self._head[_LAYOUT]) + 1}.npy", slot)
        path = self.folder / place.file
        path.unlink(missing_ok=True)
        mapped = np.lib.format.open_memmap(path, "w+", values.dtype, values.shape)
        files.allocate(path)
        mapped[...] = values
        self.arrays[name] = mapped.view(np.ndarray)
        self._fresh[name] = place

    def commit(self, offset: int, crc: int) -> None:
        """All of the batch counts from here on, and the log is folded up to `offset`."""
        if self._fresh:
            self._announce(self._placed | self._fresh)
        self._head[_CRC + offset % 2] = crc
        self._head[_OFFSET] = offset
        self._head[_TURN] += self._head[_TURN] & 1
        if self._fresh:
            self._placed, self._layout, self._fresh = self._placed | self._fresh, int(self._head[_LAYOUT]), {}
            self._sweep()

    def restart(self) -> None:
        """Begin anew, with nothing folded. Readers keep what they see until the next commit."""
        assert self._journal is not None
        self._soil()
        self._journal.begin(-1, 0)
        self._head[_OFFSET] = 0
        self._placed, self._fresh = {}, {}
        self.arrays.clear()

    def _sweep(self) -> None:
        """Remove the files that the layout does not name."""
        number = int(self._head[_LAYOUT])
        named = {place.file for place in self._read_layout(number).values()} | {f"layout.{number}.json"}
        for path in self.folder.iterdir():
            if path.suffix in (".npy", ".json", ".part") and path.name not in named:
                path.unlink()

    def close(self) -> None:
        """Write all pages to disk, say that they are, and let another process write; the arrays can still be read."""
        if not self.write:
            return
        assert self._journal is not None
        if self._soiled:
            for path in self.folder.iterdir():
                files.sync(path)
            (self.folder / "clean").touch()
        self._journal.close()
        os.close(self._lock)
        self.write = False


def _taken(array: NDArray[Any], rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
    return array.take(rows, axis=0)


def _whole(array: NDArray[Any]) -> bool:
    """Whether a row is one word, which no reader sees half written."""
    return array.ndim == 1 and array.dtype.itemsize in (1, 2, 4, 8) and array.dtype.kind != "S"


def _opened(path: Path, *, write: bool) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r+" if write else "r", allow_pickle=False)
    return array.view(np.ndarray)
