import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DesignError
from sixfold.estimation.adaptive import Adaptive, moved, settled_at
from sixfold.types import SECOND

LEVELS = np.array([0.05, 0.5, 0.95])
TRUE = np.array([1000 - 164.485, 1000.0, 1000 + 164.485], np.float32)


def stream(n, seed, *, shock=0.0, wilder=1.0):
    """Forecasts that are right for a normal of mean 1000 and deviation 100, and what came: moved and stretched."""
    rng = np.random.default_rng(seed)
    return np.tile(TRUE, (n, 1)), 1000 + shock + wilder * 100 * rng.normal(size=n)


def steered(quantiles, seconds, spec=Adaptive(), state=None):
    """The quantiles as they would have been told one after the other, and the state in the end."""
    state, told = state or spec.start(LEVELS), []
    for row, second in zip(quantiles, seconds, strict=True):
        told.append(moved(row[None], state.offset()[0])[0])
        state = state.fold(row[None], [second])
    return np.array(told), state


def test_in_a_steady_world_coverage_is_kept():
    q, seconds = stream(4000, 0)
    told, _ = steered(q, seconds)
    np.testing.assert_allclose((seconds[:, None] <= told).mean(axis=0), LEVELS, atol=0.02)
    assert np.abs(told[1000:].mean(axis=0) - TRUE).max() < 25


@pytest.mark.parametrize(("shock", "wilder"), [(400.0, 1.0), (0.0, 2.5), (1000.0, 2.0)])
def test_after_a_shock_coverage_is_back_within_200_outcomes(shock, wilder):
    """Left alone, the 90 % interval covers as little as nothing; what comes after the first 200 outcomes is covered again."""
    q, seconds = stream(1000, 0)
    _, state = steered(q, seconds)
    q, seconds = stream(800, 1, shock=shock, wilder=wilder)
    told, _ = steered(q, seconds, state=state)
    inside = (told[:, 0] <= seconds) & (seconds <= told[:, 2])
    assert ((q[:, 0] <= seconds) & (seconds <= q[:, 2])).mean() < 0.55
    assert inside[200:].mean() == pytest.approx(0.9, abs=0.03)
    assert (seconds <= told[:, 2])[50:].mean() > 0.92


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.2]))
def test_whatever_comes_the_share_covered_is_within_the_bound(seed, step):
    """One step, outcomes of an adversary: |covered - level| <= (farthest offset + step) / (step n)."""
    rng = np.random.default_rng(seed)
    n = 600
    seconds = np.cumsum(rng.normal(0, 150, n)) + rng.choice([0, 2000], n) + 3000
    q = np.tile(TRUE + 2000, (n, 1))
    state, hits, farthest = Adaptive(steps=(step,)).start(LEVELS), np.zeros(3), 0.0
    width = TRUE[2] - TRUE[0]
    for row, second in zip(q, seconds, strict=True):
        hits += second <= row + state.offset()[0] * width
        state = state.fold(row[None], [second])
        farthest = max(farthest, float(np.abs(state.offset()).max()))
    assert (np.abs(hits / n - LEVELS) <= (farthest + step) / (step * n) + 1e-12).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 30))
def test_a_replay_is_what_folding_one_by_one_would_have_told(seed, groups, n):
    rng = np.random.default_rng(seed)
    asked = rng.integers(0, 20, n)
    settled = asked + rng.integers(0, 10, n)
    group = rng.integers(0, groups, n)
    q = np.sort(rng.gamma(5, 200, (n, 3)), axis=1)
    seconds = rng.gamma(5, 250, n)
    start = Adaptive().start(LEVELS, groups=groups)
    found = start.replay(q, seconds, asked=asked, settled=settled, groups=group)
    for row in range(n):
        state = start
        for other in np.lexsort((np.arange(n), settled)):
            if settled[other] < asked[row]:
                state = state.fold(q[other][None], [seconds[other]], groups=[group[other]])
        np.testing.assert_allclose(found[row], state.offset()[group[row]], atol=1e-12)


def test_groups_are_steered_apart():
    state = Adaptive().start(LEVELS, groups=3)
    for _ in range(50):
        state = state.fold(np.tile(TRUE, (2, 1)), [3000.0, 1000.0], groups=[0, 2])
    slow, untouched, steady = state.offset()[:, 1]
    assert slow > 0.3 and untouched == 0 and abs(steady) < 0.1
    told = moved(np.tile(TRUE, (2, 1)), state.offset()[[0, 1]])
    np.testing.assert_allclose(told[1], TRUE)
    assert told[0, 1] > TRUE[1] + 100


def test_an_error_beyond_all_measure_leaves_finite_numbers():
    state = Adaptive().start(LEVELS).fold(TRUE[None], [1e12]).fold(TRUE[None], [0.0])
    assert np.isfinite(state.offsets).all()
    np.testing.assert_allclose(state.trust.sum(axis=2), 1)


def test_nothing_replayed_is_nothing():
    empty = Adaptive().start(LEVELS).replay(np.empty((0, 3)), [], asked=[], settled=[])
    assert empty.shape == (0, 3)


def test_moved_quantiles_rise_and_stay_above_zero():
    assert moved(np.array([[10.0, 20.0]], np.float32), np.array([0.0, -3.0])).tolist() == [[0.0, 10.0]]


def test_steps_that_are_none_are_refused():
    for steps in ((), (0.0,), (2.0,)):
        with pytest.raises(DesignError, match="steps is"):
            Adaptive(steps=steps)


def test_outcomes_that_are_folded_as_soon_as_they_are_known_mislead_where_demand_rises():
    """Orders come ever faster; the quick ones are known first. Settled, they tell the truth again."""
    rng = np.random.default_rng(0)
    n = 6000
    asked = 3000 * np.log1p(np.arange(n))
    asked -= asked[0]
    seconds = rng.gamma(2, 500, n)
    q = np.tile(np.quantile(rng.gamma(2, 500, 200_000), LEVELS), (n, 1)).astype(np.float32)
    covered = []
    asked_us = (asked * SECOND).astype(np.int64)
    known = asked_us + (seconds * SECOND).astype(np.int64)
    for settled in (known, settled_at(asked_us, known, q)):
        offset = Adaptive().start(LEVELS).replay(q, seconds, asked=asked_us, settled=settled)
        covered.append(float((seconds <= moved(q, offset)[:, 1]).mean()))
    assert covered[0] < 0.46
    assert covered[1] == pytest.approx(0.5, abs=0.02)


def test_in_a_short_log_the_first_outcomes_do_no_harm():
    """Before it is known which step is best, large ones would move the median by chance alone."""
    harm = []
    for seed in range(20):
        q, seconds = stream(150, seed)
        told, _ = steered(q, seconds)
        harm.append(np.abs(told[:, 1] - seconds).mean() / np.abs(q[:, 1] - seconds).mean() - 1)
    assert np.mean(harm) < 0.005
