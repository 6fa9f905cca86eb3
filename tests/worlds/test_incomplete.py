from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sixfold.worlds.incomplete import beta_cdf, log_beta, log_gamma

shape = st.floats(0.05, 500.0)


@given(st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=20))
def test_log_gamma_is_that_of_scipy(values):
    x = np.array(values)
    np.testing.assert_allclose(log_gamma(x), special.gammaln(x), rtol=1e-11, atol=1e-11)


@given(shape, shape, st.floats(0.0, 1.0))
def test_the_incomplete_beta_is_that_of_scipy(a, b, x):
    found = beta_cdf(np.array([a]), np.array([b]), np.array([x]))
    np.testing.assert_allclose(found, special.betainc(a, b, x), rtol=1e-9, atol=1e-14)


@given(shape, shape)
def test_log_beta_is_that_of_scipy(a, b):
    np.testing.assert_allclose(log_beta(np.array(a), np.array(b)), special.betaln(a, b), rtol=1e-10, atol=1e-10)


def test_a_small_tail_keeps_its_digits():
    found = beta_cdf(np.array([60.0]), np.array([20.0]), np.array([1e-4]))
    np.testing.assert_allclose(found, special.betainc(60.0, 20.0, 1e-4), rtol=1e-9)
    assert 0 < found[0] < 1e-200


def test_outside_of_its_range_all_or_nothing_lies_below():
    one = np.array([2.0])
    assert [beta_cdf(one, one, np.array([x]))[0] for x in (-1.0, 0.0, 1.0, 3.0)] == [0, 0, 1, 1]
