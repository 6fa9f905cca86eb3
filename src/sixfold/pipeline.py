"""A request from end to end: candidates -> filters -> features -> scores -> slate. Evaluation and serving both run it.

It takes one ask or many at once, and looks at the world through a `Known`: the online state, or the log in bulk.
Both are rows of the same table in the end, so what was evaluated is what is served.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard, TypeVar

import numpy as np
from numpy.typing import NDArray

from .design import Design, seen_again_us
from .features.indexed import Frame
from .features.source import Source
from .features.table import Fitted
from .policy import filters
from .ranking.heads import FittedHeads
from .retrieval.merge import Merged, fuse, merge
from .types import NOWHERE, Asks, Floats, Queries, Retrieved, Rows, Times

BLOCK = 1024
"""Asks whose histories are held at once."""


class Known(Source, Protocol):
    """What a request may look at: features as of ts, and what is remembered of its member."""

    def queries(self, asks: Asks) -> Queries:
        """What retrievers may know of each ask."""

    def last_seen(self, members: Rows, items: Rows, ts: Times) -> Times:
        """When each member (n,) last saw the item; NEVER where it did not."""


class Retriever(Protocol):
    """A fitted source of candidates."""

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        """The best k items for each query."""


class Affine(Protocol):
    """A source that can also say how well any item suits a query, on a scale that a refit does not change."""

    def affinity(self, queries: Queries, ask: NDArray[np.int64], items: Rows) -> Floats:
        """The affinity of item (n,) to query ask (n,), NaN where the source does not know the item."""


def is_affine(source: object) -> TypeGuard[Affine]:
    """Whether a source says affinities; `isinstance` of a protocol would take longer than some of a request's stages."""
    return hasattr(source, "affinity")


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that was learned, in memory: what a release holds."""

    design: Design
    features: Fitted
    sources: Mapping[str, Retriever]
    heads: FittedHeads

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the ranker sees: the features, the place each source gave, and affinities."""
        affine = (f"affinity({name})" for name, source in self.sources.items() if is_affine(source))
        return (*self.features.columns, *(f"rank({name})" for name in self.sources), *affine)


@dataclass(frozen=True, slots=True)
class Pool:
    """The candidates of some asks as rows: ask (n,) number of the ask, item (n,), ranks (n, sources).

    removed maps a reason to the (ask, item) rows that a filter took out for it.
    """

    asks: Asks
    ask: NDArray[np.int64]
    item: Rows
    ranks: Floats
    removed: Mapping[str, tuple[NDArray[np.int64], Rows]]

    def __len__(self) -> int:
        return len(self.ask)

    def take(self, rows: NDArray[Any]) -> Pool:
        """Some of the rows, by mask or number; the asks stay, and what was removed is forgotten."""
        return Pool(self.asks, self.ask[rows], self.item[rows], self.ranks[rows], {})

    def frame(self, design: Design, position: NDArray[np.integer[Any]] | None = None) -> Frame:
        """The rows as features want them; the position is 1 unless one is given."""
        return Frame(
            self.asks.ts[self.ask],
            {design.member: self.asks.member[self.ask], design.item: self.item},
            {name: column[self.ask] for name, column in self.asks.context.items()},
            np.ones(len(self), np.int16) if position is None else position,
        )


def retrieve(sources: Mapping[str, Retriever], queries: Queries, k: int) -> Merged:
    """What each source gives, merged."""
    return merge({name: source.retrieve(queries, k) for name, source in sources.items()})


def asked(design: Design, known: Known, asks: Asks) -> Queries:
    """What retrievers may know of each ask; a history's items are left to them again once they may be seen again."""
    queries = known.queries(asks)
    again = seen_again_us(design)
    if again is None:
        return queries
    fresh = queries.ts[:, None] - queries.history_ts < again
    return replace(queries, exclude=np.where(fresh, queries.exclude, NOWHERE))


def filtered(design: Design, known: Known, asks: Asks, merged: Merged, unwanted: Rows | None = None) -> Pool:
    """The candidates that may be shown, and by reason those that may not."""
    ask, column = np.nonzero(merged.ids >= 0)
    item = merged.ids[ask, column]
    ts = asks.ts[ask]
    last = known.last_seen(asks.member[ask], item, ts)
    masks = {"seen": filters.seen(last, ts, again_after=seen_again_us(design))}
    if design.slate.available is not None:
        masks["unavailable"] = filters.unavailable(known.attribute(design.slate.available, item, ts))
    if unwanted is not None:
        masks["excluded"] = filters.excluded(item, unwanted)
    keep = np.ones(len(item), bool)
    removed = {}
    for reason, mask in masks.items():
        taken = keep & mask
        removed[reason] = (ask[taken], item[taken])
        keep &= ~mask
    return Pool(asks, ask[keep], item[keep], merged.ranks[ask[keep], column[keep]], removed)


def table(
    design: Design,
    features: Fitted,
    sources: Mapping[str, Retriever],
    known: Known,
    pool: Pool,
    position: NDArray[np.integer[Any]] | None = None,
) -> Floats:
    """What the ranker sees of each candidate, (n, columns) float32: features, the place each source gave, affinities."""
    parts = [features.matrix(known, pool.frame(design, position)), pool.ranks]
    affine: list[Affine] = [source for source in sources.values() if is_affine(source)]
    if affine:
        parts.append(_affinities(affine, known, pool))
    return np.concatenate(parts, axis=1)


