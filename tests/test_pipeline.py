"""A request from end to end: what filters take out and why, ties, and the same answer offline and online."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest

from sixfold import pipeline
from sixfold.events.schema import concat
from sixfold.events.timeline import Timeline
from sixfold.features.history import NEVER
from sixfold.features.online import State
from sixfold.features.store import Store
from sixfold.language import EASE, Linear, Popular, Recent
from sixfold.pipeline import Model, Pool
from sixfold.retrieval.merge import Merged
from sixfold.steps import Slate
from sixfold.training import run
from sixfold.training.cache import Cache
from sixfold.training.material import Material, prepare
from sixfold.training.run import Stages
from sixfold.types import DAY, Asks
from sixfold.worlds.video import VideoWorld
from tests.logs import random_log
from tests.tiny import design as small_design
from tests.training.logs import design as random_design

NOW = 100 * DAY


class Known:
    """Member 0 saw item 1 yesterday and item 2 ten days ago; item 3 is not available."""

    def last_seen(self, members, items, ts):
        seen = np.array([NEVER, NOW - DAY, NOW - 10 * DAY, NEVER, NEVER])[items]
        return np.where(members == 0, seen, NEVER)

    def attribute(self, path, rows, ts):
        assert path == "video.available"
        return np.array([1.0, 1.0, np.nan, 0.0, np.nan])[rows]


def filtered(*, again: str | None = "7d", available: str | None = None, unwanted=None) -> Pool:
    slate = Slate(of="video", to="member", seen_again_after=again, available=available)
    design = small_design()
    design = msgspec.structs.replace(design, problem=msgspec.structs.replace(design.problem, decides=slate))
    asks = Asks(np.array([0, 1], np.int32), np.array([NOW, NOW]), {})
    ids = np.array([[4, 3, 2, 1, 0], [1, 3, -1, -1, -1]], np.int32)
    merged = Merged(ids, ("a",), np.arange(10, dtype=np.float32).reshape(2, 5, 1))
    return pipeline.filtered(design, Known(), asks, merged, unwanted)


def pairs(pool: Pool) -> list[tuple[int, int]]:
    return list(zip(pool.ask.tolist(), pool.item.tolist(), strict=True))


def removed(pool: Pool) -> dict[str, list[tuple[int, int]]]:
    return {why: list(zip(ask.tolist(), item.tolist(), strict=True)) for why, (ask, item) in pool.removed.items()}


def test_what_was_seen_lately_is_removed_and_says_why():
    pool = filtered()
    assert removed(pool) == {"seen": [(0, 1)]}
    assert pairs(pool) == [(0, 4), (0, 3), (0, 2), (0, 0), (1, 1), (1, 3)]
    assert pool.ranks[:, 0].tolist() == [0, 1, 2, 4, 5, 6], "each keeps its own place in the source"


@pytest.mark.parametrize(
    ("again", "gone"), [("1d", []), ("25h", [(0, 1)]), ("10d", [(0, 1)]), (None, [(0, 2), (0, 1)])]
)
def test_seen_again_after(again, gone):
    assert removed(filtered(again=again)) == {"seen": gone}, "after exactly so long it may be shown"


def test_each_candidate_is_removed_for_one_reason_only():
    pool = filtered(available="video.available", unwanted=np.array([1, 3, 4], np.int32))
    assert removed(pool) == {"seen": [(0, 1)], "unavailable": [(0, 3), (1, 3)], "excluded": [(0, 4), (1, 1)]}
    assert pairs(pool) == [(0, 2), (0, 0)]


def pool_of(ask, item, asks: int) -> Pool:
    n = len(ask)
    return Pool(
        Asks(np.zeros(asks, np.int32), np.zeros(asks, np.int64), {}),
        np.array(ask, np.int64), np.array(item, np.int32), np.zeros((n, 1), np.float32), {},
    )  # fmt: skip


def test_slates_are_the_best_and_filled_where_there_are_too_few():
    pool = pool_of([0, 0, 0, 2], [5, 6, 7, 5], 3)
    scores = np.array([0.1, 0.3, 0.2, 0.9], np.float32)
    assert pipeline.slates(pool, scores, 2).tolist() == [[6, 7], [-1, -1], [5, -1]]
    assert pipeline.slates(pool_of([], [], 2), np.zeros(0, np.float32), 3).tolist() == [[-1] * 3] * 2


def test_ties_do_not_go_by_the_order_of_candidates():
    item = np.arange(20)
    mixed = np.random.default_rng(0).permutation(20)
    scores = (item % 3).astype(np.float32)
    one = pipeline.slates(pool_of([0] * 20, item, 1), scores, 20)
    other = pipeline.slates(pool_of([0] * 20, item[mixed], 1), scores[mixed], 20)
    assert one.tolist() == other.tolist() == [sorted(item.tolist(), key=lambda i: (-(i % 3), i))]


def test_without_a_ranker_the_order_is_that_of_the_sources():
    pool = replace(pool_of([0, 0, 0], [1, 2, 3], 1), ranks=np.array([[0, np.nan], [1, 0], [np.nan, 9]], np.float32))
    assert pipeline.slates(pool, pipeline.retrieval_order(pool), 3).tolist() == [[2, 1, 3]]


@dataclass(frozen=True)
class Setting:
    """A model with the log it was trained on."""

    material: Material
    model: Model
    timeline: Timeline

    def state(self) -> State:
        return State(self.model.features, self.model.design.memory, Store(), ids=self.material.ids)

    def moments(self, many: int) -> list[Asks]:
        """Logged requests of the test's part, those of one instant together."""
        log, design = self.material.log, self.material.design
        late = np.unique(log.decisions["ts"][log.decisions["ts"] >= self.material.cuts.third])
        context = [name for name in log.decisions if name.startswith("context.")]
        out = []
        for ts in late[np.linspace(0, len(late) - 1, many).astype(int)].tolist():
            at = np.flatnonzero(log.decisions["ts"] == ts)
            members = log.decisions[design.member][at]
            out.append(Asks(members, log.decisions["ts"][at], {name: log.decisions[name][at] for name in context}))
        return out


