import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from sixfold.errors import DataError
from sixfold.metrics.regression import bias, mae, mape, rmse

law = settings(max_examples=60, deadline=None)
amounts = st.floats(-1000, 1000)
rows = st.lists(st.tuples(amounts, amounts, st.integers(0, 3)), min_size=1, max_size=40).map(
    lambda drawn: tuple(np.array(part) for part in zip(*drawn, strict=True))
)


@law
@given(rows)
def test_equal_to_scikit_learn(drawn):
    label, predicted, weight = drawn
    assume(weight.sum() > 0)
    for ours, theirs in (
        (rmse, sklearn_metrics.root_mean_squared_error),
        (mae, sklearn_metrics.mean_absolute_error),
    ):
        expected = theirs(label, predicted, sample_weight=weight)
        assert ours(label, predicted, weight=weight) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    expected = np.average(predicted, weights=weight) - np.average(label, weights=weight)
    assert bias(label, predicted, weight=weight) == pytest.approx(expected, abs=1e-9)


@law
@given(rows)
def test_mape_equals_scikit_learn_where_the_label_is_not_zero(drawn):
    label, predicted, weight = drawn
    label = np.where(np.abs(label) < 1, 0, label)
    kept = label != 0
    assume(weight[kept].sum() > 0)
    expected = sklearn_metrics.mean_absolute_percentage_error(label[kept], predicted[kept], sample_weight=weight[kept])
    assert mape(label, predicted, weight=weight) == pytest.approx(expected, rel=1e-9)
    assert mape.of(label, predicted, weight=weight).counted.tolist() == (kept & (weight > 0)).tolist()


@pytest.mark.parametrize("metric", [rmse, mae, mape, bias])
def test_nan_without_rows_and_an_error_where_lengths_differ(metric):
    assert math.isnan(metric([], []))
    with pytest.raises(DataError, match="predicted has shape"):
        metric([1.0, 2.0], [1.0])


def test_mape_of_zeros_alone_is_nan():
    assert math.isnan(mape([0, 0], [1, 2]))
