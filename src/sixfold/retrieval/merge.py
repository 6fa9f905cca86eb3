"""One list of candidates out of many retrievers' answers, and a fallback order for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..types import NOWHERE, Candidates, Floats, Retrieved, Rows
from .index import top


@dataclass(frozen=True, slots=True)
class Merged:
    """The union of what the sources gave each of n queries.

    ids (n, m) int32 without repeats, filled with -1, in the order in which the sources in turn name
    them: all first choices, then all second ones. ranks (n, m, sources) float32: the place each source
    gave the item, 0 is best, NaN where it did not give it.
    """

    ids: Rows
    sources: tuple[str, ...]
    ranks: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def candidates(self, query: int) -> Candidates:
        """The candidates of one query, without the fillers."""
        keep = self.ids[query] >= 0
        return Candidates(self.ids[query][keep], self.sources, self.ranks[query][keep], {})


def merge(answers: Mapping[str, Retrieved], *, quotas: Sequence[int] | None = None) -> Merged:
    """The union of the answers by source name, of each at most its quota (None: all it gave)."""
    given = _stack([answer.ids for answer in answers.values()], quotas)
    n, depth, sources = given.shape
    turns = given.reshape(n, depth * sources)
    first = _first(turns)
    new = (first == np.arange(depth * sources)) & (turns >= 0)
    column = np.where(new, np.cumsum(new, axis=1) - 1, NOWHERE)
    width = int(new.sum(axis=1).max(initial=0))

    ids = np.full((n, width), NOWHERE, np.int32)
    query, turn = np.nonzero(new)
    ids[query, column[query, turn]] = turns[query, turn]
    ranks = np.full((n, width, sources), np.nan, np.float32)
    query, turn = np.nonzero(turns >= 0)
    ranks[query, column[query, first[query, turn]], turn % sources] = turn // sources
    return Merged(ids, tuple(answers), ranks)


def _stack(ids: Sequence[Rows], quotas: Sequence[int] | None) -> Rows:
    """(n, depth, sources), filled with -1: at [q, r, s] what source s put at place r for query q."""
    if not ids:
        raise DesignError("there is no source to merge; give at least one retriever")
    if quotas is not None and (len(quotas) != len(ids) or min(quotas) < 0):
        raise DesignError(f"quotas are {list(quotas)}; give {len(ids)} numbers of at least 0, one a source")
    cut = ids if quotas is None else [part[:, :quota] for part, quota in zip(ids, quotas, strict=True)]
    out = np.full((len(ids[0]), max(part.shape[1] for part in cut), len(ids)), NOWHERE, np.int32)
    for source, part in enumerate(cut):
        out[:, : part.shape[1], source] = part
    return out


def _first(turns: Rows) -> NDArray[np.intp]:
    """The turn (n, t) at which each turn's item was named first in its row."""
    n, width = turns.shape
    order = np.argsort(turns, axis=1, kind="stable")
    # Places of the whole array in place of places in a row: what takes along an axis takes three times as long.
    before = width * np.arange(n)[:, None]
    flat = order + before
    sorted_ids = turns.take(flat)
    starts = np.ones_like(turns, dtype=np.bool_)
    starts[:, 1:] = sorted_ids[:, 1:] != sorted_ids[:, :-1]
    run = np.maximum.accumulate(np.where(starts, np.arange(width), 0), axis=1)
    first = np.empty_like(order)
    first.ravel()[flat] = order.take(run + before)
    return first


def fuse(ranks: Floats, weights: Sequence[float], *, constant: float = 60.0) -> Floats:
    """Reciprocal rank fusion: a score for each candidate from its ranks alone, higher is better.

    ranks (..., sources) with NaN for absent -> (...,) float32; 0 where no source gave it. The sum of
    weight / (constant + rank + 1) (Cormack, Clarke, Buettcher 2009, section 2): the order to fall back
    on when the ranker is down, for scores of different retrievers do not compare.
    """
    share: Floats = np.asarray(weights, np.float32) / (np.float32(constant + 1) + ranks)
    return np.asarray(np.nansum(share, axis=-1))


def blend(answers: Mapping[str, Retrieved], weights: Sequence[float], k: int, *, constant: float = 60.0) -> Retrieved:
    """The k best of all the answers, by `fuse`; ask each source for a few times k to fuse well."""
    merged = merge(answers)
    scores = np.where(merged.ids >= 0, fuse(merged.ranks, weights, constant=constant), np.float32(-np.inf))
    return top(merged.ids, scores, k)
