import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.estimation.adaptive import Adaptive, moved
from sixfold.estimation.layered import NOBODY, Layered

LEVELS = np.array([0.05, 0.5, 0.95])
TRUE = np.array([1000 - 164.485, 1000.0, 1000 + 164.485], np.float32)
BY = Adaptive(by="store")


def shocked(n: int, entities: int, slow: int, rng: np.random.Generator):
    """Outcomes of entities in turn, of which the first `slow` take 400 s longer than ever."""
    group = rng.integers(0, entities, n)
    return group, 1000 + 400.0 * (group < slow) + 100 * rng.normal(size=n)


def told(by: Adaptive, group: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    n = len(seconds)
    q, at = np.tile(TRUE, (n, 1)), np.arange(n)
    start = Layered.start(by, LEVELS, groups=int(group.max()) + 1)
    return moved(q, start.replay(q, seconds, asked=at, settled=at, groups=group))


def inside(quantiles: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    return (quantiles[:, 0] <= seconds) & (seconds <= quantiles[:, -1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 30), st.sampled_from([None, "store"]))
def test_a_replay_is_what_folding_one_by_one_would_have_told(seed, groups, n, by):
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, 20, n)
    settled = asked + rng.integers(0, 10, n)
    group = rng.integers(NOBODY, groups, n)
    q, seconds = np.sort(rng.gamma(5, 200, (n, 3)), axis=1), rng.gamma(5, 250, n)
    start = Layered.start(Adaptive(by=by), LEVELS, groups=groups)
    found = start.replay(q, seconds, asked=asked, settled=settled, groups=group)
    for row in range(n):
        state = start
        for other in np.lexsort((np.arange(n), settled)):
            if settled[other] < asked[row]:
                one = slice(other, other + 1)
                state = state.fold(q[one], seconds[one], groups=group[one])
        np.testing.assert_allclose(found[row], state.offset(int(group[row])), atol=1e-12)


def test_without_an_entity_it_is_the_one_layer():
    rng = np.random.default_rng(0)
    group, seconds = shocked(200, 5, 1, rng)
    q, at = np.tile(TRUE, (200, 1)), np.arange(200)
    one = Adaptive().start(LEVELS).replay(q, seconds, asked=at, settled=at)
    both = Layered.start(Adaptive(), LEVELS).replay(q, seconds, asked=at, settled=at, groups=group)
    np.testing.assert_array_equal(both, one)


def test_a_few_that_slow_down_are_covered_and_the_others_are_not_told_more_for_it():
    """One layer covers 90 % of all by telling everybody wide times, and still misses those that slowed down."""
    group, seconds = shocked(12_000, 20, 2, np.random.default_rng(1))
    late = slice(6000, None)
    one, each = (told(by, group, seconds)[late] for by in (Adaptive(), BY))
    slow, took = group[late] < 2, seconds[late]
    assert inside(one, took).mean() == pytest.approx(0.9, abs=0.02)
    assert inside(one, took)[slow].mean() < 0.6
    assert inside(each, took)[slow].mean() > 0.86 and inside(each, took)[~slow].mean() > 0.87
    assert np.ptp(each[~slow][:, [0, 2]], axis=1).mean() < 0.8 * np.ptp(one[~slow][:, [0, 2]], axis=1).mean()


def test_a_shock_that_hits_all_is_followed_by_those_that_have_few_outcomes_too():
    """Each of 2 000 entities has two outcomes: of themselves they could not tell."""
    rng = np.random.default_rng(2)
    group, seconds = np.tile(np.arange(2000), 2), 1400 + 100 * rng.normal(size=4000)
    found = told(BY, group, seconds)
    assert inside(found, seconds)[500:].mean() == pytest.approx(0.9, abs=0.02)


def test_nobody_moves_as_all_do():
    start = Layered.start(BY, LEVELS, groups=1)
    state = start.fold(TRUE[None], [3000.0], groups=np.array([NOBODY]))
    assert state.each is not None and not state.each.offsets.any()
    np.testing.assert_array_equal(state.offset(0), state.offset(NOBODY))
    assert (state.offset() > 0).all()
