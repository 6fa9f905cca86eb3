"""Requests that wait at the same time, answered by one pass over their rows.

One estimate is some hundred NumPy calls on a row each, and for a few rows each call takes as long as for one: so what came while
the last pass ran is answered by the next one, together. Nobody waits for company: a pass begins as soon as the loop has read
what there is to read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..errors import Unavailable
from ..estimate import Estimated, Estimator, estimated
from ..features.indexed import Frame
from ..features.online import State

MOST = 64
"""Rows of one pass at most: it holds up the loop, some ms for so many."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The estimate of one request, and how long the pass took, in seconds: gathering features, and the estimate itself."""

    found: Estimated
    gather_s: float
    estimate_s: float


class Together:
    """The passes of one release over one state."""

    def __init__(self, model: Estimator, state: State) -> None:
        self._model, self._state = model, state
        self._waiting: list[tuple[Frame, asyncio.Future[Passed]]] = []

    async def estimate(self, asked: Frame) -> Passed:
        """The estimate of a frame of one row. Raises Unavailable where its features cannot be read."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Passed] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._pass)
        self._waiting.append((asked, future))
        return await future

    def _pass(self) -> None:
        wanted = [(frame, future) for frame, future in self._waiting if not future.done()]
        now, self._waiting = wanted[:MOST], wanted[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._pass)
        # Columns of unlike kinds, such as a number where others gave a text, cannot be joined.
        alike: dict[Any, list[tuple[Frame, asyncio.Future[Passed]]]] = {}
        for frame, future in now:
            alike.setdefault(tuple(column.dtype.kind for column in frame.context.values()), []).append((frame, future))
        for group in alike.values():
            self._answer([frame for frame, _ in group], [future for _, future in group])

    def _answer(self, frames: Sequence[Frame], futures: Sequence[asyncio.Future[Passed]]) -> None:
        try:
            began = time.monotonic()
            self._state.store.refresh()
            table = self._model.features.matrix(self._state, joined(frames))
            gathered = time.monotonic()
            found = estimated(self._model, table)
            ended = time.monotonic()
        except Exception as error:  # Whatever it is, those who wait for it are to know.
            for future in futures:
                future.set_exception(Unavailable(f"the features cannot be read ({error!r})"))
            return
        for row, future in enumerate(futures):
            future.set_result(Passed(_row(found, row), gathered - began, ended - gathered))


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
