"""Which ids a log holds already, and with which content: so that an event counts once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .hashing import Hashes, hash_strings
from .schema import Events


class Known:
    """Ids seen so far with 32 bits of their content, in sorted runs that merge as they grow.

    A look-up is a binary search in O(log n) runs; an id costs 12 bytes, and the log lets those of settled batches go after
    a week. A table of ids beside the batches was measured to slow appending from 550 to 60 thousand events a second at 2 M ids.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, NDArray[np.uint32]]] = []

    @property
    def empty(self) -> bool:
        return not self._runs

    def add(self, ids: Hashes, contents: NDArray[np.uint32]) -> None:
        if not len(ids):
            return
        self._runs.append(_sorted(ids, contents))
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]):
            (a, b), (c, d) = self._runs.pop(), self._runs.pop()
            self._runs.append(_sorted(np.concatenate([a, c]), np.concatenate([b, d])))

    def find(self, ids: Hashes) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
        """Which ids are known, and the content of those (0 elsewhere)."""
        known = np.zeros(len(ids), bool)
        contents = np.zeros(len(ids), np.uint32)
        for run_ids, run_contents in self._runs:
            at = np.minimum(np.searchsorted(run_ids, ids), len(run_ids) - 1)
            hit = run_ids[at] == ids
            known |= hit
            contents[hit] = run_contents[at[hit]]
        return known, contents

    def sift(
        self, events: Events
    ) -> tuple[dict[str, NDArray[np.bool_]], dict[str, NDArray[np.bool_]], Hashes, NDArray[np.uint32]]:
        """Masks of what is new and of what conflicts, by table; ids and contents of the new."""
        contents = events.content()
        names = [name for name, _ in events.tables()]
        ids = [hash_strings(table["id"]) for _, table in events.tables()]
        bounds = np.cumsum([0, *(len(part) for part in ids)])
        flat = np.concatenate(ids)
        content = np.concatenate([contents[name] for name in names]).astype(np.uint32)
        known, before = self.find(flat)
        _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
        repeated = first[inverse] != np.arange(len(flat))
        before = np.where(known, before, content[first[inverse]])
        new = ~known & ~repeated
        clash = ~new & (before != content)
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        keep = {name: new[part] for name, part in zip(names, parts, strict=True)}
        conflicts = {name: clash[part] for name, part in zip(names, parts, strict=True) if clash[part].any()}
        return keep, conflicts, flat[new], content[new]


def _sorted(ids: Hashes, contents: NDArray[np.uint32]) -> tuple[Hashes, NDArray[np.uint32]]:
    order = np.argsort(ids)
    return ids[order], contents[order]
