import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from sixfold.ranking.isotonic import _stack, at_least, merged, pool

rows = st.lists(st.tuples(st.floats(-100, 100), st.floats(0.01, 100)), min_size=1, max_size=60)


def fitted(values, weights):
    starts = pool(values * weights, weights)
    levels = merged(values * weights, starts) / merged(weights, starts)
    return np.repeat(levels, np.diff(np.r_[starts, len(values)]))


@given(rows)
def test_the_fit_equals_scikit_learns(rows):
    values, weights = np.array(rows).T
    np.testing.assert_allclose(fitted(values, weights), isotonic_regression(values, sample_weight=weights), atol=1e-9)


def test_random_labels_rising_tails_and_falling_rows_equal_scikit_learns():
    rng = np.random.default_rng(0)
    rising = np.arange(20_000.0)
    cases = [
        (rng.random(50_000) < np.linspace(0, 0.1, 50_000)).astype(float),
        np.r_[rising, -1e9],
        np.r_[1e9, rising],
        rising[::-1].copy(),
        rising + rng.normal(size=len(rising)) * 50,
        np.zeros(100),
    ]
    for values in cases:
        oracle = isotonic_regression(values)
        np.testing.assert_allclose(fitted(values, np.ones(len(values))), oracle, rtol=1e-9, atol=1e-9)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 9)), min_size=1, max_size=40))
def test_the_stack_and_the_passes_make_the_same_blocks(rows):
    sums, weights = np.array(rows, float).T
    assert pool(sums, weights).tolist() == _stack(sums, weights).tolist()


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 100))
def test_joined_blocks_have_enough_rows_unless_there_are_too_few_at_all(rows, least):
    counts = np.array(rows, float)
    starts = at_least(counts, least)
    assert starts[0] == 0
    joined = merged(counts, starts)
    assert joined.sum() == counts.sum()
    assert (joined >= least).all() or len(joined) == 1


def test_blocks_that_are_large_enough_stay_apart():
    assert at_least(np.array([5.0, 6.0, 7.0]), 5).tolist() == [0, 1, 2]
