from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError, ReleaseError
from sixfold.retrieval import als
from sixfold.retrieval.als import ALS, ALSFitted, solve
from sixfold.types import DAY, Interactions, Queries

MEMBERS, ITEMS, FACTORS = 30, 20, 3


def seen(weight: float = 1.0) -> Interactions:
    rng = np.random.default_rng(4)
    member, item = np.nonzero(rng.random((MEMBERS, ITEMS)) < np.linspace(0.7, 0.05, ITEMS))
    n = len(member)
    weights = np.full(n, weight, np.float32)
    return Interactions(member.astype(np.int32), item.astype(np.int32), np.arange(n), weights, MEMBERS, ITEMS)


def asked(history: list[int], ages_days: list[int]) -> Queries:
    ts = 1_000 * DAY - np.array([ages_days], np.int64) * DAY
    none = np.empty((1, 0), np.int32)
    born = np.zeros(ITEMS, np.int64)
    return Queries(np.array([1_000 * DAY]), np.array([-1]), np.array([history], np.int32), ts, none, born)


def loss(x: np.ndarray, y: np.ndarray, matrix: np.ndarray, spec: ALS) -> float:
    """The loss as the module's docstring writes it, term by term and in float64."""
    products = x @ y.T
    n_x = (matrix.sum(axis=1) + spec.unobserved * len(y)) ** spec.nu
    n_y = (matrix.sum(axis=0) + spec.unobserved * len(x)) ** spec.nu
    norms = (n_x * (x**2).sum(axis=1)).sum() + (n_y * (y**2).sum(axis=1)).sum()
    return (matrix * (products - 1) ** 2).sum() + spec.unobserved * (products**2).sum() + spec.l2 * norms


@pytest.mark.parametrize("nu", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("piece", [1, 1_000])
def test_solve_finds_the_least_of_the_loss(nu, piece, monkeypatch):
    monkeypatch.setattr(als, "_piece", lambda factors: piece)
    rng = np.random.default_rng(1)
    spec = ALS(factors=FACTORS, unobserved=0.3, l2=0.05, nu=nu)
    others = rng.normal(size=(ITEMS, FACTORS)).astype(np.float32)
    columns, weights = np.array([[2, 5, 7], [4, 0, 0]], np.int32), np.array([[1, 0.5, 2], [3, 0, 0]], np.float32)
    settings = np.array([spec.unobserved, spec.l2, spec.nu])
    best = solve(others, others.T @ others, columns, weights, settings).astype(np.float64)

    matrix = np.zeros((2, ITEMS))
    np.add.at(matrix, (np.arange(2)[:, None], columns), weights)
    least = loss(best, others, matrix, spec)
    for row in range(2):
        for step in 1e-3 * np.vstack([np.eye(FACTORS), -np.eye(FACTORS)]):
            moved = best.copy()
            moved[row] += step
            assert loss(moved, others, matrix, spec) > least


def test_iterations_lower_the_loss():
    matrix = np.zeros((MEMBERS, ITEMS))
    matrix[seen().member, seen().item] = 1

    def after(iterations: int) -> float:
        spec = ALS(factors=FACTORS, iterations=iterations, l2=0.01)
        fitted = spec.fit(seen(), np.zeros(ITEMS, np.int64), np.random.default_rng(3))
        history = np.argsort(-matrix, axis=1, kind="stable").astype(np.int32)
        weights = -np.sort(-matrix, axis=1).astype(np.float32)
        members = solve(fitted.vectors, fitted.gram, history, weights, fitted.settings)
        return loss(members.astype(np.float64), fitted.vectors.astype(np.float64), matrix, spec)

    assert after(1) > after(3) > after(12)


def fitted(half_life: str | None = None) -> ALSFitted:
    spec = ALS(factors=FACTORS, half_life=half_life)
    return spec.fit(seen(), np.zeros(ITEMS, np.int64), np.random.default_rng(3))


def test_a_watch_counts_as_long_as_its_half_life():
    whole, half = fitted(), fitted("7d")
    old = half.fold_in(asked([3, 8], [0, 7]))
    expected = solve(half.vectors, half.gram, np.array([[3, 8]]), np.array([[1, 0.5]], np.float32), half.settings)
    np.testing.assert_allclose(old, expected, rtol=1e-5)
    assert (whole.fold_in(asked([3, 8], [0, 7])) == whole.fold_in(asked([3, 8], [0, 0]))).all()


def test_who_has_no_history_is_the_mean_member():
    assert (fitted().fold_in(asked([-1, ITEMS], [0, 0])) == fitted().usual).all()


def test_vectors_that_do_not_fit_together_are_refused():
    arrays = fitted().to_arrays()
    for name in ("usual", "settings"):
        with pytest.raises(ReleaseError, match=name):
            ALSFitted.from_arrays({**arrays, name: arrays[name][:-1]})
    with pytest.raises(ReleaseError, match="finite"):
        ALSFitted.from_arrays({**arrays, "vectors": np.full_like(arrays["vectors"], np.nan)})


@pytest.mark.parametrize("name", ["factors", "iterations", "unobserved", "l2"])
def test_settings_of_nothing_are_refused(name):
    with pytest.raises(DesignError, match=name):
        ALS(**{name: 0})
