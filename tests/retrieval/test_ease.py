from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError, ReleaseError
from sixfold.retrieval.ease import EASE, EASEFitted
from sixfold.types import DAY, Interactions, Queries

RNG = np.random.default_rng(0)


def random_interactions(members: int = 60, items: int = 12) -> Interactions:
    random = np.random.default_rng(3)
    member, item = np.nonzero(random.random((members, items)) < np.linspace(0.6, 0.1, items))
    n = len(member)
    return Interactions(
        member.astype(np.int32), item.astype(np.int32), np.arange(n), np.ones(n, np.float32), members, items
    )


def dense_matrix(seen: Interactions) -> np.ndarray:
    x = np.zeros((seen.members, seen.items))
    x[seen.member, seen.item] = 1
    return x


def test_weights_are_the_constrained_least_squares_solution():
    seen, l2 = random_interactions(), 5.0
    x, weights = dense_matrix(seen), EASE(l2=l2).fit(random_interactions(), np.zeros(12, np.int64), RNG).weights
    for item in range(seen.items):
        # Column by column: ridge regression on all the other items.
        others = np.arange(seen.items) != item
        a = x[:, others].T @ x[:, others] + l2 * np.eye(seen.items - 1)
        expected = np.linalg.solve(a, x[:, others].T @ x[:, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)
    assert (weights.diagonal() == 0).all()


def test_only_the_most_popular_items_are_kept_when_capped():
    fitted = EASE(items=4).fit(random_interactions(), np.zeros(12, np.int64), RNG)
    counts = np.bincount(random_interactions().item)
    assert fitted.rows.tolist() == sorted(np.argsort(-counts, kind="stable")[:4])
    assert fitted.weights.shape == (4, 4)


def test_a_half_life_weighs_the_newest_most_and_a_long_absence_changes_nothing():
    fitted = EASE(half_life="7d").fit(random_interactions(), np.zeros(12, np.int64), RNG)

    def scores(now: int) -> np.ndarray:
        history = np.array([[3, 8]], np.int32)
        history_ts = np.array([[20 * DAY, 13 * DAY]])
        none = np.empty((1, 0), np.int32)
        asked = Queries(np.array([now]), np.array([-1]), history, history_ts, none, np.zeros(12, np.int64))
        answer = fitted.retrieve(asked, 12)
        return answer.scores[0][np.argsort(answer.ids[0])]

    np.testing.assert_allclose(scores(21 * DAY), fitted.weights[3] + 0.5 * fitted.weights[8], rtol=1e-5, atol=1e-7)
    assert (scores(21 * DAY) == scores(2_000 * DAY)).all()


def test_a_matrix_that_does_not_fit_its_rows_is_refused():
    arrays = EASE().fit(random_interactions(), np.zeros(12, np.int64), RNG).to_arrays()
    with pytest.raises(ReleaseError, match="weights"):
        EASEFitted.from_arrays({**arrays, "weights": arrays["weights"][:-1]})
    with pytest.raises(ReleaseError, match="ascending"):
        EASEFitted.from_arrays({**arrays, "rows": arrays["rows"][::-1].copy()})


def test_a_ridge_of_nothing_is_refused():
    with pytest.raises(DesignError, match="l2"):
        EASE(l2=0)
