"""What is really so in the delivery world: of each order the law of its time, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..events.hashing import Hashes, hash_strings
from ..types import Times
from .delivery_city import Index, Rng
from .delivery_law import LEGS, Law, Progress
from .incomplete import Reals
from .mixture import Mixture
from .video_population import names

_LAW = ("grain", "mean", "trouble", "steady")


@dataclass(frozen=True, slots=True)
class Truth:
    """The orders of a world, in the order of their placement; order number n is decision `d<n>` and has row n.

    ts (n,) int64 us; store (n,) rows; law of n orders; open (n,) orders in the kitchen, free (n,) couriers, wet (n,) 0 to 1 and
    crosses (n,) the river, all at placement; seconds (n, 5) that each stage lasted, or would have; cause (n,), 0 where nothing
    went wrong; fate (n,), 0 where delivered, 1 cancelled, 2 lost. Who is cancelled or lost is chance alone, so that the law of
    all orders is the law of those that are delivered.
    """

    ts: Times
    store: Index
    law: Law
    open: Index
    free: Index
    wet: Reals
    crosses: NDArray[np.bool_]
    seconds: Reals
    cause: Index
    fate: Index

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def joined(cls, parts: Sequence[Truth]) -> Truth:
        """One of many, in their order."""
        laws = Law.joined([part.law for part in parts])
        columns = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls) if f.name != "law"}
        return cls(law=laws, **columns)

    def rows(self, ids: NDArray[np.bytes_]) -> Index:
        """(n,) the row of each order or decision id. Raises DataError for an id of another world."""
        number = np.strings.lstrip(ids, b"do")
        known = np.strings.isdigit(number)
        if not known.all():
            raise DataError(f"order {ids[~known][0].decode()!r} is none of a world; ask for ids such as 'o17' or 'd17'")
        row: NDArray[np.int64] = number.astype(np.int64)
        if (row >= len(self)).any():
            worst = ids[row >= len(self)][0].decode()
            raise DataError(f"order {worst!r} is not of this world, which has {len(self)}; take the world of this log")
        return row

    def estimates(self, decisions: Hashes, levels: Reals) -> tuple[Reals, Reals]:
        """Quantiles (n, q) at these levels and the mean (n,), seconds, of decisions by the hashes of their ids (n,)."""
        known = hash_strings(names(b"d", np.arange(len(self))))
        order = np.argsort(known)
        at = order[np.minimum(np.searchsorted(known[order], decisions), len(known) - 1)]
        if (known[at] != decisions).any():
            raise DataError("the log has decisions that are none of its world; take the world that this log came from")
        return self.quantiles(at, levels), self.mean(at)

    def total_s(self, orders: Index) -> Reals:
        """(n,) seconds from placement to delivery, as they were or would have been."""
        out: Reals = self.seconds[orders].sum(axis=1)
        return out

    def leg(self, orders: Index, name: str) -> Mixture:
        """The law at placement of one of `LEGS`: preparation, travel or dropoff."""
        return self.law.take(orders).total(LEGS[name])

    def progress(self, orders: Index, elapsed: Reals) -> Progress:
        """How far these orders are `elapsed` (n,) seconds after they were placed."""
        return Progress.after(self.seconds[orders], elapsed)

    def quantiles(self, orders: Index, levels: Reals, progress: Progress | None = None) -> Reals:
        """(n, q) seconds from placement to delivery that are not exceeded with probability `levels` (q,).

        As of placement, or given how far the orders are.
        """
        out = np.empty((len(orders), len(levels)))
        for rows, law in self._laws(orders, progress):
            out[rows] = law.quantiles(levels)
        return out

    def mean(self, orders: Index, progress: Progress | None = None) -> Reals:
        """(n,) the mean seconds from placement to delivery."""
        out = np.empty(len(orders))
        for rows, law in self._laws(orders, progress):
            out[rows] = law.mean()
        return out

    def cdf(self, orders: Index, at: Reals, progress: Progress | None = None) -> Reals:
        """(n,) the probability of at most `at` (n,) seconds from placement to delivery."""
        out = np.empty(len(orders))
        for rows, law in self._laws(orders, progress):
            out[rows] = law.cdf(at[rows])
        return out

    def samples(self, orders: Index, size: int, rng: Rng, progress: Progress | None = None) -> Reals:
        """(n, size) independent draws of the seconds from placement to delivery."""
        out = np.empty((len(orders), size))
        for rows, law in self._laws(orders, progress):
            out[rows] = law.samples(size, rng)
        return out

    def save(self, path: Path) -> None:
        """Write it as one file of arrays; a world need not be run again to be asked."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "law"}
        with path.open("wb") as file:
            np.savez(file, **columns, **{f"law.{name}": getattr(self.law, name) for name in _LAW})

    @classmethod
    def load(cls, path: Path) -> Truth:
        """What `save` wrote. Raises DataError where the file is of another kind."""
        with np.load(path, allow_pickle=False) as file:
            wanted = {f.name for f in fields(cls) if f.name != "law"}
            if set(file.files) != wanted | {f"law.{name}" for name in _LAW}:
                raise DataError(f"{path} holds no truth of a delivery world but {', '.join(file.files)}; save it anew")
            law = Law(*(file[f"law.{name}"] for name in _LAW))
            return cls(law=law, **{name: file[name] for name in wanted})

    def _laws(self, orders: Index, progress: Progress | None) -> list[tuple[NDArray[np.intp], Mixture]]:
        law = self.law.take(orders)
        return [(np.arange(len(orders)), law.total())] if progress is None else law.given(progress)
