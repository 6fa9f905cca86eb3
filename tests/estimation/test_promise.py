import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError, DesignError
from sixfold.estimation.law import LEVELS, at
from sixfold.estimation.promise import Promise, Standing, words
from sixfold.metrics.promise import promise_cost

law = settings(max_examples=60, deadline=None)
cost = st.floats(0.1, 50)
P = np.array(LEVELS)
row = st.lists(st.floats(60, 7200), min_size=len(P), max_size=len(P)).map(lambda values: np.array([sorted(values)]))
ONE = np.array([[900.0, 1000.0, 1300.0, 1700.0, 2200.0, 2900.0, 3300.0]])


def replaced(promise, **changes):
    return msgspec.structs.replace(promise, **changes)


@law
@given(row, cost, cost, st.floats(0, 20))
def test_no_other_time_costs_less_than_the_best(q, late, early, very):
    promise = Promise(late_per_min=late, early_per_min=early, very_late_per_min=very)
    best = promise.best(P, q)
    least = promise.cost(P, q, best)[0]
    others = np.r_[np.linspace(0, 3 * q[0, -1], 200), best + [-1, 1]]
    assert (promise.cost(P, np.tile(q, (len(others), 1)), others) >= least - 1e-5 * max(1.0, least)).all()


@law
@given(row, cost, cost, st.floats(0, 20), st.floats(1, 10))
def test_the_promise_rises_with_what_lateness_costs(q, late, early, very, more):
    promise = Promise(late_per_min=late, early_per_min=early, very_late_per_min=very)
    for dearer in ({"late_per_min": late * more}, {"very_late_per_min": very + more}):
        assert replaced(promise, **dearer).best(P, q)[0] >= promise.best(P, q)[0] - 0.01
    assert replaced(promise, early_per_min=early * more).best(P, q)[0] <= promise.best(P, q)[0] + 0.01


def test_the_best_promise_is_the_critical_fractile():
    promise = Promise(late_per_min=9, early_per_min=1)
    assert promise.level == 0.9
    assert promise.best(P, ONE).tolist() == [2900.0]


def test_the_expected_cost_is_what_drawn_times_cost():
    promise = Promise(late_per_min=4, early_per_min=1.5)
    times = at(P, ONE, (np.arange(200_000) + 0.5) / 200_000)[0]
    for told in (600.0, 1800.0, 4000.0):
        expected = promise_cost(times / 60, np.full(len(times), told / 60), late=4, early=1.5)
        assert promise.cost(P, ONE, [told])[0] == pytest.approx(expected, rel=1e-3)


def test_very_late_minutes_cost_on_top():
    promise = Promise(late_per_min=1, early_per_min=1, very_late_min=10, very_late_per_min=5)
    plain = replaced(promise, very_late_per_min=0)
    times = at(P, ONE, (np.arange(200_000) + 0.5) / 200_000)[0]
    on_top = 5 * np.maximum((times - 1700 - 600) / 60, 0).mean()
    assert promise.cost(P, ONE, [1700.0])[0] - plain.cost(P, ONE, [1700.0])[0] == pytest.approx(on_top, rel=1e-3)
    assert promise.best(P, ONE)[0] > plain.best(P, ONE)[0]


@law
@given(row, st.integers(1, 15))
def test_promises_are_rounded_up(q, step):
    promise = Promise(round_to_min=step)
    best, told = promise.best(P, q)[0], promise.of(P, q)[0]
    assert told % (60 * step) == 0 and told > 0
    assert best - 1e-6 <= told < max(best, 1) + 60 * step
    dear = replaced(promise, very_late_per_min=5)
    best, told = dear.best(P, q)[0], dear.of(P, q)[0]
    assert best - 0.01 <= told < max(best, 1) + 60 * step


@law
@given(row, st.integers(1, 15))
def test_a_range_is_one_and_ends_at_the_promise(q, step):
    promise = Promise(round_to_min=step, wording="range")
    told = promise.of(P, q)
    ((first, last),) = promise.told(P, q, told).tolist()
    assert last == told[0] / 60 and 0 <= first < last and first % step == 0
    minute = replaced(promise, wording="minute")
    assert minute.told(P, q, told).tolist() == [[last, last]]


def test_words():
    promise = Promise(wording="range")
    told = promise.told(P, ONE, promise.of(P, ONE))[0].tolist()
    assert words(*told) == "15 to 40 minutes"


NONE = Standing(np.array([np.nan]), np.array([0]))


@law
@given(st.lists(row, min_size=1, max_size=30), st.integers(0, 4), st.floats(0, 5))
def test_an_order_has_few_promises_and_each_change_was_worth_it(estimates, at_most, worth):
    promise = Promise(at_most=at_most, worth_changing=worth)
    standing, seen = NONE, []
    for q in estimates:
        before, standing = standing, promise.steady(P, q, standing)
        if standing.promised_s[0] != before.promised_s[0] and seen:
            saved = promise.cost(P, q, before.promised_s)[0] - promise.cost(P, q, standing.promised_s)[0]
            assert saved > worth
        seen.append(float(standing.promised_s[0]))
    switches = int((np.diff(seen) != 0).sum())
    assert standing.changes.tolist() == [switches] and switches <= at_most
    assert seen[0] == promise.of(P, estimates[0])[0]


def test_a_promise_does_not_flap_at_the_edge_of_a_round_minute():
    """Estimates that cross a multiple of five minutes to and fro by seconds."""
    promise = Promise(at_most=100)
    standing, told = NONE, set()
    for turn in range(40):
        standing = promise.steady(P, ONE + 200 + (10 if turn % 2 else -10), standing)
        told.add(promise.of(P, ONE + 200 + (10 if turn % 2 else -10))[0])
    assert len(told) == 2
    assert standing.changes.tolist() == [0]


def test_news_that_matters_changes_it_and_orders_are_apart():
    promise = Promise()
    standing = promise.steady(P, np.tile(ONE, (2, 1)), Standing(np.full(2, np.nan), np.zeros(2, np.int64)))
    later = promise.steady(P, np.r_[ONE + 1800, ONE], standing)
    assert later.changes.tolist() == [1, 0]
    assert later.promised_s.tolist() == [standing.promised_s[0] + 1800, standing.promised_s[1]]


def test_a_spec_is_data_and_impossible_costs_are_refused():
    promise = Promise(late_per_min=5, wording="range")
    assert msgspec.json.decode(msgspec.json.encode(promise), type=Promise) == promise
    for costs in ({"early_per_min": 0}, {"late_per_min": 0}):
        with pytest.raises(DesignError, match="expected both above 0"):
            Promise(**costs)
    with pytest.raises(DataError, match="2 promises stand"):
        promise.steady(P, ONE, Standing(np.zeros(2), np.zeros(1, np.int64)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 25), st.integers(0, 4))
def test_followed_at_once_is_steady_one_by_one(seed: int, n: int, at_most: int):
    rng = np.random.default_rng(seed)
    promise = Promise(at_most=at_most, worth_changing=float(rng.choice([0.0, 1.0, 5.0])))
    quantiles = np.sort(rng.gamma(4, 400, (n, 1)) * rng.uniform(0.4, 2.0, (n, len(LEVELS))), axis=1)
    standing = Standing(np.array([1800.0]), np.zeros(1, np.int64))
    expected = []
    for row in quantiles:
        standing = promise.steady(LEVELS, row[None], standing)
        expected.append(standing.promised_s[0])
    assert promise.follow(LEVELS, quantiles, [1800.0]).tolist() == expected