def setting(design, batches) -> Setting:
    material = prepare(design, batches)
    ready = run.ready(material, Cache(), Stages())
    return Setting(material, run.fit(ready, design.learning.ranker, Stages()), Timeline(concat(batches)))


@pytest.fixture(scope="module", params=["random log", "world"])
def trained(request) -> Setting:
    if request.param == "world":
        world = VideoWorld(members=60, days=4, videos=160, new_videos=4, slate=10, visits=3.0, rate=0.12)
        return setting(small_design(), list(world.events()))
    design = random_design(ranker=Linear(), retrievers=(Popular(half_life="1d"), Recent(), EASE()))
    slate = msgspec.structs.replace(design.problem.decides, seen_again_after="2h")
    design = msgspec.structs.replace(design, problem=msgspec.structs.replace(design.problem, decides=slate))
    return setting(design, [random_log(np.random.default_rng(0), members=40, items=60, decisions=1500)])


def answers(trained: Setting, state: State, many: int, *, late: int = 0):
    """(offline, online) at some moments; `late` us after each, the state has what happened meanwhile."""
    folded = int(np.iinfo(np.int64).min)
    for asks in trained.moments(many):
        ts = int(asks.ts[0]) + late
        state.apply(trained.timeline.between(folded, ts))
        folded = ts
        yield pipeline.decide(trained.model, trained.material.known, asks), pipeline.decide(trained.model, state, asks)


