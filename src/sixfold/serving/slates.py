"""The routes of a release that makes slates, and those of its two heavy stages where they are services of their own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from .. import pipeline
from ..errors import Unavailable
from . import remote
from .body import MIB
from .engine import checked_context
from .http import About, Context, Raw, Route
from .ladder import Climb
from .messages import Degraded, Rank, Recommend, Slate

if TYPE_CHECKING:
    from .service import Service

LAST_SLATES = 2_000
_logger = logging.getLogger("sixfold.service")


class Slates:
    """Answers with slates; where all else fails, with the last one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._last: dict[str, Slate] = {}

    def routes(self, due_s: float) -> list[Route]:
        return [
            Route("POST", "/v1/recommend", self.recommend, Recommend, deadline_s=due_s, about=About("A slate.", Slate)),
            Route("POST", "/v1/rank", self.rank, Rank, deadline_s=due_s, about=About("The caller's items, ranked.", Slate)),
        ]  # fmt: skip

    async def recommend(self, asked: Recommend, context: Context) -> Slate:
        service, (id, ts, climb) = self._service, self._admitted(asked, context)
        try:
            slate, decision = await service.engine.recommend(asked, id=id, ts=ts, climb=climb)
        except (OSError, ValueError, IndexError, KeyError, Unavailable) as error:
            # The member gets what there is; that there is a defect must not be lost with it.
            _logger.exception("request %s got the last slate", context.request_id)
            return self._last_slate(asked, id, error)
        service.decisions.add(decision)
        if not asked.explain:
            self._remember(asked.member, slate)
        return service.answered(slate, climb, timing=asked.timing)

    async def rank(self, asked: Rank, context: Context) -> Slate:
        service, (id, ts, climb) = self._service, self._admitted(asked, context)
        slate, decision = await service.engine.rank(asked, id=id, ts=ts, climb=climb)
        service.decisions.add(decision)
        return service.answered(slate, climb, timing=asked.timing)

    def _admitted(self, asked: Recommend | Rank, context: Context) -> tuple[str, int, Climb]:
        ts, climb = self._service.admitted(asked.ts, context)
        checked_context(asked.context)
        return self._service.new_id(), ts, climb

    def _remember(self, member: str, slate: Slate) -> None:
        self._last.pop(member, None)
        self._last[member] = slate
        if len(self._last) > LAST_SLATES:
            del self._last[next(iter(self._last))]

    def _last_slate(self, asked: Recommend, id: str, error: Exception) -> Slate:
        """The lowest rung: what this member, or else anyone, got last."""
        kept = self._last.get(asked.member) or next(reversed(self._last.values()), None)
        if kept is None:
            raise Unavailable(f"no slate can be made now ({error}); ask again") from error
        note = Degraded("request", "last slate", f"failed: {error}")
        self._service.fell(note)
        return msgspec.structs.replace(kept, decision=id, member=asked.member, degraded=[note])


class Stages:
    """Does the heavy stages for an application elsewhere."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self, due_s: float) -> list[Route]:
        """The one of the service's role. Raises DesignError where the release makes no slates."""
        packed = ("application/msgpack",)
        paths = {"candidates": remote.CANDIDATES, "ranking": remote.RANKING}
        handlers = {"candidates": self.candidates, "ranking": self.ranking}
        role, _ = self._service.role, self._service.engine.release.model
        return [Route("POST", paths[role], handlers[role], bytes, packed, 8 * MIB, due_s)]

    async def candidates(self, body: bytes, context: Context) -> Raw:
        wanted = remote.decoded(body, remote.Wanted)
        climb, local = self._stage(wanted.asked, context)
        unwanted = None if wanted.unwanted is None else remote.rows(wanted.unwanted)
        asks = remote.asks_of(wanted.asked, self._service.engine.release.model.features)
        pool = await local.candidates(asks, unwanted)
        return Raw(remote.encode(remote.found(pool, climb.laps)), "application/msgpack")

    async def ranking(self, body: bytes, context: Context) -> Raw:
        judge = remote.decoded(body, remote.Judge)
        climb, local = self._stage(judge.asked, context)
        model = self._service.engine.release.model
        items = remote.rows(judge.items)
        ranks = remote.floats(judge.ranks, len(items), len(model.sources))
        asks = remote.asks_of(judge.asked, model.features)
        scored = await local.scores(pipeline.Pool(asks, items.astype("int64") * 0, items, ranks, {}))
        return Raw(remote.encode(remote.judged(scored, climb.laps)), "application/msgpack")

    def _stage(self, asked: remote.Asked, context: Context) -> tuple[Climb, pipeline.Local]:
        service = self._service
        service.wait(context)
        if asked.release != service.engine.release.id:
            raise Unavailable(f"release {asked.release} is asked for, {service.engine.release.id} is served here")
        service.engine.state.store.refresh()
        climb = Climb(service.rungs, context.deadline, service.observe)
        return climb, pipeline.Local(service.engine.release.model, service.engine.state, climb)
