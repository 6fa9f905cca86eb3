import msgspec
import numpy as np
import pytest
from tests.estimation.worlds import COLUMNS, orders, true_quantiles

from sixfold.errors import DesignError, ReleaseError
from sixfold.estimation.quantiles import FittedQuantiles, Quantiles
from sixfold.metrics.distribution import pinball
from sixfold.metrics.regression import bias, rmse
from sixfold.ranking.examples import Examples

SMALL = Quantiles(levels=(0.1, 0.5, 0.9), trees=80, depth=4, learning_rate=0.15)


@pytest.fixture(scope="module")
def fitted():
    examples, _, _ = orders(8000, 0)
    return SMALL.fit(examples, np.random.default_rng(0))


def test_quantiles_are_near_the_true_ones_and_never_cross(fitted):
    examples, centre, spread = orders(4000, 1)
    found = fitted.quantiles(examples.features)
    assert found.dtype == np.float32 and (np.diff(found, axis=1) >= 0).all()
    best = true_quantiles(centre, spread, SMALL.levels)
    for at, level in enumerate(SMALL.levels):
        loss = pinball(examples.labels, found[:, at], level=level)
        assert loss < 1.15 * pinball(examples.labels, best[:, at], level=level)
        assert np.mean(examples.labels <= found[:, at]) == pytest.approx(level, abs=0.04)


def test_the_mean_is_a_mean_and_no_median(fitted):
    examples, _, _ = orders(4000, 1)
    mean = fitted.mean(examples.features)
    assert abs(bias(examples.labels, mean)) < 0.01 * examples.labels.mean()
    assert rmse(examples.labels, mean) < rmse(examples.labels, np.full(len(mean), examples.labels.mean())) / 2


@pytest.mark.parametrize("log", [True, False])
def test_what_is_left_over_a_router_is_learned(log):
    """With few trees, the time itself is hard to learn and what is left over the driving time is not."""
    examples, _, _ = orders(4000, 0)
    test, _, _ = orders(3000, 1)
    few = msgspec.structs.replace(SMALL, trees=15, log=log)
    over = msgspec.structs.replace(few, residual_over="driving_s")
    plain = few.fit(examples, np.random.default_rng(0))
    left = over.fit(examples, np.random.default_rng(0), columns=COLUMNS)
    losses = [pinball(test.labels, each.quantiles(test.features)[:, 1], level=0.5) for each in (left, plain)]
    assert losses[0] < 0.9 * losses[1]
    assert rmse(test.labels, left.mean(test.features)) < rmse(test.labels, plain.mean(test.features))
    unknown = test.features[:5].copy()
    unknown[:, 3] = np.nan
    assert np.isfinite(left.quantiles(unknown)).all()


def test_equal_generators_give_equal_bytes_and_arrays_give_the_estimator_back(fitted):
    examples, _, _ = orders(8000, 0)
    again = SMALL.fit(examples, np.random.default_rng(0)).to_arrays()
    arrays = fitted.to_arrays()
    assert all(arrays[name].tobytes() == again[name].tobytes() for name in arrays)
    read = FittedQuantiles.from_arrays(arrays)
    assert read.quantiles(examples.features).tobytes() == fitted.quantiles(examples.features).tobytes()
    assert read.mean(examples.features[:9]).tobytes() == fitted.mean(examples.features)[:9].tobytes()


@pytest.mark.parametrize(
    ("name", "damaged", "said"),
    [
        ("levels", np.array([0.5, 0.1, 0.9]), "rising numbers"),
        ("levels", np.array([0.1, 0.9]), "forest of 3 heads"),
        ("column", np.array(5, np.int32), "a column below 5"),
        ("fallback", np.array(-1.0), "finite number of seconds"),
    ],
)
def test_damaged_arrays_are_refused(fitted, name, damaged, said):
    with pytest.raises(ReleaseError, match=said):
        FittedQuantiles.from_arrays(fitted.to_arrays() | {name: damaged})


def test_alike_labels_give_that_label():
    alike = Examples.of(np.random.default_rng(0).normal(size=(50, 5)), np.full(50, 600.0))
    found = SMALL.fit(alike, np.random.default_rng(0))
    np.testing.assert_allclose(found.quantiles(alike.features), 600, rtol=1e-5)
    np.testing.assert_allclose(found.mean(alike.features), 600, rtol=1e-5)


def test_a_wrong_spec_is_refused():
    examples, _, _ = orders(50, 0)
    with pytest.raises(DesignError, match="expected rising numbers"):
        Quantiles(levels=(0.9, 0.1))
    with pytest.raises(DesignError, match="did you mean 'driving_s'"):
        Quantiles(residual_over="driving").fit(examples, np.random.default_rng(0), columns=COLUMNS)
    with pytest.raises(DesignError, match="no time above 0"):
        Quantiles(residual_over="noise").fit(
            Examples.of(-np.abs(examples.features), examples.labels), np.random.default_rng(0), columns=COLUMNS
        )
