"""The mean of two rankers' log-odds, by hand, through arrays, and where a forest alone goes flat."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import ReleaseError
from sixfold.ranking.blend import FittedBlend
from sixfold.ranking.examples import Examples
from sixfold.ranking.forest import Forest
from sixfold.ranking.links import logit, sigmoid
from sixfold.ranking.trees import FittedForest


def examples(rng) -> Examples:
    x = rng.normal(size=(4000, 3)).astype(np.float32)
    return Examples.of(x, rng.random(len(x)) < sigmoid(1.5 * x[:, 0].astype(float) - 1))


@pytest.fixture(scope="module")
def blend() -> FittedBlend:
    fitted = Forest(trees=30, depth=3, linear=0.25).fit(examples(np.random.default_rng(0)), np.random.default_rng(1))
    assert isinstance(fitted, FittedBlend)
    return fitted


def test_it_is_the_weighted_mean_of_the_log_odds(blend):
    x = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
    expected = 0.75 * logit(blend.forest.score(x)) + 0.25 * logit(blend.linear.score(x))
    assert logit(blend.score(x)) == pytest.approx(expected, abs=1e-5)


def test_it_goes_on_where_the_forest_is_flat(blend):
    far = np.array([[4, 0, 0], [5, 0, 0]], np.float32)
    one, other = blend.forest.score(far)
    assert one == other
    # The linear part is clipped at its outermost examples, so look just inside of them.
    near = np.array([[2.7, 0, 0], [2.9, 0, 0]], np.float32)
    assert np.diff(blend.score(near)) > 0


def test_the_forest_is_the_one_that_would_stand_alone(blend):
    alone = Forest(trees=30, depth=3).fit(examples(np.random.default_rng(0)), np.random.default_rng(1))
    assert isinstance(alone, FittedForest)
    for name, array in alone.to_arrays().items():
        np.testing.assert_array_equal(array, blend.forest.to_arrays()[name])


def test_an_amount_is_left_to_the_forest():
    rows = examples(np.random.default_rng(0))
    assert isinstance(Forest(trees=3, loss="rmse", linear=0.5).fit(rows, np.random.default_rng(0)), FittedForest)


def test_it_survives_as_arrays(blend):
    x = np.random.default_rng(3).normal(size=(50, 3)).astype(np.float32)
    again = FittedBlend.from_arrays(blend.to_arrays())
    np.testing.assert_array_equal(again.score(x), blend.score(x))
    with pytest.raises(ReleaseError, match="share"):
        FittedBlend.from_arrays(blend.to_arrays() | {"share": np.array(1.5)})
