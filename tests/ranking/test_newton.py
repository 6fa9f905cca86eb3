import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, Ridge

from sixfold.ranking import newton


def problem(n=700, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    y = (rng.random(n) < 1 / (1 + np.exp(-x @ [1, -2, 0, 0.5] + 1))).astype(np.float64)
    return np.c_[x, np.ones(n, np.float32)], y, rng.random(n).astype(np.float32)


def test_logistic_regression_is_scikit_learns():
    x, y, w = problem()
    found = newton.minimise(x, y, w, ridge=np.array([2, 2, 2, 2, 0.0]), logistic=True)
    oracle = LogisticRegression(C=0.5, tol=1e-12, max_iter=1000).fit(x[:, :-1], y, w)
    np.testing.assert_allclose(found, np.r_[oracle.coef_[0], oracle.intercept_], atol=1e-6)


def test_least_squares_is_scikit_learns():
    x, y, w = problem()
    found = newton.minimise(x, y, w, ridge=np.array([2, 2, 2, 2, 0.0]), logistic=False)
    oracle = Ridge(alpha=2).fit(x[:, :-1], y, w)
    np.testing.assert_allclose(found, np.r_[oracle.coef_, oracle.intercept_], atol=1e-6)


def test_blocks_of_rows_change_nothing(monkeypatch):
    x, y, w = problem()
    whole = newton.minimise(x, y, w, ridge=np.ones(5), logistic=True)
    monkeypatch.setattr(newton, "BLOCK", 37)
    np.testing.assert_allclose(newton.minimise(x, y, w, ridge=np.ones(5), logistic=True), whole, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_a_start_far_from_the_minimum_converges(size):
    """Plain Newton overshoots here: separable labels, and hardly any ridge."""
    x = np.c_[np.linspace(-1, 1, 50) * size, np.ones(50)].astype(np.float32)
    y = (x[:, 0] > 0.3 * size).astype(np.float64)
    ridge = np.array([1e-4, 0.0])
    found = newton.minimise(x, y, np.ones(50, np.float32), ridge=ridge, logistic=True)
    p = expit(x.astype(np.float64) @ found)
    np.testing.assert_allclose(x.T @ (p - y) + ridge * found, 0, atol=1e-4 * max(size, 1))
