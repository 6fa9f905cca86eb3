import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from sixfold.errors import DataError
from sixfold.metrics import binary

law = settings(max_examples=60, deadline=None)
# Few distinct predictions, so that ties and their order are always at stake.
rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.3, 0.3000001, 0.9, 1.0]), st.integers(0, 3)),
    min_size=1,
    max_size=40,
).map(lambda drawn: tuple(np.array(part) for part in zip(*drawn, strict=True)))


def both_classes(label, weight):
    return 0 < (label * weight).sum() < weight.sum()


@law
@given(rows)
def test_order_metrics_equal_scikit_learn(drawn):
    label, predicted, weight = drawn
    assume(both_classes(label, weight))
    for ours, theirs in (
        (binary.auc, sklearn_metrics.roc_auc_score),
        (binary.average_precision, sklearn_metrics.average_precision_score),
    ):
        expected = theirs(label, predicted, sample_weight=weight)
        assert ours(label, predicted, weight=weight) == pytest.approx(expected, abs=1e-9)


@law
@given(rows)
def test_losses_equal_scikit_learn(drawn):
    label, predicted, weight = drawn
    assume(weight.sum() > 0)
    expected = sklearn_metrics.log_loss(label, predicted, sample_weight=weight, labels=[0, 1])
    assert binary.log_loss(label, predicted, weight=weight) == pytest.approx(expected, abs=1e-9)
    expected = sklearn_metrics.brier_score_loss(label, predicted, sample_weight=weight, labels=[0, 1], pos_label=1)
    assert binary.brier(label, predicted, weight=weight) == pytest.approx(expected, abs=1e-9)


@law
@given(rows, st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_threshold_metrics_equal_scikit_learn(drawn, threshold):
    label, predicted, weight = drawn
    assume(weight.sum() > 0)
    for ours, theirs in (
        (binary.precision, sklearn_metrics.precision_score),
        (binary.recall, sklearn_metrics.recall_score),
        (binary.f1, sklearn_metrics.f1_score),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn divides by a weight of 0
            expected = theirs(label, predicted >= threshold, sample_weight=weight, zero_division=np.nan)
        measured = ours(label, predicted, threshold=threshold, weight=weight)
        assert measured == pytest.approx(expected, abs=1e-9, nan_ok=True)


@law
@given(rows)
def test_normalised_entropy_is_log_loss_over_that_of_the_base_rate(drawn):
    label, predicted, weight = drawn
    assume(both_classes(label, weight))
    base = np.full(len(label), np.average(label, weights=weight))
    expected = binary.log_loss(label, predicted, weight=weight) / binary.log_loss(label, base, weight=weight)
    assert binary.normalised_entropy(label, predicted, weight=weight) == pytest.approx(expected, rel=1e-9)


@law
@given(rows, st.data())
def test_grouped_auc_is_the_mean_of_aucs_weighted_by_rows(drawn, data):
    label, predicted, weight = drawn
    names = st.sampled_from([b"m1", b"m2", b"m3"])
    group = np.array(data.draw(st.lists(names, min_size=len(label), max_size=len(label))))
    parts = []
    for name in np.unique(group):
        own = group == name
        if both_classes(label[own], weight[own]):
            auc = sklearn_metrics.roc_auc_score(label[own], predicted[own], sample_weight=weight[own])
            parts.append((auc, weight[own].sum()))
    aucs, sizes = np.array(parts).reshape(-1, 2).T
    expected = np.average(aucs, weights=sizes) if parts else np.nan
    measured = binary.grouped_auc(label, predicted, group=group, weight=weight)
    assert measured == pytest.approx(expected, abs=1e-9, nan_ok=True)


@law
@given(rows)
def test_an_integer_weight_is_a_repeated_row(drawn):
    label, predicted, weight = drawn
    repeated = np.repeat(label, weight), np.repeat(predicted, weight)
    for metric in (binary.auc, binary.average_precision, binary.log_loss, binary.normalised_entropy, binary.f1):
        weighted = metric(label, predicted, weight=weight)
        assert weighted == pytest.approx(metric(*repeated), rel=1e-9, abs=1e-12, nan_ok=True)


def test_a_grouped_auc_compares_nothing_across_groups():
    assert binary.grouped_auc([1, 0, 1, 0], [0.2, 0.1, 0.8, 0.9], group=["a", "a", "b", "b"]) == 0.5


def test_a_grouped_auc_looks_only_at_groups_with_both_classes():
    found = binary.grouped_auc.of([1, 0, 1, 1, 0], [0.5, 0.1, 0.2, 0.3, 0.4], group=[1, 1, 2, 2, 3])
    assert found.counted.tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    "metric",
    [binary.log_loss, binary.normalised_entropy, binary.brier, binary.auc, binary.average_precision, binary.f1],
)
def test_without_rows_a_metric_is_nan(metric):
    assert math.isnan(metric([], []))
    assert math.isnan(metric([1, 0], [0.2, 0.3], weight=[0, 0]))


@pytest.mark.parametrize("only", [0, 1])
def test_with_one_class_order_and_entropy_are_nan(only):
    label, predicted = [only, only], [0.2, 0.3]
    assert math.isnan(binary.auc(label, predicted))
    assert math.isnan(binary.normalised_entropy(label, predicted))
    assert math.isnan(binary.grouped_auc(label, predicted, group=[1, 1]))
    assert binary.average_precision(label, predicted) == pytest.approx(1.0 if only else np.nan, nan_ok=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 0], [0.5]), "predicted has shape"),
        (([[1, 0]], [[0.5, 0.5]]), "label has shape"),
        (([1, 2], [0.5, 0.5]), "label is 2"),
        (([1, 0], [0.5, np.nan]), "predicted is NaN in 1 of 2"),
        (([1, 0], [0.5, 1.5]), "predicted is 1.5"),
    ],
)
def test_rows_that_do_not_fit_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        binary.log_loss(*arguments)


def test_a_bad_weight_or_group_is_named():
    with pytest.raises(DataError, match="weight ranges from -1"):
        binary.auc([1, 0], [0.5, 0.1], weight=[-1, 1])
    with pytest.raises(DataError, match="group has shape"):
        binary.grouped_auc([1, 0], [0.5, 0.1], group=[1])
