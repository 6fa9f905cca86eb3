import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.metrics.calibration import by_bin, calibration_ratio, ece

law = settings(max_examples=60, deadline=None)
rows = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.2, 0.5, 0.9])), min_size=1, max_size=60).map(
    lambda drawn: tuple(np.array(part, dtype=float) for part in zip(*drawn, strict=True))
)


def test_the_ratio_is_predicted_over_observed():
    assert calibration_ratio([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.3], weight=[1, 1, 2, 0]) == pytest.approx(2.3 / 3)
    assert math.isnan(calibration_ratio([0, 0], [0.1, 0.2]))


def test_bins_without_ties_hold_equally_many_rows():
    rng = np.random.default_rng(0)
    table = by_bin(rng.integers(0, 2, 1000), rng.random(1000), bins=10)
    assert table.n.tolist() == [100] * 10


@law
@given(rows, st.integers(1, 12))
def test_ties_never_split_a_bin_and_bins_add_up(drawn, bins):
    label, predicted = drawn
    table = by_bin(label, predicted, bins=bins)
    assert len(table) <= min(bins, len(np.unique(predicted)))
    assert table.n.sum() == len(label)
    assert (np.diff(table.predicted) > 0).all()
    assert table.n @ table.predicted == pytest.approx(predicted.sum())
    assert table.n @ table.observed == pytest.approx(label.sum())
    assert np.isnan(table.ratio).tolist() == (table.observed == 0).tolist()
    # Whole runs only: the first rows of each bin are numbers of rows below some distinct prediction.
    below = {int((predicted < value).sum()) for value in predicted}
    assert set(np.cumsum(table.n)[:-1].tolist()) <= below


@law
@given(rows, st.integers(1, 12))
def test_ece_is_the_mean_gap_of_the_table(drawn, bins):
    label, predicted = drawn
    table = by_bin(label, predicted, bins=bins)
    expected = table.n @ np.abs(table.predicted - table.observed) / table.n.sum()
    assert ece(label, predicted, bins=bins) == pytest.approx(expected, abs=1e-12)


@law
@given(rows, st.integers(1, 12), st.data())
def test_an_integer_weight_is_a_repeated_row(drawn, bins, data):
    label, predicted = drawn
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(label), max_size=len(label))))
    repeated = np.repeat(label, weight), np.repeat(predicted, weight)
    weighted = by_bin(label, predicted, bins=bins, weight=weight)
    np.testing.assert_allclose(weighted.ratio, by_bin(*repeated, bins=bins).ratio)
    expected = ece(*repeated, bins=bins)
    assert ece(label, predicted, bins=bins, weight=weight) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_run_of_ties_goes_to_the_bin_of_its_middle():
    assert by_bin([0, 0, 0, 0], [0.1, 0.2, 0.2, 0.2], bins=2).n.tolist() == [1, 3]
    assert by_bin([0, 0, 0, 0], [0.1, 0.1, 0.1, 0.2], bins=2).n.tolist() == [3, 1]


def test_two_errors_that_cancel_in_the_ratio_show_in_ece():
    label, predicted = np.repeat([0, 1], 50), np.repeat([0.4, 0.6], 50)
    assert calibration_ratio(label, predicted) == pytest.approx(1)
    assert ece(label, predicted) == pytest.approx(0.4)


def test_weights_move_the_bins_and_a_row_of_weight_0_is_not_there():
    label, predicted = [0, 1, 1, 0], [0.1, 0.2, 0.3, 0.4]
    assert by_bin(label, predicted, bins=2, weight=[3, 1, 1, 1]).n.tolist() == [1, 3]
    assert by_bin(label, predicted, bins=2, weight=[0, 0, 1, 1]).n.tolist() == [1, 1]


def test_without_rows_there_are_no_bins_and_no_error():
    assert len(by_bin([], [])) == 0
    assert math.isnan(ece([], []))
    assert math.isnan(ece([1], [0.5], weight=[0]))
