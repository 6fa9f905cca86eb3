import numpy as np
import pytest
from tests.estimation.worlds import COLUMNS, orders

from sixfold.errors import DataError, DesignError, ReleaseError
from sixfold.estimation.baselines import ByKey, FittedByKey, FittedLinearQuantiles, LinearQuantiles, Overall
from sixfold.estimation.law import LEVELS
from sixfold.metrics.distribution import coverage, crps
from sixfold.ranking.examples import Examples

SPECS = [Overall(), ByKey(key="store"), LinearQuantiles()]


@pytest.mark.parametrize("spec", SPECS)
def test_every_one_covers_what_it_says_in_the_mean_and_survives_its_arrays(spec):
    examples, _, _ = orders(20_000, 0)
    test, _, _ = orders(8000, 1)
    fitted = spec.fit(examples, np.random.default_rng(0), columns=COLUMNS)
    found = fitted.quantiles(test.features)
    assert (np.diff(found, axis=1) >= 0).all() and (found >= 0).all()
    for at, level in enumerate(LEVELS):
        # Clipped at 0, a straight line's lowest quantiles cover a little less than they would.
        assert np.mean(test.labels <= found[:, at]) == pytest.approx(level, abs=0.02)
    assert fitted.mean(test.features).mean() == pytest.approx(test.labels.mean(), rel=0.02)
    read = type(fitted).from_arrays(fitted.to_arrays())
    assert read.quantiles(test.features).tobytes() == found.tobytes()


def test_a_key_knows_more_than_all_and_a_line_more_than_a_key():
    examples, _, _ = orders(20_000, 0)
    test, _, _ = orders(8000, 1)
    scores = []
    for spec in SPECS:
        found = spec.fit(examples, np.random.default_rng(0), columns=COLUMNS).quantiles(test.features)
        scores.append(crps(test.labels, found, levels=LEVELS))
    assert scores[0] > scores[1] > scores[2]


def test_a_key_of_few_rows_is_drawn_to_all_and_one_of_none_is_there():
    store = np.array([0] * 1000 + [1] * 2 + [2] * 1000, np.float32)[:, None]
    seconds = np.where(store[:, 0] == 0, 1000.0, np.where(store[:, 0] == 1, 4000.0, 2000.0))
    fitted = ByKey(key="store", prior=18).fit(Examples.of(store, seconds), np.random.default_rng(0), columns=("store",))
    overall = seconds.mean()
    asked = np.array([[1.0], [7.0], [np.nan]], np.float32)
    expected = [(2 * 4000 + 18 * overall) / 20, overall, overall]
    np.testing.assert_allclose(fitted.mean(asked), expected, rtol=1e-6)


def test_errors_are_those_without_the_row_itself():
    """Keys of one row each: with itself a row would err by less than it would have."""
    rng = np.random.default_rng(0)
    keys = np.arange(4000, dtype=np.float32)[:, None]
    train, test = (Examples.of(keys + shift, rng.gamma(9, 100, 4000)) for shift in (0, 10_000))
    fitted = ByKey(key="k", prior=1).fit(train, rng, columns=("k",))
    found = fitted.quantiles(test.features)
    assert coverage(test.labels, found[:, 0], found[:, -1]) == pytest.approx(0.9, abs=0.015)


def test_what_does_not_fit_is_refused():
    examples, _, _ = orders(200, 0)
    rng = np.random.default_rng(0)
    with pytest.raises(DesignError, match="did you mean 'store'"):
        ByKey(key="stores").fit(examples, rng, columns=COLUMNS)
    fitted = Overall().fit(examples, rng)
    with pytest.raises(DataError, match=r"expects \(n, 5\)"):
        fitted.mean(examples.features[:, :3])
    with pytest.raises(ReleaseError, match="rising numbers"):
        FittedByKey.from_arrays(fitted.to_arrays() | {"keys": np.array([2, 1], np.float32), "means": np.ones(2)})
    with pytest.raises(ReleaseError, match="shifts"):
        line = LinearQuantiles().fit(examples, rng)
        FittedLinearQuantiles.from_arrays(line.to_arrays() | {"shifts": line.shifts[::-1].copy()})
