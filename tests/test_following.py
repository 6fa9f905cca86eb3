"""An estimate that is followed: what became known narrows it, and promises come by the timetable, not by who asks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from sixfold import following
from sixfold.estimate import Estimated, Estimator, estimated
from sixfold.estimation.adaptive import Adaptive
from sixfold.estimation.open import NEVER, Known
from sixfold.following import as_told, follow, forecast, watched
from sixfold.types import SECOND
from tests.tiny_times import TinyTimes

ASKED = 1_800_000_000 * SECOND


@pytest.fixture(scope="module")
def model(timed: TinyTimes) -> Estimator:
    return timed.workspace.current().estimator


@pytest.fixture(scope="module")
def first(model: Estimator) -> Estimated:
    return estimated(model, np.full((1, len(model.columns)), np.nan, np.float32))


def known(model: Estimator, first: Estimated, **became: tuple[float, float]) -> Known:
    """The record of an estimate of which outcomes became known: when, in seconds since, and their value."""
    kept = watched(model.design)
    told = forecast(model, first)
    when, value = np.full(len(kept.outcomes), NEVER), np.full(len(kept.outcomes), np.nan)
    for name, (at, seconds) in became.items():
        when[kept.outcomes.index(name)], value[kept.outcomes.index(name)] = ASKED + int(at * SECOND), seconds
    return Known(ASKED, "r", np.array([told.get(name, np.nan) for name in kept.forecast]), when, value)


def at(model: Estimator, one: Known, seconds: float) -> following.Followed:
    return follow(model, one, now=ASKED + int(seconds * SECOND))


def test_what_is_logged_is_what_was_told(model: Estimator, first: Estimated):
    again = as_told(model, known(model, first))
    for name in ("legs", "quantiles", "mean", "promised_s"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_at_first_it_is_the_estimate(model: Estimator, first: Estimated):
    now = at(model, known(model, first), 0)
    np.testing.assert_allclose(now.quantiles, first.quantiles[0], rtol=0.02)
    assert now.promises == ((0.0, first.promised_s[0]),) and now.fate == "under_way"


def test_time_that_is_gone_is_never_in_the_estimate(model: Estimator, first: Estimated):
    one = known(model, first)
    for seconds in (300, 1200, 3000, 9000):
        now = at(model, one, seconds)
        assert (now.quantiles >= seconds).all() and (np.diff(now.quantiles) >= 0).all()


def test_a_leg_that_is_over_narrows_it(model: Estimator, first: Estimated):
    median = float(np.interp(0.5, model.levels, first.legs[0, 0]))
    waiting = at(model, known(model, first), median)
    picked = at(model, known(model, first, picked_up=(median, median)), median)
    assert np.ptp(picked.quantiles) < np.ptp(waiting.quantiles)
    assert picked.took_s[0] == median and np.isnan(picked.took_s[1:]).all()


def test_a_status_is_not_known_before_it_came(model: Estimator, first: Estimated):
    early = at(model, known(model, first, picked_up=(600, 600)), 300)
    assert early.promises == at(model, known(model, first), 300).promises and np.isnan(early.took_s).all()


def test_the_end_is_what_it_took(model: Estimator, first: Estimated):
    one = known(model, first, picked_up=(600, 600), arrived=(900, 300), dropoff=(960, 60), delivered=(960, 960))
    before, after = at(model, one, 959), at(model, one, 5000)
    assert before.fate == "under_way" and after.fate == "ended" and (after.quantiles == 960).all()
    assert after.promises == before.promises and after.took_s.tolist() == [600, 300, 60]


def test_what_was_not_said_of_a_leg_is_worked_out_from_the_next(model: Estimator, first: Estimated):
    now = at(model, known(model, first, arrived=(900, 250)), 1000)
    assert now.took_s[:2].tolist() == [650, 250]
    out_of_order = at(model, known(model, first, arrived=(900, 250), picked_up=(950, 600)), 1000)
    assert out_of_order.took_s[:2].tolist() == [600, 250] and out_of_order.fate == "under_way"


def test_what_is_cancelled_or_never_ends_is_told_no_more(model: Estimator, first: Estimated):
    gone = at(model, known(model, first, cancelled=(400, 400)), 4000)
    assert gone.fate == "void" and all(when < 400 for when, _ in gone.promises)
    assert at(model, known(model, first), 4 * 3600).fate == "lost"


def test_promises_do_not_depend_on_who_asks_when(model: Estimator, first: Estimated):
    """What was promised by 40 minutes is the same however often it was asked for, and changes are bounded."""
    one = known(model, first, picked_up=(1500, 1500))
    last = at(model, one, 2400)
    for seconds in np.linspace(0, 2399, 17):
        now = at(model, one, float(seconds))
        assert now.promises == tuple(change for change in last.promises if change[0] <= seconds)
    late = at(model, one, 3 * 3600 - 1)
    assert 1 < len(late.promises) <= 1 + model.design.estimate.promise.at_most


def test_a_clock_that_runs_behind_is_before_nothing(model: Estimator, first: Estimated):
    now = at(model, known(model, first), -50)
    assert now.elapsed_s == 0 and len(now.promises) == 1


def test_a_status_of_a_clock_that_runs_behind_is_at_the_ask(model: Estimator, first: Estimated):
    """One dated before its own order has just come; nothing is negative, and what is left is what it was without."""
    early = at(model, known(model, first, picked_up=(-90, 400)), 0)
    assert early.took_s[0] == 400 and (early.quantiles >= 0).all() and early.promises[0] == (0.0, first.promised_s[0])
    later = at(model, known(model, first, picked_up=(-90, 400), arrived=(-30, 200)), 600)
    assert later.fate == "under_way" and later.took_s[:2].tolist() == [400, 200] and (later.quantiles >= 600).all()
    over = at(model, known(model, first, delivered=(-3_000, 1_200)), 1)
    assert over.fate == "ended" and (over.quantiles == 1_200).all() and over.promises == ((0.0, first.promised_s[0]),)


def test_a_status_of_a_clock_that_runs_ahead_is_known_when_its_time_comes(model: Estimator, first: Estimated):
    one = known(model, first, picked_up=(1_300, 1_300), delivered=(1_500, 1_500))
    assert at(model, one, 1_000).promises == at(model, known(model, first), 1_000).promises
    assert at(model, one, 1_400).took_s[0] == 1_300 and at(model, one, 1_500).fate == "ended"


def test_a_time_below_nothing_is_lost_and_the_end_is_not(model: Estimator, first: Estimated):
    one = known(model, first, picked_up=(300, -5), delivered=(900, -1))
    before, after = at(model, one, 600), at(model, one, 1_000)
    assert before.took_s[0] == 300 and (before.quantiles >= 600).all()
    assert after.fate == "ended" and (after.quantiles == 900).all()


def test_the_timetable_goes_on(model: Estimator):
    assert [following.next_step(seconds) for seconds in (0, 59.9, 60, 3599, 3600)] == [60, 60, 120, 3600, 4200]


def test_what_was_steered_stays_so(model: Estimator, first: Estimated):
    """The offset of the moment it was made is kept with it; the first promise and each later one are of the moved quantiles."""
    learning = structs.replace(model.design.learning, adaptive=Adaptive())
    steering = replace(model, design=structs.replace(model.design, learning=learning))
    offset = np.linspace(0.2, 0.5, len(model.levels))
    told = following.steered(steering, first, offset)
    kept, logged = watched(steering.design), forecast(steering, first, offset)
    blank = np.full(len(kept.outcomes), np.nan)
    one = Known(ASKED, "r", np.array([logged[name] for name in kept.forecast]), np.full(len(blank), NEVER), blank)
    np.testing.assert_allclose(as_told(steering, one).quantiles, told.quantiles, rtol=1e-6)
    now = at(steering, one, 0)
    np.testing.assert_allclose(now.quantiles, told.quantiles[0], rtol=0.03)
    assert now.promise_s == told.promised_s[0] > first.promised_s[0]
