import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from sixfold.errors import DataError, ReleaseError
from sixfold.ranking.calibration import (
    Calibration,
    FittedIdentity,
    FittedIsotonic,
    FittedPlatt,
    Identity,
    Isotonic,
    Platt,
)

FITTED = {Isotonic: FittedIsotonic, Platt: FittedPlatt, Identity: FittedIdentity}
some_rows = st.lists(
    st.tuples(st.floats(0, 1, width=32), st.booleans(), st.floats(0.125, 8, width=32)), min_size=2, max_size=80
).filter(lambda rows: len({positive for _, positive, _ in rows}) == 2)


def world(n, seed):
    """Scores that overstate: the truth is sigmoid(0.7 * log-odds - 1)."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 8, size=n).astype(np.float32)
    truth = expit(0.7 * logit(np.clip(scores, 1e-6, 1 - 1e-6)) - 1)
    return scores, rng.random(n) < truth, truth


@pytest.mark.parametrize("spec", [Isotonic(), Platt()])
def test_the_known_truth_is_recovered_over_the_whole_range(spec):
    fitted = spec.fit(*world(100_000, 0)[:2])
    scores, _, truth = world(50_000, 1)
    p = fitted.apply(scores)
    tenths = np.array_split(np.argsort(scores, kind="stable"), 10)
    errors = [abs(p[part].mean() - truth[part].mean()) for part in tenths]
    assert max(errors) < 0.01
    assert max(abs(scores[part].mean() - truth[part].mean()) for part in tenths) > 0.1


@pytest.mark.parametrize("spec", [Isotonic(least_rows=1), Isotonic(), Platt()])
@given(rows=some_rows)
def test_order_is_kept_and_values_stay_inside_0_and_1(spec, rows):
    scores, labels, weights = np.array(rows, np.float32).T
    fitted = spec.fit(scores, labels, weights)
    grid = np.unique(np.r_[scores, np.linspace(0, 1, 101, dtype=np.float32)])
    p = fitted.apply(grid)
    assert (np.diff(p) >= 0).all()
    assert p.dtype == np.float32
    if isinstance(spec, Isotonic):
        assert ((p > 0) & (p < 1)).all()


def test_scores_that_differ_stay_apart_also_in_the_outermost_blocks():
    scores, labels, _ = world(20_000, 0)
    p = Isotonic().fit(scores, labels).apply(np.linspace(0, 1, 1001, dtype=np.float32))
    assert (np.diff(p) > 0).all()


@given(some_rows)
def test_isotonic_values_are_weighted_frequencies_with_a_row_of_the_base_rate_at_either_end(rows):
    """With one block there is nothing but the base rate; the tilt moves only what lies outside it."""
    scores, labels, weights = np.array(rows, np.float32).T.astype(np.float64)
    fitted = Isotonic(least_rows=1000).fit(scores, labels, weights)
    centre = np.average(scores, weights=weights)
    base = np.average(labels, weights=weights)
    assert fitted.apply(np.array([centre]))[0] == pytest.approx(base, rel=2e-3, abs=2e-3)


def test_a_few_lucky_rows_at_the_top_are_no_certainty():
    scores = np.r_[np.linspace(0, 0.5, 1000), 0.9, 0.91, 0.92]
    labels = np.r_[np.arange(1000) % 10 == 0, True, True, True]
    assert Isotonic(least_rows=1).fit(scores, labels).apply(np.array([0.91]))[0] > 0.6
    assert Isotonic(least_rows=100).fit(scores, labels).apply(np.array([0.91]))[0] < 0.2


def test_weights_are_repeated_rows():
    scores, labels, _ = world(300, 0)
    times = np.random.default_rng(0).integers(1, 4, size=300)
    grid = np.linspace(0, 1, 50, dtype=np.float32)
    for spec, tolerance in ((Isotonic(least_rows=1), 0.03), (Platt(), 1e-5)):
        weighted = spec.fit(scores, labels, times).apply(grid)
        repeated = spec.fit(np.repeat(scores, times), np.repeat(labels, times)).apply(grid)
        np.testing.assert_allclose(weighted, repeated, atol=tolerance)


def test_rows_without_weight_do_not_count():
    scores, labels, _ = world(500, 0)
    weights = np.r_[np.ones(300), np.zeros(200)]
    for spec in (Isotonic(least_rows=10), Platt()):
        some, first = spec.fit(scores, labels, weights), spec.fit(scores[:300], labels[:300])
        assert some.apply(scores).tolist() == first.apply(scores).tolist()


def test_platt_equals_scikit_learns_logistic_regression_on_smoothed_labels():
    scores, labels, _ = world(2000, 0)
    fitted = Platt().fit(scores, labels)
    positive, negative = labels.sum(), (~labels).sum()
    target = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))
    odds = logit(scores.astype(np.float64))[:, None]
    both = np.r_[np.ones(2000), np.zeros(2000)]
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(np.r_[odds, odds], both, np.r_[target, 1 - target])
    assert float(fitted.scale) == pytest.approx(oracle.coef_[0, 0], abs=1e-4)
    assert float(fitted.shift) == pytest.approx(oracle.intercept_[0], abs=1e-4)


def test_scores_that_order_backwards_or_not_at_all_get_the_base_rate_in_their_order():
    rng = np.random.default_rng(0)
    labels = np.arange(1000) % 4 == 0
    for scores in (1 - (labels * 0.5 + rng.random(1000) * 0.1), np.full(1000, 0.3)):
        for spec in (Platt(), Isotonic()):
            p = spec.fit(scores, labels).apply(np.array([0.2, 0.4, 0.6], np.float32))
            np.testing.assert_allclose(p, 0.25, atol=0.01)
            assert p[0] < p[1] < p[2]


@pytest.mark.parametrize("ends", [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
def test_scores_of_exactly_0_and_1_are_no_trouble(ends):
    scores, labels = np.repeat(ends, 200), np.arange(400) % 3 == 0
    for spec in (Platt(), Isotonic()):
        fitted = spec.fit(scores, labels)
        assert FITTED[type(spec)].from_arrays(fitted.to_arrays()).apply(scores) == pytest.approx(1 / 3, abs=0.01)


def test_identity_changes_nothing():
    scores = np.array([0.0, 0.3], np.float32)
    assert Identity().fit(scores, [0, 1]).apply(scores) is scores


@pytest.mark.parametrize("spec", [Isotonic(), Platt(), Identity()])
def test_specs_are_a_tagged_union_and_arrays_round_trip(spec):
    assert msgspec.json.decode(msgspec.json.encode(spec), type=Calibration) == spec
    scores, labels, _ = world(3000, 0)
    fitted = spec.fit(scores, labels)
    again = FITTED[type(spec)].from_arrays(fitted.to_arrays())
    assert again.apply(scores).tolist() == fitted.apply(scores).tolist()


@pytest.mark.parametrize(
    ("fitted", "arrays", "message"),
    [
        (FittedIsotonic, {"scores": [0.0, 0.5, 0.4], "values": [0.1, 0.2, 0.3]}, r"scores\[2\] is 0.4"),
        (FittedIsotonic, {"scores": [0.0, 1.0], "values": [0.2, 0.1]}, r"values\[1\] is 0.1"),
        (FittedIsotonic, {"scores": [0.0, 1.0], "values": [0.2, 1.5]}, r"values\[1\] is 1.5"),
        (FittedIsotonic, {"scores": [0.0, 1.0], "values": [0.2]}, r"array values has shape \(1,\)"),
        (FittedIsotonic, {"scores": [], "values": []}, "array scores is empty"),
        (FittedPlatt, {"scale": -1.0, "shift": 0.0}, "scale.* is -1.0, expected a finite number above 0"),
        (FittedPlatt, {"scale": 1.0, "shift": np.inf}, "shift.* is inf"),
    ],
)
def test_a_damaged_map_is_refused(fitted, arrays, message):
    with pytest.raises(ReleaseError, match=message):
        fitted.from_arrays({name: np.array(values, np.float64) for name, values in arrays.items()})


@pytest.mark.parametrize("spec", [Isotonic(), Platt()])
def test_what_cannot_be_calibrated_is_refused(spec):
    with pytest.raises(DataError, match="0 positives in 2"):
        spec.fit([0.1, 0.2], [0, 0])
    with pytest.raises(DataError, match=r"scores\[1\] is 1.5"):
        spec.fit([0.1, 1.5], [0, 1])
    with pytest.raises(DataError, match=r"scores has shape \(3,\)"):
        spec.fit([0.1, 0.2, 0.3], [0, 1])
