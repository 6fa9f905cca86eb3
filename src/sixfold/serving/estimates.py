"""The routes of a release that estimates."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..errors import DataError, Unavailable
from .estimate_messages import Estimate, Estimated
from .http import About, Context, Route
from .messages import ID_BYTES

if TYPE_CHECKING:
    from .service import Service

LAST_ANSWERS = 2_000
_logger = logging.getLogger("sixfold.service")


class Estimates:
    """Answers with estimates."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._last: dict[str, Estimated] = {}

    def routes(self, due_s: float) -> list[Route]:
        about = About("How long it will take.", Estimated)
        return [Route("POST", "/v1/estimate", self.estimate, Estimate, deadline_s=due_s, about=about)]

    async def estimate(self, asked: Estimate, context: Context) -> Estimated:
        service = self._service
        ts, climb = service.admitted(asked.ts, context)
        id = service.new_id() if asked.order is None else self._decision_of(asked.order)
        if (first := self._last.get(id)) is not None:
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
