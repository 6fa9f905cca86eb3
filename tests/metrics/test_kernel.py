import doctest
import importlib
import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.metrics import binary, calibration, regression
from sixfold.metrics.kernel import mean, runs, value

law = settings(max_examples=60, deadline=None)
METRICS = [
    binary.log_loss,
    binary.normalised_entropy,
    binary.brier,
    binary.auc,
    binary.average_precision,
    binary.f1,
    calibration.calibration_ratio,
    regression.rmse,
    regression.mape,
]
PARTS = ["kernel", "binary", "calibration", "regression", "ranking", "catalogue", "interval", "target", "spec"]


@pytest.mark.parametrize("part", PARTS)
def test_examples_in_docstrings(part):
    assert doctest.testmod(importlib.import_module(f"sixfold.metrics.{part}")).failed == 0


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
@law
@given(st.integers(0, 2**32 - 1))
def test_clustered_equals_repeating_the_rows_of_each_cluster(metric, seed):
    rng = np.random.default_rng(seed)
    label, predicted, cluster = rng.integers(0, 2, 30), rng.integers(0, 6, 30) / 5, rng.integers(0, 4, 30)
    times = rng.integers(0, 3, 4)
    repeated = np.repeat(np.arange(30), times[cluster])
    found = metric.of(label, predicted).clustered(cluster, 4).at(times.astype(float))
    expected = metric(label[repeated], predicted[repeated])
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def test_a_kernel_keeps_its_name_signature_and_docstring():
    assert binary.auc.__name__ == "auc"
    assert list(inspect.signature(binary.auc).parameters) == ["label", "predicted", "weight"]
    assert inspect.getdoc(binary.auc).startswith("The chance that a positive")


def test_called_it_is_the_value_of_its_statistic():
    label, predicted = [1, 0, 0], [0.5, 0.4, 0.6]
    assert binary.auc(label, predicted) == value(binary.auc.of(label, predicted)) == 0.5


def test_mean_leaves_out_nan_and_weight_0():
    found = mean.of([1.0, np.nan, 4.0, 100.0], weight=[1, 1, 2, 0])
    assert value(found) == 3.0
    assert found.counted.tolist() == [True, False, True, False]
    assert np.isnan(mean([np.nan]))
    with pytest.raises(DataError, match="values has shape"):
        mean([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_runs_sort_by_the_first_key_first_and_keep_ties_in_order():
    order, starts = runs(np.array([2, 1, 2, 1, 2]), np.array([0.1, 0.5, 0.1, 0.4, 0.3]))
    assert order.tolist() == [3, 1, 0, 2, 4]
    assert starts.tolist() == [0, 1, 2, 4]
    assert [part.size for part in runs(np.empty(0))] == [0, 0]
