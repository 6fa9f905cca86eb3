"""What rows held before they were written: enough to take back a batch that a crash cut short.

A mapped file: a head of four int64, then one record a write, with the rows' numbers and their bytes as they were.
A record is complete before the write that it undoes begins, so whatever moment a process is killed at, going through the
records backwards gives the arrays of the last commit. Pages of a killed process stay in the kernel's cache; after a power
cut the state is built again from the log.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import files

HEAD = 4
BASE, LAYOUT, USED, LAST = range(HEAD)
RECORD = 3
_START = 8 * HEAD


@dataclass(frozen=True, slots=True)
class Undo:
    """One write: the array's slot, its rows (n,), and their bytes before it (n, row_bytes)."""

    slot: int
    rows: NDArray[np.int64]
    before: NDArray[np.uint8]

    def values(self, like: NDArray[Any]) -> NDArray[Any]:
        """What the rows held, in the form of the array `like` that they are rows of."""
        return self.before.reshape(-1).view(like.dtype).reshape(len(self.rows), *like.shape[1:])


class Journal:
    """The undo records of the batch being folded. One process writes; a reader may look at the last record."""

    def __init__(self, path: Path, *, write: bool) -> None:
        if write and not path.exists():
            files.put(path, bytes(1 << 20))
        self._file = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        self._write = write
        self._map()

    def _map(self) -> None:
        access = mmap.ACCESS_WRITE if self._write else mmap.ACCESS_READ
        self._bytes = np.frombuffer(mmap.mmap(self._file, 0, access=access), np.uint8)
        self._head = self._bytes[:_START].view(np.int64)

    def begin(self, offset: int, layout: int) -> None:
        """Start a batch on top of what was committed at `offset`, whose arrays `layout` lists."""
        self._head[BASE] = -1
        self._head[USED], self._head[LAST] = _START, 0
        self._head[LAYOUT] = layout
        self._head[BASE] = offset

    @property
    def open_since(self) -> tuple[int, int]:
        """The (offset, layout) that the batch of the journal was begun on."""
        return int(self._head[BASE]), int(self._head[LAYOUT])

    def record(self, slot: int, rows: NDArray[np.integer[Any]], before: NDArray[Any]) -> None:
        """Note what rows of an array hold, before they are written."""
        raw = np.ascontiguousarray(before).reshape(-1).view(np.uint8)
        at = int(self._head[USED])
        end = at + 8 * (RECORD + len(rows)) + -(-len(raw) // 8) * 8
        if end > len(self._bytes):
            # Room on the disk is taken here, where a lack of it is an error: a page written without would end the process.
            os.posix_fallocate(self._file, 0, 2 * end)
            self._map()
        words = self._bytes[at : at + 8 * (RECORD + len(rows))].view(np.int64)
        words[:RECORD] = slot, len(rows), len(raw)
        words[RECORD:] = rows
        self._bytes[at + 8 * (RECORD + len(rows)) :][: len(raw)] = raw
        self._head[LAST] = at
        self._head[USED] = end

    def last(self) -> Undo:
        """The record of the latest write."""
        return self._at(int(self._head[LAST]))[0]

    def backwards(self) -> Iterator[Undo]:
        """Every record, the latest first; `last` follows."""
        found, at = [], _START
        while at < int(self._head[USED]):
            found.append(at)
            at = self._at(at)[1]
        for at in reversed(found):
            self._head[LAST] = at
            yield self._at(at)[0]

    def _at(self, at: int) -> tuple[Undo, int]:
        slot, n, size = self._bytes[at : at + 8 * RECORD].view(np.int64).tolist()
        rows = self._bytes[at + 8 * RECORD : at + 8 * (RECORD + n)].view(np.int64)
        start = at + 8 * (RECORD + n)
        return Undo(slot, rows, self._bytes[start : start + size].reshape(n, -1)), start + -(-size // 8) * 8

    def close(self) -> None:
        os.close(self._file)
