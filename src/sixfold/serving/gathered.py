"""The heavy stages of requests that wait together, done in one pass: what is called costs more than what is computed.

While a pass holds the loop, others come in; the next pass takes them all. On the demo four requests together take 0.6 of the time
that they take one after the other. Each still has its own deadline and its own fallback: only the work is shared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from .. import pipeline
from ..pipeline import Known, Local, Model, Pool, Scored
from ..types import Asks, Rows
from .ladder import Climb

MOST = 8
"""Requests of one pass at most: it holds up the loop, some ms for so many."""

Given = TypeVar("Given")
Made = TypeVar("Made")
Laps = dict[str, float]


class Passes(Generic[Given, Made]):
    """One stage: `make` does it for some requests that are `alike`, and says how many seconds each part of it took."""

    def __init__(
        self,
        make: Callable[[Sequence[Given]], tuple[Sequence[Made], Laps]],
        alike: Callable[[Given], Hashable],
    ) -> None:
        self._make, self._alike = make, alike
        self._waiting: list[tuple[Given, asyncio.Future[tuple[Made, Laps]]]] = []

    async def one(self, given: Given) -> tuple[Made, Laps]:
        """The stage of one request, by the next pass; its parts took as long as the pass's."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Made, Laps]] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._pass)
        self._waiting.append((given, future))
        return await future

    def _pass(self) -> None:
        # Who gave up meanwhile is not waited for.
        waiting = [(given, future) for given, future in self._waiting if not future.done()]
        now, self._waiting = waiting[:MOST], waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._pass)
        groups: dict[Hashable, list[tuple[Given, asyncio.Future[tuple[Made, Laps]]]]] = {}
        for given, future in now:
            groups.setdefault(self._alike(given), []).append((given, future))
        for group in groups.values():
            self._answer(group)

    def _answer(self, group: list[tuple[Given, asyncio.Future[tuple[Made, Laps]]]]) -> None:
        try:
            made, laps = self._make([given for given, _ in group])
        except Exception as error:
            if len(group) == 1:
                group[0][1].set_exception(error)
                return
            # What is wrong with one of them is not to be the others' trouble.
            for one in group:
                self._answer([one])
            return
        for (_, future), each in zip(group, made, strict=True):
            future.set_result((each, laps))


@dataclass(frozen=True)
class Gathered:
    """The passes of one release over one state."""

    model: Model
    known: Known
    _candidates: Passes[Asks, Pool] = field(init=False, repr=False)
    _scores: Passes[Pool, Scored] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_candidates", Passes(self._pools, _kinds))
        object.__setattr__(self, "_scores", Passes(self._scored, lambda pool: _kinds(pool.asks)))

    def stages(self, here: Local, climb: Climb) -> Stages:
        """The stages of one request, of which `here` does alone what cannot be shared."""
        return Stages(self, here, climb)

    def _pools(self, asks: Sequence[Asks]) -> tuple[list[Pool], Laps]:
        watch = Clock()
        joined = Local(self.model, self.known, watch).pool(_joined(asks))
        return split(joined, asks), watch.laps

    def _scored(self, pools: Sequence[Pool]) -> tuple[list[Scored], Laps]:
        watch = Clock()
        scored = Local(self.model, self.known, watch).scored(_stacked(pools))
        ends = np.cumsum([len(pool) for pool in pools]).tolist()
        parts = [slice(start, stop) for start, stop in zip([0, *ends], ends, strict=False)]
        return [_part(scored, rows) for rows in parts], watch.laps


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one request: a `pipeline.Stages`."""

    gathered: Gathered
    here: Local
    climb: Climb

    async def candidates(self, asks: Asks, unwanted: Rows | None) -> Pool:
        if unwanted is not None:
            return await self.here.candidates(asks, unwanted)
        pool, laps = await self.gathered._candidates.one(asks)
        self._took(laps)
        return pool

    async def scores(self, pool: Pool) -> Scored:
        scored, laps = await self.gathered._scores.one(pool)
        self._took(laps)
        return scored

    def _took(self, laps: Laps) -> None:
        for name, seconds in laps.items():
            self.climb.add(name, seconds)
        self.climb.restart()


class Clock(pipeline.Unwatched):
    """Seconds of the parts of a pass."""

    def __init__(self) -> None:
        self.laps: Laps = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._since = now - self._since, now


def split(pool: Pool, asks: Sequence[Asks]) -> list[Pool]:
    """The pool of several asks, whose rows are in their order, as a pool for each (1,)."""
    ends = np.searchsorted(pool.ask, np.arange(len(asks) + 1)).tolist()
    out = []
    for number, (one, start, stop) in enumerate(zip(asks, ends, ends[1:], strict=False)):
        removed = {}
        for reason, (ask, item) in pool.removed.items():
            own = item[ask == number]
            removed[reason] = np.zeros(len(own), np.int64), own
        nobody = np.zeros(stop - start, np.int64)
        out.append(Pool(one, nobody, pool.item[start:stop], pool.ranks[start:stop], removed))
    return out


def _kinds(asks: Asks) -> Hashable:
    """What asks share that can be joined: a number where others gave a text cannot."""
    return tuple((name, column.dtype.kind) for name, column in asks.context.items())


def _joined(asks: Sequence[Asks]) -> Asks:
    if len(asks) == 1:
        return asks[0]
    context = {name: np.concatenate([one.context[name] for one in asks]) for name in asks[0].context}
    return Asks(np.concatenate([one.member for one in asks]), np.concatenate([one.ts for one in asks]), context)


def _stacked(pools: Sequence[Pool]) -> Pool:
    """The pools of one ask each as one of all of them; what was removed is left out."""
    if len(pools) == 1:
        return pools[0]
    ask = np.repeat(np.arange(len(pools)), [len(pool) for pool in pools])
    item, ranks = (np.concatenate([getattr(pool, name) for pool in pools]) for name in ("item", "ranks"))
    return Pool(_joined([pool.asks for pool in pools]), ask, item, ranks, {})


def _part(scored: Scored, rows: slice) -> Scored:
    return Scored(scored.table[rows], {name: head[rows] for name, head in scored.heads.items()}, scored.value[rows])
