"""Requests that wait at the same time, answered by one pass over their rows.

One estimate is some hundred NumPy calls on a row each, and for a few rows each call takes as long as for one: so what came while
the last pass ran is answered by the next one, together. Nobody waits for company: a pass begins as soon as the loop has read
what there is to read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Unavailable
from ..estimate import Estimated, Estimator, estimated, untold
from ..estimation.open import Open
from ..features.indexed import Frame
from ..features.online import State
from ..following import steered
from ..types import Floats

MOST = 64
"""Rows of one pass at most: it holds up the loop, some ms for so many."""


@dataclass(frozen=True, slots=True)
class Made:
    """The estimates of n requests: as the model has them, by how many widths (n, q) outcomes have steered them, None where they
    steer nothing, and what is told."""

    found: Estimated
    offset: NDArray[np.float64] | None
    told: Estimated

    def row(self, row: int) -> Made:
        """One of them."""
        found = _row(self.found, row)
        if self.offset is None:
            return Made(found, None, found)
        return Made(found, self.offset[row : row + 1], _row(self.told, row))


@dataclass(frozen=True, slots=True)
class Passed:
    """The estimate of one request, and how long the pass took, in seconds: gathering features, and the estimate itself."""

    made: Made
    gather_s: float
    estimate_s: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its frame of one row, and its ids by entity type."""

    frame: Frame
    keys: Mapping[str, str]


class Together:
    """The passes of one release over one state, and over what outcomes have steered."""

    def __init__(self, model: Estimator, state: State, under_way: Open | None = None) -> None:
        self._model, self._state, self._under_way = model, state, under_way
        self._waiting: list[tuple[Asked, asyncio.Future[Passed]]] = []

    def steered(self, found: Estimated, keys: Sequence[Mapping[str, str]]) -> Made:
        """What is told of estimates that were found, for requests with these keys."""
        offset = None
        if self._under_way is not None:
            self._under_way.store.refresh()
            offset = self._under_way.offsets(keys)
        return Made(found, offset, found if offset is None else steered(self._model, found, offset))

    async def estimate(self, asked: Asked) -> Passed:
        """The estimate of one request. Raises Unavailable where its features cannot be read."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Passed] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._pass)
        self._waiting.append((asked, future))
        return await future

    def _pass(self) -> None:
        wanted = [(asked, future) for asked, future in self._waiting if not future.done()]
        now, self._waiting = wanted[:MOST], wanted[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._pass)
        # Columns of unlike kinds, such as a number where others gave a text, cannot be joined.
        alike: dict[Any, list[tuple[Asked, asyncio.Future[Passed]]]] = {}
        for asked, future in now:
            kinds = tuple(column.dtype.kind for column in asked.frame.context.values())
            alike.setdefault(kinds, []).append((asked, future))
        for group in alike.values():
            self._answer([asked for asked, _ in group], [future for _, future in group])

    def _answer(self, asked: Sequence[Asked], futures: Sequence[asyncio.Future[Passed]]) -> None:
        try:
            began = time.monotonic()
            self._state.store.refresh()
            table = self._model.features.matrix(self._state, joined([one.frame for one in asked]))
            gathered = time.monotonic()
            made = self._made(table, [one.keys for one in asked])
            ended = time.monotonic()
        except Exception as error:  # Whatever it is, those who wait for it are to know.
            for future in futures:
                future.set_exception(Unavailable(f"the features cannot be read ({error!r})"))
            return
        for row, future in enumerate(futures):
            future.set_result(Passed(made.row(row), gathered - began, ended - gathered))

    def _made(self, table: Floats, keys: Sequence[Mapping[str, str]]) -> Made:
        steers = self._under_way is not None and self._under_way.watched.steer is not None
        # What is steered has its mean and promise of the quantiles as they were moved.
        found = untold(self._model, table) if steers else estimated(self._model, table)
        return self.steered(found, keys)


def joined(frames: Sequence[Frame]) -> Frame:
    """One frame of many that have the same columns."""
    if len(frames) == 1:
        return frames[0]
    first = frames[0]
    return Frame(
        np.concatenate([one.ts for one in frames]),
        {name: np.concatenate([one.keys[name] for one in frames]) for name in first.keys},
        {name: np.concatenate([one.context[name] for one in frames]) for name in first.context},
        np.concatenate([one.position for one in frames]),
    )


def _row(found: Estimated, row: int) -> Estimated:
    return Estimated(*(getattr(found, part.name)[row : row + 1] for part in fields(found)))
