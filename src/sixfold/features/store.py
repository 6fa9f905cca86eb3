"""Named arrays that grow: in memory, or mapped in a folder and shared by every process that opens it.

The first axis of an array is the row. A row is read by `read` and written by `put`, and by nothing else: so that what is
mapped can be undone after a crash, and is never seen half written (`features.mapped`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Rows
from .mapped import Mapped, Read

SMALLEST = 64
"""Rows that an array has room for at least."""


class Store:
    """Arrays by name, in plain memory unless they are given a mapped folder."""

    def __init__(self, mapped: Mapped | None = None) -> None:
        self.mapped = mapped
        self._arrays: dict[str, NDArray[Any]] = {} if mapped is None else mapped.arrays

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        """The whole array; for numbers of up to 8 bytes, of which none is ever seen half written."""
        return self._arrays[name]

    def read(self, name: str, rows: NDArray[np.integer[Any]], blank: NDArray[Any]) -> NDArray[Any]:
        """A copy of these rows (n, ...): `blank` for a row that is negative or that nothing was written to."""
        held = self._arrays.get(name)
        if held is None or not len(held):
            return np.broadcast_to(blank, (len(rows), *blank.shape)).copy()
        inside = (rows >= 0) & (rows < len(held))
        if inside.all():
            return self._gather(name, rows)
        out = self._gather(name, np.where(inside, rows, 0))
        out[~inside] = blank
        return out

    def through(self, name: str, rows: Rows, read: Read, blank: NDArray[Any]) -> NDArray[Any]:
        """What `read` makes of the array and of some of its rows (n, ...), none of them half written; of an array of one
        `blank` row where there is none yet."""
        held = self._arrays.get(name)
        if held is None or self.mapped is None:
            return read(blank[None] if held is None else held, rows)
        return self.mapped.through(name, rows, read)

    def _gather(self, name: str, rows: NDArray[np.integer[Any]]) -> NDArray[Any]:
        return self._arrays[name].take(rows, axis=0) if self.mapped is None else self.mapped.gather(name, rows)

    def put(self, name: str, rows: NDArray[np.integer[Any]], values: NDArray[Any]) -> None:
        """Write distinct rows, for which there is room."""
        if self.mapped is None:
            self._arrays[name][rows] = values
        else:
            self.mapped.put(name, rows, values)

    def create(self, name: str, values: NDArray[Any]) -> None:
        """Hold these values under a name; an array of that name is replaced."""
        if self.mapped is None or values.size == 0:
            # An empty file cannot be mapped; it gets its file when it first grows.
            self._arrays[name] = values
        else:
            self.mapped.create(name, values)

    def require(self, name: str, rows: int, blank: NDArray[Any]) -> None:
        """Make room for at least `rows` rows, new ones `blank`; capacity doubles, so that growing row by row is cheap."""
        held = self._arrays.get(name, np.empty((0, *blank.shape), blank.dtype))
        if name not in self._arrays or len(held) < rows:
            grown = np.empty((max(rows, 2 * len(held), SMALLEST), *blank.shape), blank.dtype)
            grown[: len(held)] = held
            grown[len(held) :] = blank
            self.create(name, grown)

    def extend(self, name: str, at: int, values: NDArray[np.bytes_]) -> None:
        """Write strings at rows `at` and on, widening the column where one is longer than it holds."""
        held = self._arrays[name]
        width = max(held.dtype.itemsize, values.dtype.itemsize)
        if width > held.dtype.itemsize:
            self.create(name, held.astype(f"S{width}"))
        self.require(name, at + len(values), np.zeros((), f"S{width}"))
        self.put(name, np.arange(at, at + len(values)), values)

    def refresh(self) -> None:
        """See what another process added meanwhile, where one may."""
        if self.mapped is not None:
            self.mapped.refresh()

    def nbytes(self) -> dict[str, int]:
        """Bytes by array."""
        return {name: array.nbytes for name, array in self._arrays.items()}
