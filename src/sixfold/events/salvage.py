"""The rows that a damaged log still holds, found without the tree that SQLite finds them by.

A page that is damaged hides all rows below it in the tree, though they are whole. Here every page is read as a leaf of the
table of batches, every cell of it as a row, and whoever asks takes a row for whole where its checksum says so.
Format: https://sqlite.org/fileformat.html, sections 1.6 (pages and cells), 2.1 (records), 4 (the write-ahead log).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

PAGE = 4096
LOCAL = PAGE - 35
"""Bytes of a row that a leaf holds at most; of a longer one it holds fewer, and the rest is in a chain of pages."""
_LEAST = (PAGE - 12) * 32 // 255 - 23
_HEAD, _FRAME = 32, 24
_DTYPE = np.dtype([("page", ">u4"), ("commit", ">u4"), ("salt", "V8"), ("sum", ">u4", 2), ("data", "V4096")])
_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}

Value: TypeAlias = int | bytes | None


@dataclass(frozen=True, slots=True)
class Wal:
    """The write-ahead log: whether its head is sound, its frames (n,), which are of this generation, and which are whole."""

    sound: bool
    frames: NDArray[np.void]
    ours: NDArray[np.bool_]
    whole: NDArray[np.bool_]

    @classmethod
    def of(cls, path: Path) -> Wal:
        """That of a database; without frames where there is none."""
        beside = path.with_name(path.name + "-wal")
        data = beside.read_bytes() if beside.exists() else b""
        count = max(len(data) - _HEAD, 0) // _DTYPE.itemsize
        frames = np.frombuffer(data, _DTYPE, count, _HEAD if count else 0)
        if not count:
            return cls(True, frames, np.zeros(0, bool), np.zeros(0, bool))
        head = np.frombuffer(data, ">u4", 8)
        words = np.frombuffer(data, "<u4", 6).astype(np.uint32)[None, :]
        sound = bool((_checksums(words, np.zeros((1, 2), np.uint32))[0] == head[6:]).all())
        salt = data[16:24] if sound else frames["salt"][0].tobytes()
        ours = frames["salt"] == np.void(salt)
        raw = np.frombuffer(data, np.uint8, count * _DTYPE.itemsize, _HEAD).reshape(count, -1)
        words = np.concatenate([raw[:, :8], raw[:, _FRAME:]], axis=1).view("<u4").astype(np.uint32)
        before = np.concatenate([head[None, 6:], frames["sum"][:-1]]).astype(np.uint32)
        # Each frame's sum goes on from the one before: as that is written, so that one bad frame does not condemn the rest.
        return cls(sound, frames, ours, (_checksums(words, before) == frames["sum"]).all(axis=1))

    @property
    def damaged(self) -> bool:
        """Whether a commit stands at or after a frame that is not whole: SQLite would leave it out in silence."""
        good = self.ours & self.whole & self.sound
        first = len(good) if good.all() else int(np.argmin(good))
        return bool((self.ours & (self.frames["commit"] != 0))[first:].any())

    def pages(self) -> dict[int, bytes]:
        """The newest whole content of each page, up to the last commit."""
        good = np.flatnonzero(self.ours & self.whole)
        ends = good[self.frames["commit"][good] != 0]
        kept = good[: np.searchsorted(good, ends[-1], side="right")] if len(ends) else good[:0]
        return {int(self.frames["page"][at]): self.frames["data"][at].tobytes() for at in kept.tolist()}


@cache
def _powers(n: int) -> NDArray[np.uint32]:
    """A^0 to A^n of the step (s, t) -> (s + t, s + 2t), modulo 2^32: (n + 1, 2, 2)."""
    out = [(1, 0, 0, 1)]
    for _ in range(n):
        a, b, c, d = out[-1]
        out.append(((a + c) % 2**32, (b + d) % 2**32, (a + 2 * c) % 2**32, (b + 2 * d) % 2**32))
    return np.array(out, np.uint32).reshape(-1, 2, 2)


def _checksums(words: NDArray[np.uint32], before: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The sums (n, 2) of words (n, 2k), each going on from `before` (n, 2).

    SQLite adds word by word: s += x + t; t += y + s. That is linear, so k steps are one product with powers of the step.
    """
    x, y = words[:, 0::2], words[:, 1::2]
    powers = _powers(x.shape[1])
    backwards = powers[:-1][::-1]
    out = before @ powers[-1].T
    for column in range(2):
        out[:, column] += (x * backwards[:, column, 0]).sum(axis=1, dtype=np.uint32)
        out[:, column] += ((x + y) * backwards[:, column, 1]).sum(axis=1, dtype=np.uint32)
    return np.asarray(out)


def rows(path: Path, *, columns: int) -> Iterator[tuple[int, list[Value]]]:
    """(row number, values) of everything that could be a row of at least so many columns; the same one may come twice."""
    data, newer = path.read_bytes(), Wal.of(path).pages()
    old = {at // PAGE + 1: data[at : at + PAGE] for at in range(0, len(data) - PAGE + 1, PAGE)}
    for pages in (old | newer, old) if newer else (old,):
        for page in pages.values():
            yield from _cells(page, pages, columns)


def _cells(page: bytes, pages: Mapping[int, bytes], columns: int) -> Iterator[tuple[int, list[Value]]]:
    """The rows of a page, taken for a leaf whatever it says that it is, as long as its pointers lead to some."""
    for at in np.frombuffer(page, ">u2", offset=8).tolist():
        if not 8 < at < PAGE - 8:
            return
        size, start = _varint(page, at)
        number, start = _varint(page, start)
        if columns < size <= PAGE * len(pages) and columns < page[min(start, PAGE - 1)] < 128:
            payload = _payload(page, start, size, pages)
            values = None if payload is None else _values(payload)
            if values is not None and len(values) >= columns:
                yield number, values


def _payload(page: bytes, start: int, size: int, pages: Mapping[int, bytes]) -> bytes | None:
    """The bytes of a row, None where its chain of pages is broken."""
    if size <= LOCAL:
        return page[start : start + size]
    here = _LEAST + (size - _LEAST) % (PAGE - 4)
    here = here if here <= LOCAL else _LEAST
    parts, left = [page[start : start + here]], size - here
    following = int.from_bytes(page[start + here : start + here + 4])
    while left > 0:
        if (one := pages.get(following)) is None:
            return None
        following = int.from_bytes(one[:4])
        parts.append(one[4 : 4 + left])
        left -= PAGE - 4
    return b"".join(parts)


def _values(payload: bytes) -> list[Value] | None:
    """The columns of a row, None where it is none."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end <= len(payload):
        kind, at = _varint(payload, at)
        kinds.append(kind)
    out: list[Value] = []
    for kind in kinds:
        size = _SIZES.get(kind, (kind - 12) // 2 if kind >= 12 else -1)
        value = payload[at : at + size]
        if size < 0 or len(value) != size:
            return None
        at += size
        match kind:
            case 0:
                out.append(None)
            case 8 | 9:
                out.append(kind - 8)
            case _:
                out.append(value if kind >= 12 else int.from_bytes(value, signed=True))
    return out


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for length in range(9):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        if length == 8:
            return value << 8 | byte, at
        value = value << 7 | byte & 127
        if byte < 128:
            break
    return value, at