def _affinities(sources: list[Affine], known: Known, pool: Pool) -> Floats:
    """(n, sources) float32, a block of asks at a time, so that their histories fit in memory."""
    out = np.empty((len(pool), len(sources)), np.float32)
    order = np.argsort(pool.ask, kind="stable")
    ask = pool.ask[order]
    for start in range(0, len(pool.asks), BLOCK):
        rows = order[slice(*np.searchsorted(ask, [start, start + BLOCK]))]
        if not len(rows):
            continue
        queries = known.queries(pool.asks.take(slice(start, start + BLOCK)))
        for column, source in enumerate(sources):
            out[rows, column] = source.affinity(queries, pool.ask[rows] - start, pool.item[rows])
    return out


def slates(pool: Pool, scores: Floats, size: int) -> Rows:
    """The best `size` candidates of each ask by score: (asks, size) int32, filled with -1.

    Of equal scores the lower row wins, so that an answer never depends on the order of candidates.
    """
    order = np.lexsort((pool.item, -scores, pool.ask))
    ask = pool.ask[order]
    place = np.arange(len(ask)) - np.searchsorted(ask, ask)
    top = place < size
    out = np.full((len(pool.asks), size), NOWHERE, np.int32)
    out[ask[top], place[top]] = pool.item[order][top]
    return out


def retrieval_order(pool: Pool) -> Floats:
    """Scores (n,) from the sources' ranks alone: the order to fall back on when there is no ranker."""
    return fuse(pool.ranks, [1.0] * pool.ranks.shape[1])


@dataclass(frozen=True, slots=True)
class Scored:
    """What the ranker makes of a pool: its table (n, columns), the heads by name (n,), and the value of each row (n,)."""

    table: Floats
    heads: Mapping[str, Floats]
    value: Floats


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer with all that led to it: the pool, what the ranker made of it, and the slate (asks, size)."""

    pool: Pool
    scored: Scored
    slate: Rows


class Stages(Protocol):
    """Who does the two heavy parts of a request: this process, or services on other ports."""

    async def candidates(self, asks: Asks, unwanted: Rows | None) -> Pool:
        """What may be shown to each ask."""

    async def scores(self, pool: Pool) -> Scored:
        """What each candidate is worth."""


T = TypeVar("T")


class Watch(Protocol):
    """Who keeps a request's time."""

    async def stage(self, name: str, work: Callable[[], Awaitable[T]], instead: Callable[[], T]) -> T:
        """What `work` gives; what `instead` gives where it is late, down or not worth starting."""

    def lap(self, name: str) -> None:
        """A part of a stage has ended."""


async def request(
    stages: Stages, asks: Asks, watch: Watch, *, fallback: Local, size: int, unwanted: Rows | None = None
) -> Decided:
    """The slate of each ask, with everything that explains it: a request from end to end."""
    pool = await watch.stage(
        "candidates", lambda: stages.candidates(asks, unwanted), lambda: fallback.popular(asks, unwanted)
    )
    scored = await watch.stage("ranking", lambda: stages.scores(pool), lambda: fallback.unranked(pool))
    decided = Decided(pool, scored, slates(pool, scored.value, size))
    watch.lap("slate")
    return decided


@dataclass(frozen=True, slots=True)
class Local:
    """The stages of a request in this process, and what stands in for them."""

    model: Model
    known: Known
    watch: Watch

    async def candidates(self, asks: Asks, unwanted: Rows | None) -> Pool:
        return self._pool(asks, unwanted, self.model.sources)

    async def scores(self, pool: Pool) -> Scored:
        model = self.model
        features = table(model.design, model.features, model.sources, self.known, pool)
        self.watch.lap("features")
        heads = model.heads.columns(features)
        scored = Scored(features, heads, model.heads.formula(heads))
        self.watch.lap("scores")
        return scored

    def popular(self, asks: Asks, unwanted: Rows | None) -> Pool:
        """Candidates of the first source alone, which is popularity where the design leaves the order to Sixfold."""
        name = "popular" if "popular" in self.model.sources else next(iter(self.model.sources))
        pool = self._pool(asks, unwanted, {name: self.model.sources[name]})
        ranks = np.full((len(pool), len(self.model.sources)), np.nan, np.float32)
        ranks[:, list(self.model.sources).index(name)] = pool.ranks[:, 0]
        return replace(pool, ranks=ranks)

    def unranked(self, pool: Pool) -> Scored:
        """The order of retrieval in place of scores; no features and no heads."""
        value = retrieval_order(pool)
        return Scored(
            np.empty((len(pool), 0), np.float32),
            {name: np.full(len(pool), np.nan, np.float32) for name in self.model.heads.heads},
            value,
        )

    def _pool(self, asks: Asks, unwanted: Rows | None, sources: Mapping[str, Retriever]) -> Pool:
        design = self.model.design
        merged = retrieve(sources, asked(design, self.known, asks), design.learning.candidates)
        self.watch.lap("retrieval")
        pool = filtered(design, self.known, asks, merged, unwanted)
        self.watch.lap("filters")
        return pool


class Unwatched:
    """No deadlines: every stage is waited for."""

    async def stage(self, name: str, work: Callable[[], Awaitable[T]], instead: Callable[[], T]) -> T:
        return await work()

    def lap(self, name: str) -> None:
        pass


def decide(model: Model, known: Known, asks: Asks, *, size: int | None = None, unwanted: Rows | None = None) -> Decided:
    """The slate of each ask by this process alone, at its leisure: the same request without services or deadlines."""
    watch = Unwatched()
    here = Local(model, known, watch)
    size = size or model.design.slate.size
    try:
        request(here, asks, watch, fallback=here, size=size, unwanted=unwanted).send(None)
    except StopIteration as done:
        decided: Decided = done.value
        return decided
    raise RuntimeError("a stage of this process waited for something")  # pragma: no cover