def test_offline_and_online_give_the_same_slates(trained):
    items = 0
    for offline, online in answers(trained, trained.state(), 25):
        assert pairs(offline.pool) == pairs(online.pool)
        assert removed(offline.pool) == removed(online.pool)
        np.testing.assert_allclose(online.scored.value, offline.scored.value, rtol=1e-6, atol=1e-6)
        for head in offline.scored.heads:
            np.testing.assert_allclose(online.scored.heads[head], offline.scored.heads[head], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(online.slate, offline.slate)
        items += int((offline.slate >= 0).sum())
    assert items > 50


def test_a_state_that_has_seen_the_instant_itself_differs(trained):
    """The broken variant: folding before reading."""
    differ = [
        off.scored.table.shape != on.scored.table.shape
        or not np.allclose(on.scored.table, off.scored.table, rtol=1e-6, atol=1e-6, equal_nan=True)
        for off, on in answers(trained, trained.state(), 25, late=1)
    ]
    assert any(differ)


def test_many_asks_at_once_are_each_alone(trained):
    moments = trained.moments(6)
    asks = Asks(
        np.concatenate([m.member for m in moments]), np.concatenate([m.ts for m in moments]),
        {name: np.concatenate([m.context[name] for m in moments]) for name in moments[0].context},
    )  # fmt: skip
    together = pipeline.decide(trained.model, trained.material.known, asks).slate
    alone = [
        pipeline.decide(trained.model, trained.material.known, asks.take(slice(i, i + 1))).slate
        for i in range(len(asks))
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))


class Laps:
    """A watch that notes what it is told; `late` names stages that are given up."""

    def __init__(self, *late):
        self.late, self.done = late, []

    async def stage(self, name, work, instead):
        return instead() if name in self.late else await work()

    def lap(self, name):
        self.done.append(name)


def requested(trained, watch, asks, size=3):
    here = pipeline.Local(trained.model, trained.material.known, watch)
    with pytest.raises(StopIteration) as done:
        pipeline.request(here, asks, watch, fallback=here, size=size).send(None)
    return done.value.value


def test_a_request_goes_through_its_stages(trained):
    watch = Laps()
    decided = requested(trained, watch, trained.moments(1)[0])
    assert decided.scored.table.shape == (len(decided.pool), len(trained.model.columns))
    assert decided.slate.shape[1] == 3
    assert watch.done == ["retrieval", "filters", "features", "scores", "slate"]


def test_without_a_ranker_the_order_is_that_of_retrieval(trained):
    asks = trained.moments(1)[0]
    decided = requested(trained, Laps("ranking"), asks)
    usual = requested(trained, Laps(), asks)
    np.testing.assert_array_equal(decided.pool.item, usual.pool.item)
    assert decided.slate.tolist() == pipeline.slates(usual.pool, pipeline.retrieval_order(usual.pool), 3).tolist()


def test_without_candidates_there_are_popular_ones(trained):
    asks = trained.moments(1)[0]
    decided = requested(trained, Laps("candidates"), asks)
    usual = requested(trained, Laps(), asks)
    place = list(trained.model.sources).index("popular")
    assert set(decided.pool.item) == set(usual.pool.item[~np.isnan(usual.pool.ranks[:, place])])
    assert np.isnan(np.delete(decided.pool.ranks, place, axis=1)).all() and (decided.slate >= 0).all()


def test_what_is_unwanted_is_in_no_slate(trained):
    asks = trained.moments(1)[0]
    first = pipeline.decide(trained.model, trained.material.known, asks).slate
    unwanted = np.unique(first[first >= 0])[:1]
    again = pipeline.decide(trained.model, trained.material.known, asks, unwanted=unwanted)
    assert not np.isin(again.slate, unwanted).any() and (again.pool.removed["excluded"][1] == unwanted).all()


def test_when_all_is_unwanted_the_slate_is_empty(trained):
    every = np.arange(len(trained.material.ids["video"]), dtype=np.int32)
    decided = pipeline.decide(trained.model, trained.material.known, trained.moments(1)[0], unwanted=every)
    assert len(decided.pool) == 0 and (decided.slate == -1).all()
