"""The routes of a release that estimates."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import msgspec

from ..errors import DataError, Overloaded, Unavailable
from ..estimation.open import Known
from ..following import as_told, next_step
from ..types import ID_BYTES, SECOND
from . import estimating
from .estimate_messages import Estimate, Estimated, Following
from .failures import Refused
from .http import About, Context, Route
from .streams import Streamed, event

if TYPE_CHECKING:
    from .service import Service

LAST_ANSWERS = 2_000
MOST_STREAMS = 1_000
"""Streams of changes that one worker keeps open."""
LOOK_S = 0.2
"""Between two looks of a stream at what became known."""
HEARTBEAT_S = 15.0
"""After so long without a change a comment is sent, so that nobody between takes the stream for dead."""
FOLD_S = 0.005
ELSEWHERE_S = 0.06
"""How long an estimate that nobody knows of is waited for: another worker may have made it and not yet handed it over."""
_logger = logging.getLogger("sixfold.service")


class Estimates:
    """Answers with estimates."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._last: dict[str, Estimated] = {}
        self._streams = 0

    def routes(self, due_s: float) -> list[Route]:
        one, stream = "/v1/estimates/{order}", "text/event-stream"
        return [
            Route("POST", "/v1/estimate", self.estimate, Estimate, deadline_s=due_s,
                  about=About("How long it will take.", Estimated)),
            Route("GET", one, self.latest, deadline_s=due_s, about=About("What is told of it now.", Following)),
            Route("GET", f"{one}/changes", self.changes, deadline_s=due_s,
                  about=About("Each change of the promise, as it is made, until the end.", content_type=stream)),
        ]  # fmt: skip

    async def estimate(self, asked: Estimate, context: Context) -> Estimated:
        service = self._service
        ts, climb = service.admitted(asked.ts, context)
        id = service.new_id() if asked.order is None else self._decision_of(asked.order)
        if asked.order is not None and (first := self._first(id)) is not None:
            return service.answered(first, climb, timing=asked.timing)
        try:
            told, decision = await service.engine.estimate(asked, id=id, ts=ts, climb=climb)
        except (OSError, ValueError, IndexError, KeyError) as error:
            _logger.exception("request %s got no estimate", context.request_id)
            raise Unavailable(f"no estimate can be made now ({error}); ask again") from error
        service.decisions.add(decision)
        if asked.order is not None:
            self._remember(id, told)
        return service.answered(told, climb, timing=asked.timing)

    async def latest(self, _: None, context: Context) -> Following:
        self._service.wait(context)
        id = self._decision_of(context.part)
        return self._now(id, await self._known(id, context))

    async def changes(self, _: None, context: Context) -> Streamed:
        self._service.wait(context)
        if self._streams >= MOST_STREAMS:
            raise Overloaded(f"{MOST_STREAMS} streams are open, which is the most; ask for the estimate itself")
        id = self._decision_of(context.part)
        await self._known(id, context)
        return Streamed(self._changes(id))

    async def _changes(self, id: str) -> AsyncGenerator[bytes]:
        """An event for each promise, from the one that stands now on; silence is broken by a comment now and then."""
        self._streams += 1
        try:
            said, spoke, seen, due = None, time.monotonic(), None, 0
            while (known := self._service.engine.known(id)) is not None:
                now = self._service.clock.now()
                if seen is None or now >= due or (known.when != seen.when).any():
                    told, seen = self._now(id, known), known
                    due = known.ts + round(next_step(told.elapsed_s) * SECOND)
                    if (fresh := (told.promise_s, told.state)) != said:
                        name = "promise" if told.state == "under_way" else told.state
                        said, spoke = fresh, time.monotonic()
                        yield event(name, msgspec.json.encode(told))
                    if told.state != "under_way":
                        return
                if time.monotonic() - spoke > HEARTBEAT_S:
                    spoke = time.monotonic()
                    yield b":\n\n"
                await asyncio.sleep(LOOK_S)
        finally:
            self._streams -= 1

    def _now(self, id: str, known: Known) -> Following:
        release = self._service.engine.release
        now = self._service.clock.now()
        return estimating.following(release.estimator, known, now=now, decision=id, release=release.id)

    async def _known(self, id: str, context: Context) -> Known:
        """What is known of an estimate; one that was just made, here or by another worker, is waited for. Refused where there is
        none."""
        until = min(time.monotonic() + ELSEWHERE_S, context.deadline - 2 * FOLD_S)
        while True:
            known = self._service.engine.known(id)
            if known is not None:
                return known
            if time.monotonic() > (context.deadline - 2 * FOLD_S if id in self._last else until):
                raise Refused(404, "not_found", f"no estimate {context.part[:64]!r} is under way; ask for one first")
            await asyncio.sleep(FOLD_S)

    def _first(self, id: str) -> Estimated | None:
        """The estimate that was made of this id before, by this worker or another."""
        if id in self._last or (known := self._service.engine.known(id)) is None:
            return self._last.get(id)
        model = self._service.engine.release.estimator
        return estimating.answer(model, as_told(model, known), decision=id, release=known.release, degraded=[])

    def _decision_of(self, order: str) -> str:
        """The id of the decision for what has this id: the same one each time."""
        made = f"{self._service.engine.release.design.estimate.of}-{order}"
        if len(made.encode()) > ID_BYTES:
            raise DataError(f"order is too long; {made[:40]!r}... is to be the decision's id of up to {ID_BYTES} bytes")
        return made

    def _remember(self, id: str, told: Estimated) -> None:
        self._last[id] = told
        if len(self._last) > LAST_ANSWERS:
            del self._last[next(iter(self._last))]
