import msgspec
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from sixfold.errors import DataError, ReleaseError
from sixfold.ranking.examples import Examples
from sixfold.ranking.linear import FittedLinear, Linear, Scaling


def table(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    x = (rng.lognormal(size=(n, 5)) * [1, 10, 0.1, 1, 1]).astype(np.float32)
    x[rng.random(n) < 0.1, 1] = np.nan
    x[:, 4] = 3
    z = np.log(x[:, 0]) - 0.5 * np.isnan(x[:, 1])
    return x, (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.float32)


def prepared(x, clip=0.001):
    """What the model should see, by hand: clipped, standardised, mean-filled, plus the gap's flag."""
    low, high = np.nanquantile(x.astype(np.float64), [clip, 1 - clip], axis=0)
    x = np.clip(x, low, high)
    deviation = np.nanstd(x, axis=0)
    z = (x - np.nanmean(x, axis=0)) / np.where(deviation < 1e-6, 1, deviation)
    return np.c_[np.nan_to_num(z), np.isnan(x[:, 1])]


@pytest.mark.parametrize("l2", [0.1, 1.0, 50.0])
def test_logistic_regression_equals_scikit_learns(l2):
    x, y = table()
    z, weights = prepared(x), np.random.default_rng(1).random(len(x)).astype(np.float32)
    oracle = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=2000).fit(z, y, weights)
    fitted = Linear(l2=l2).fit(Examples.of(x, y, weights), np.random.default_rng(0))
    np.testing.assert_allclose(fitted.score(x), oracle.predict_proba(z)[:, 1], atol=1e-4)
    np.testing.assert_allclose(np.r_[fitted.weights, fitted.missing[1]], oracle.coef_[0], atol=1e-4)


def test_ridge_equals_scikit_learns():
    x, y = table()
    z = prepared(x)
    fitted = Linear(l2=3.0, loss="rmse").fit(Examples.of(x, y * 40), np.random.default_rng(0))
    np.testing.assert_allclose(fitted.score(x), Ridge(alpha=3.0).fit(z, y * 40).predict(z), atol=1e-3)


def test_what_was_never_seen_in_training_still_scores_finitely():
    x, y = table()
    fitted = Linear().fit(Examples.of(x, y), np.random.default_rng(0))
    rows = np.array([[np.nan] * 5, [np.inf] * 5, [-np.inf] * 5, [1e38] * 5], np.float32)
    assert np.isfinite(fitted.score(rows)).all()
    assert fitted.score(rows)[1] == fitted.score(rows)[3]


def test_a_rare_flag_is_not_clipped_away():
    flag = np.zeros((10_000, 1), np.float32)
    flag[:2] = 1
    scaling = Scaling.of(flag, clip=0.001)
    assert (scaling.low.tolist(), scaling.high.tolist()) == ([0], [1])


def test_a_column_without_a_finite_value_is_silent():
    scaling = Scaling.of(np.array([[np.nan, np.inf], [np.nan, -np.inf]], np.float32), clip=0.001)
    assert scaling.apply(np.array([[1, np.nan], [np.inf, 2]], np.float32)).tolist() == [[0, 0], [0, 0]]


def test_arrays_round_trip_and_damage_is_refused():
    x, y = table()
    fitted = Linear().fit(Examples.of(x, y), np.random.default_rng(0))
    arrays = fitted.to_arrays()
    assert FittedLinear.from_arrays(arrays).score(x).tolist() == fitted.score(x).tolist()
    for name in arrays:
        with pytest.raises(ReleaseError, match=f"array {name} is missing"):
            FittedLinear.from_arrays({key: array for key, array in arrays.items() if key != name})
    with pytest.raises(ReleaseError, match=r"scale\[2\] is 0.0, expected a number above 0"):
        FittedLinear.from_arrays(arrays | {"scale": np.array([1, 1, 0, 1, 1], np.float32)})


def test_one_class_or_the_wrong_width_is_refused():
    x, y = table()
    with pytest.raises(DataError, match="0 positives"):
        Linear().fit(Examples.of(x, y * 0), np.random.default_rng(0))
    fitted = Linear().fit(Examples.of(x, y), np.random.default_rng(0))
    with pytest.raises(DataError, match=r"\(n, 5\)"):
        fitted.score(x[:, :4])


def test_a_spec_is_plain_data():
    assert msgspec.json.decode(msgspec.json.encode(Linear(l2=2.0)), type=Linear) == Linear(l2=2.0)
