"""A release and its state: from a typed request to a slate or an estimate, and the decision it was.

An engine is immutable but for the state, which the writer changes under it; a release swap puts another engine in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from msgspec import UNSET, structs

from .. import pipeline
from ..errors import DataError
from ..estimate import Estimated as Found
from ..estimate import Said, estimated, framed
from ..estimation.open import Known, Open
from ..events.hashing import hash_strings
from ..explain import Explained, explain
from ..features.online import State
from ..features.served import Served
from ..following import forecast
from ..pipeline import Decided, Pool, Scored, Stages
from ..policy.exploration import explore
from ..release import Release
from ..types import NOWHERE, Asks, Floats, Rows
from . import estimating
from .client import Client
from .decisions import Decision
from .estimate_messages import Estimate, Estimated
from .ladder import Climb
from .messages import Placed, Rank, Reason, Recommend, Slate
from .remote import Remote
from .together import Asked, Together

SAMPLED = 50
"""Of so many decisions one is logged with its feature values."""


@dataclass(frozen=True, slots=True)
class Services:
    """Where the heavy stages are done, if not in this process."""

    candidates: Client
    ranking: Client


@dataclass(frozen=True)
class Engine:
    """What answers requests: a release, the state it reads, and the services that do the heavy stages, if any.

    under_way: estimates that were made and what became known of them, where the release makes some.
    """

    release: Release
    state: State
    services: Services | None = None
    under_way: Open | None = None

    def stages(self, climb: Climb) -> tuple[Stages, pipeline.Local]:
        """Who does the heavy stages of a request, and this process, which can stand in."""
        here = pipeline.Local(self.release.model, self.state, climb)
        if self.services is None:
            return here, here
        at = self.services
        return Remote(self.release.id, at.candidates, at.ranking, climb, len(self.release.model.sources)), here

    async def recommend(self, asked: Recommend, *, id: str, ts: int, climb: Climb) -> tuple[Slate, Decision]:
        """The slate for a member, and the decision to log."""
        turn = self.turn()
        asks = self.asks(asked.member, asked.context, ts)
        stages, here = self.stages(climb)
        size = asked.k or self.release.design.slate.size
        decided = await pipeline.request(
            stages, asks, climb, fallback=here, size=size, unwanted=self._unwanted(asked.exclude)
        )
        decided, propensity = self._explored(decided, size, id)
        places = _places(decided)
        names = self.item_names(decided.pool.item[places])
        slate = self._slate(asked, id, decided, climb, self._placed(asked, decided, places, names, propensity))
        if asked.explain:
            removed = {why: len(rows) for why, (_, rows) in decided.pool.removed.items()}
            slate = structs.replace(slate, removed=removed)
        decision = self._decision(asked, id, ts, names, decided.scored.value[places], propensity)
        return slate, replace(decision, served=self._served(decision, turn, decided.scored.table[places]))

    async def rank(self, asked: Rank, *, id: str, ts: int, climb: Climb) -> tuple[Slate, Decision]:
        """The caller's own items in order of their value; an item that the log does not know is scored as new."""
        self.state.store.refresh()
        asks = self.asks(asked.member, asked.context, ts)
        stages, _ = self.stages(climb)
        rows = self.rows(self.release.design.item, asked.items)
        sources = len(self.release.model.sources)
        pool = Pool(asks, np.zeros(len(rows), np.int64), rows, np.full((len(rows), sources), np.nan, np.float32), {})
        scored = await climb.stage("ranking", lambda: stages.scores(pool), lambda: _as_given(len(rows)))
        order = np.argsort(-scored.value, kind="stable")
        decided = Decided(pool, scored, rows[order][None, :])
        names = np.array([item.encode() for item in asked.items])[order]
        certain = np.ones(len(rows), np.float32)
        unknown = [item for item, row in zip(asked.items, rows.tolist(), strict=True) if row < 0]
        slate = self._slate(asked, id, decided, climb, self._placed(asked, decided, order, names, None))
        return structs.replace(slate, unknown=unknown or UNSET), self._decision(
            asked, id, ts, names, scored.value[order], certain
        )

    async def estimate(self, asked: Estimate, *, id: str, ts: int, climb: Climb) -> tuple[Estimated, Decision]:
        """How long it will take, and the decision to log. Raises DataError naming what of the request cannot be read."""
        model, decides = self.release.estimator, self.release.design.estimate
        turn = self.turn()
        said = estimating.said(asked, model.features, decides.of)
        frame = framed(model.features, self.state, said, ts)
        climb.degraded.extend(estimating.notes(said))
        made = await estimating.estimate(self._together, self._usual, Asked(frame, said.keys), climb)
        told = estimating.answer(model, made.told, decision=id, release=self.release.id, degraded=climb.degraded)
        offset = None if made.offset is None else made.offset[0]
        logged = forecast(model, made.found, offset, made.told)
        decision = Decision(id, ts, self.release.id, said.keys, said.context, forecast=logged)
        return told, replace(decision, served=self._served(decision, turn, made.found.table))

    def known(self, decision: str) -> Known | None:
        """What is known of an estimate that was made, None where none of that id is kept."""
        under_way = self.seen()
        return None if under_way is None else under_way.read(decision)

    def seen(self) -> Open | None:
        """The estimates under way with what was folded up to now, None where none are made."""
        if self.under_way is not None:
            self.under_way.store.refresh()
        return self.under_way

    @cached_property
    def times(self) -> tuple[str, ...]:
        """The outcomes whose values are the seconds that an estimate, or a leg of it, took."""
        design = self.release.design
        return (design.requirements.label.name, *design.estimate.legs) if design.estimates else ()

    def warm(self) -> None:
        """Answer once for nobody, so that the first who asks does not wait for what is made on first use."""
        if self.release.design.estimates:
            self._warm_estimate()
            return
        asks = self.asks("", {}, self.state.now() + 1)
        pipeline.decide(self.release.model, self.state, asks)

    def _warm_estimate(self) -> None:
        model = self.release.estimator
        _ = self._usual
        nobody = framed(model.features, self.state, Said({}, {}, {}), self.state.now() + 1)
        estimated(model, model.features.matrix(self.state, nobody))

    @cached_property
    def _together(self) -> Together:
        return Together(self.release.estimator, self.state, self.under_way)

    @cached_property
    def _usual(self) -> Found:
        """The last rung of an estimate, made beforehand."""
        return estimating.usual(self.release.estimator)

    # Ids

    def rows(self, entity: str, ids: Sequence[str]) -> Rows:
        """The rows of ids of an entity, -1 where the log does not know one."""
        return self.state.ids[entity].rows(np.array([one.encode() for one in ids]))

    def item_names(self, rows: Rows) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
        return self.state.ids[self.release.design.item].names(rows)

    def asks(self, member: str, context: Mapping[str, str | float], ts: int) -> Asks:
        """One request by rows. A context that no feature reads is left out here, and logged all the same."""
        columns = self.release.model.features.asked(context)
        return Asks(self.rows(self.release.design.member, [member]), np.array([ts]), columns)

    def _unwanted(self, exclude: Sequence[str]) -> Rows | None:
        # An id that the log does not know cannot be shown: nothing to exclude.
        return self.rows(self.release.design.item, exclude) if exclude else None

    # The answer

    def _explored(self, decided: Decided, size: int, id: str) -> tuple[Decided, Floats]:
        """The slate with some places given to other candidates, as the design's policy has it; drawn by the decision's id."""
        share = self.release.design.slate.explore
        if not share or not len(decided.pool):
            return decided, np.ones(int((decided.slate[0] >= 0).sum()), np.float32)
        ranked = pipeline.slates(decided.pool, decided.scored.value, len(decided.pool))[0]
        seed = int(hash_strings(np.array([id.encode()]))[0])
        places, propensity = explore(ranked, size, share=share, rng=np.random.default_rng(seed))
        return Decided(decided.pool, decided.scored, ranked[places][None, :]), propensity

    def _served(self, decision: Decision, turn: int, table: Floats) -> Served | None:
        """The feature values of one decision in SAMPLED; the columns of sources are left out, for the log cannot tell them."""
        columns = len(self.release.features.columns)
        if int(hash_strings(np.array([decision.id.encode()]))[0]) % SAMPLED or table.shape[1] < columns:
            return None
        values = np.ascontiguousarray(table[:, :columns], np.float32).tobytes()
        items = decision.items.tolist()
        mapped = self.state.store.mapped
        offset = mapped.offset if mapped is not None and turn == mapped.turn and not turn % 2 else -1
        context = dict(decision.context)
        return Served(decision.id, self.release.id, dict(decision.keys), decision.ts, offset, context, items, values)

    def turn(self) -> int:
        """The state's turn before anything of it is read; arrays that grew up to it are seen from here on."""
        turn = 1 if self.state.store.mapped is None else self.state.store.mapped.turn
        self.state.store.refresh()
        return turn

    def _slate(self, asked: Recommend | Rank, id: str, decided: Decided, climb: Climb, items: list[Placed]) -> Slate:
        return Slate(
            decision=id,
            release=self.release.id,
            member=asked.member,
            known=bool(decided.pool.asks.member[0] >= 0),
            items=items,
            degraded=climb.degraded,
        )

    def _placed(
        self,
        asked: Recommend | Rank,
        decided: Decided,
        places: np.ndarray,
        names: np.ndarray,
        propensity: Floats | None,
    ) -> list[Placed]:
        explained = asked.explain
        why = explain(self.release.model, decided, rows=places) if explained else []
        columns, titles = self.release.model.columns, self.release.titles
        values, items = decided.scored.value[places].tolist(), decided.pool.item[places].tolist()
        out = []
        for place, (name, row, value) in enumerate(zip(names.tolist(), items, values, strict=True)):
            one = why[place] if explained else None
            table = decided.scored.table[places[place]].tolist() if explained else []
            out.append(
                Placed(
                    item=name.decode(),
                    position=place + 1,
                    score=value if math.isfinite(value) else 0.0,
                    propensity=UNSET if propensity is None else float(propensity[place]),
                    title=titles[row].decode() if 0 <= row < len(titles) else "",
                    sources=one.sources if one else UNSET,
                    features={c: _number(v) for c, v in zip(columns, table, strict=False)} if one else UNSET,
                    heads={head: value for head, value in one.heads.items() if math.isfinite(value)} if one else UNSET,
                    reasons=_reasons(one) if one else UNSET,
                )
            )
        return out

    def _decision(
        self, asked: Recommend | Rank, id: str, ts: int, names: np.ndarray, scores: Floats, propensities: Floats
    ) -> Decision:
        keys = {self.release.design.member: asked.member}
        return Decision(id, ts, self.release.id, keys, asked.context, names, scores, propensities)


def _places(decided: Decided) -> np.ndarray:
    """The row of the pool that each item of the slate stands in."""
    order = np.argsort(decided.pool.item, kind="stable")
    slate = decided.slate[0][decided.slate[0] != NOWHERE]
    return np.asarray(order[np.searchsorted(decided.pool.item, slate, sorter=order)])


def _as_given(n: int) -> Scored:
    """The caller's own order, where there is no ranker."""
    return Scored(np.empty((n, 0), np.float32), {}, -np.arange(n, dtype=np.float32))


def _reasons(one: Explained) -> list[Reason]:
    return [Reason(reason.column, _number(reason.value), reason.adds) for reason in one.reasons]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def checked_context(context: Mapping[str, str | float]) -> None:
    """Raises DataError for a number in a context that is none."""
    for name, value in context.items():
        if not isinstance(value, str) and not math.isfinite(value):
            raise DataError(f"context {name!r} is {value}; send a finite number or a text")
