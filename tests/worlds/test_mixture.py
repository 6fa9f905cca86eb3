from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sixfold.worlds.mixture import Mixture

LEVELS = np.array([0.01, 0.05, 0.5, 0.95, 0.99])


def mixed(n: int = 40, least: float = 0.0, seed: int = 0) -> Mixture:
    rng = np.random.default_rng(seed)
    shape = (n, 3)
    return Mixture(
        weight=rng.dirichlet(np.ones(3), n),
        offset=rng.uniform(0, 300, shape),
        scale=rng.uniform(400, 900, shape),
        shape=rng.uniform(2, 80, shape),
        tail=rng.uniform(10, 60, shape),
        least=np.full(shape, least),
    )


def one(least: float = 0.0) -> Mixture:
    return Mixture(*(np.array([[value]]) for value in (1.0, 100.0, 500.0, 30.0, 20.0, least)))


def test_one_part_is_the_beta_prime_of_scipy():
    other = stats.betaprime(30.0, 20.0, loc=100.0, scale=500.0)
    np.testing.assert_allclose(one().quantiles(LEVELS)[0], other.ppf(LEVELS), rtol=1e-6)
    np.testing.assert_allclose(one().cdf(np.array([700.0])), other.cdf(700.0), rtol=1e-9)
    np.testing.assert_allclose(one().mean(), other.mean(), rtol=1e-9)


def test_one_part_beyond_a_bound_is_that_of_scipy_cut_off():
    other = stats.betaprime(30.0, 20.0, loc=100.0, scale=500.0)
    below = other.cdf(1100.0)
    np.testing.assert_allclose(one(1000.0).quantiles(LEVELS)[0], other.ppf(below + LEVELS * (1 - below)), rtol=1e-6)
    np.testing.assert_allclose(one(1000.0).mean(), other.expect(lb=1100.0, conditional=True), rtol=1e-6)
    assert one(1000.0).cdf(np.array([1100.0])) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("least", [0.0, 900.0])
def test_quantiles_invert_the_distribution_function(least):
    law = mixed(least=least)
    for level, column in zip(LEVELS, law.quantiles(LEVELS).T, strict=True):
        np.testing.assert_allclose(law.cdf(column), level, rtol=1e-6)


@pytest.mark.parametrize("least", [0.0, 900.0])
def test_draws_follow_the_law(least):
    law = mixed(least=least)
    drawn = law.samples(500, np.random.default_rng(3))
    level = np.array([law.cdf(column) for column in drawn[:, :50].T]).ravel()
    assert stats.kstest(level, "uniform").statistic < 1.63 / np.sqrt(len(level))
    error = drawn.std(axis=1) / np.sqrt(500)
    assert np.abs((drawn.mean(axis=1) - law.mean()) / error).max() < 4


def test_a_bound_far_out_still_has_a_law():
    law = one(1e6)
    assert 1e6 < law.quantiles(np.array([0.1]))[0, 0] < law.mean()[0] < 1.2e6


def test_rows_stay_apart_and_none_are_none():
    law = mixed(5000)
    few = np.array([17, 4095, 4999])
    np.testing.assert_allclose(law.quantiles(LEVELS[2:3])[few], law.take(few).quantiles(LEVELS[2:3]), rtol=1e-6)
    none = law.take(np.arange(0))
    assert none.quantiles(LEVELS).shape == (0, 5)
    assert none.cdf(np.empty(0)).shape == (0,)
