"""Named arrays that grow: in memory, or memory-mapped in a folder and shared by every process that opens it.

The first axis of an array is the row. Capacity doubles, so that growing by a row at a time is cheap;
a mapped array grows into a new file that replaces the old by one rename.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Store:
    """Arrays by name. With a folder each is a `.npy` file that is mapped, else it is plain memory."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._arrays: dict[str, NDArray[Any]] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.npy")):
                self._arrays[path.stem] = np.load(path, mmap_mode="r+", allow_pickle=False)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def create(self, name: str, values: NDArray[Any]) -> None:
        """Hold these values under a name; an array of that name is replaced."""
        if self._folder is None or values.size == 0:
            # An empty file cannot be mapped; it gets its file when it first grows.
            self._arrays[name] = values
            return
        path = self._folder / f"{name}.npy"
        fresh = path.with_suffix(".new")
        mapped = np.lib.format.open_memmap(fresh, mode="w+", dtype=values.dtype, shape=values.shape)
        mapped[...] = values
        fresh.replace(path)
        self._arrays[name] = mapped

    def require(self, name: str, rows: int, fill: NDArray[Any]) -> NDArray[Any]:
        """The array with room for at least `rows` rows, new ones filled with `fill` (one row's value)."""
        held = self._arrays.get(name, np.empty((0, *fill.shape), fill.dtype))
        if name not in self._arrays or len(held) < rows:
            grown = np.empty((max(rows, 2 * len(held), 64), *fill.shape), fill.dtype)
            grown[: len(held)] = held
            grown[len(held) :] = fill
            self.create(name, grown)
        return self._arrays[name]

    def extend(self, name: str, at: int, values: NDArray[np.bytes_]) -> None:
        """Write strings at rows `at` and on, widening the column where one is longer than it holds."""
        held = self._arrays[name]
        width = max(held.dtype.itemsize, values.dtype.itemsize)
        if width > held.dtype.itemsize:
            self.create(name, held.astype(f"S{width}"))
        self.require(name, at + len(values), np.zeros((), f"S{width}"))[at : at + len(values)] = values

    def nbytes(self) -> dict[str, int]:
        """Bytes by array."""
        return {name: array.nbytes for name, array in self._arrays.items()}

    def flush(self) -> None:
        """Write mapped pages to disk."""
        for array in self._arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
