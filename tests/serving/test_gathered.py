"""Requests that wait together share a pass, and each gets what it would have got alone."""

from __future__ import annotations

import asyncio
import math
import time

import numpy as np
import pytest

from sixfold import pipeline
from sixfold.errors import DataError
from sixfold.pipeline import Local, Unwatched
from sixfold.serving import gathered
from sixfold.serving.gathered import MOST, Gathered, Passes
from sixfold.serving.ladder import Climb, Rung
from sixfold.types import Asks


@pytest.fixture(scope="module")
def known(tiny):
    return tiny.workspace.state(tiny.workspace.current())


def asks_of(tiny, known, numbers):
    features = tiny.workspace.current().model.features
    rows = known.ids[tiny.design.member].rows(np.array([f"m{number}".encode() for number in numbers]))
    # A context of a text for some, and none for others.
    given = [dict.fromkeys(features.contexts, "tv") if number % 2 else {} for number in numbers]
    columns = [features.asked(one) for one in given]
    return [Asks(row[None], np.array([known.now() + 1]), one) for row, one in zip(rows, columns, strict=True)]


def climb():
    rungs = {name: Rung(name, 60.0, "none") for name in ("candidates", "ranking")}
    return Climb(rungs, time.monotonic() + 60, lambda stage, took: None)


async def decided(together, model, known, asks, unwanted=None):
    watch = climb()
    here = Local(model, known, watch)
    found = await pipeline.request(together.stages(here, watch), asks, watch, fallback=here, size=10, unwanted=unwanted)
    assert not watch.degraded and {"retrieval", "filters", "features", "scores"} <= watch.laps.keys()
    return found


def test_each_gets_what_it_would_have_got_alone(tiny, known, monkeypatch):
    model = tiny.workspace.current().model
    passes = []
    honest = gathered._joined
    monkeypatch.setattr(gathered, "_joined", lambda asks: passes.append(len(asks)) or honest(asks))
    asks = asks_of(tiny, known, [1, 2, 3, 5, 8, 9999])

    async def all_at_once():
        together = Gathered(model, known)
        return await asyncio.gather(*(decided(together, model, known, one) for one in asks))

    found = asyncio.run(all_at_once())
    assert max(passes) > 1, "they waited together"
    for one, got in zip(asks, found, strict=True):
        alone = pipeline.decide(model, known, one, size=10)
        assert got.slate.tolist() == alone.slate.tolist()
        assert got.pool.item.tolist() == alone.pool.item.tolist() and not got.pool.ask.any()
        np.testing.assert_allclose(got.scored.value, alone.scored.value, rtol=1e-6)
        assert {why: rows.tolist() for why, (_, rows) in got.pool.removed.items()} == {
            why: rows.tolist() for why, (_, rows) in alone.pool.removed.items()
        }


def test_what_one_does_not_want_is_left_out_of_its_own_alone(tiny, known):
    model = tiny.workspace.current().model
    first, second = asks_of(tiny, known, [1, 3])
    usual = pipeline.decide(model, known, first, size=10).slate[0]

    async def both():
        together = Gathered(model, known)
        return await asyncio.gather(
            decided(together, model, known, first, unwanted=usual[:3]), decided(together, model, known, second)
        )

    mine, other = asyncio.run(both())
    assert not np.isin(usual[:3], mine.slate[0]).any()
    assert other.slate.tolist() == pipeline.decide(model, known, second, size=10).slate.tolist()


def roots(numbers):
    return [math.sqrt(number) for number in numbers], {"root": 0.5}


def test_what_is_wrong_with_one_is_not_the_trouble_of_others():
    passes, sizes = None, []

    def make(numbers):
        sizes.append(len(numbers))
        return roots(numbers)

    async def go():
        nonlocal passes
        passes = Passes(make, lambda number: number > 100)
        given = [4.0, -1.0, 9.0, 400.0]
        return await asyncio.gather(*(passes.one(number) for number in given), return_exceptions=True)

    found = asyncio.run(go())
    assert found[0] == (2.0, {"root": 0.5}) and found[2][0] == 3.0 and found[3][0] == 20.0
    assert isinstance(found[1], ValueError)
    assert sizes == [3, 1, 1, 1, 1], "together, then each alone; and what is not like them by itself"


def test_a_pass_has_an_end_and_leaves_out_who_gave_up():
    sizes = []

    def make(numbers):
        sizes.append(len(numbers))
        return roots(numbers)

    async def go():
        passes = Passes(make, lambda number: 0)
        waiting = [asyncio.ensure_future(passes.one(float(number))) for number in range(2 * MOST + 3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError) and done[4][0] == 2.0

    asyncio.run(go())
    assert sum(sizes) == 2 * MOST + 2 and max(sizes) == MOST


def test_a_stage_that_fails_has_its_fallback(tiny, known, monkeypatch):
    model = tiny.workspace.current().model
    (one,) = asks_of(tiny, known, [1])

    def failing(self, pool):
        raise DataError("no scores today")

    async def go():
        watch = climb()
        here, together = Local(model, known, watch), Gathered(model, known)
        monkeypatch.setattr(Local, "scored", failing)
        found = await pipeline.request(together.stages(here, watch), one, watch, fallback=here, size=10)
        return found, [note.stage for note in watch.degraded]

    found, notes = asyncio.run(go())
    assert notes == ["ranking"] and (found.slate >= 0).all()


def test_a_clock_says_how_long_each_part_took():
    watch = gathered.Clock()
    watch.lap("one")
    watch.lap("two")
    assert isinstance(watch, Unwatched) and list(watch.laps) == ["one", "two"] and min(watch.laps.values()) >= 0
