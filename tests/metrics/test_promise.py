import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.metrics.distribution import pinball
from sixfold.metrics.promise import late_share, promise_cost
from sixfold.metrics.regression import bias, mae, over, under

law = settings(max_examples=60, deadline=None)
amounts = st.floats(-1000, 1000)
rows = st.lists(st.tuples(amounts, amounts, st.integers(1, 3)), min_size=1, max_size=40).map(
    lambda drawn: tuple(np.array(part) for part in zip(*drawn, strict=True))
)
costs = st.floats(0.01, 100)


@law
@given(rows, costs, costs)
def test_cost_is_the_pinball_loss_at_the_critical_fractile(drawn, late, early):
    label, promised, weight = drawn
    expected = (late + early) * pinball(label, promised, level=late / (late + early), weight=weight)
    found = promise_cost(label, promised, late=late, early=early, weight=weight)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@law
@given(rows, st.floats(0, 100))
def test_late_share_counts(drawn, by):
    label, promised, weight = drawn
    expected = np.average(label - promised > by, weights=weight)
    assert late_share(label, promised, by=by, weight=weight) == pytest.approx(expected, abs=1e-12)


@law
@given(rows)
def test_over_and_under_split_the_error(drawn):
    label, predicted, weight = drawn
    above, below = over(label, predicted, weight=weight), under(label, predicted, weight=weight)
    assert above + below == pytest.approx(mae(label, predicted, weight=weight), rel=1e-9, abs=1e-9)
    assert above - below == pytest.approx(bias(label, predicted, weight=weight), rel=1e-9, abs=1e-9)


def test_nothing_has_no_cost_and_impossible_costs_are_refused():
    assert math.isnan(late_share([], [])) and math.isnan(promise_cost([], [], late=1, early=1))
    for late, early in ((0, 0), (-1, 2), (math.inf, 1), (math.nan, 1)):
        with pytest.raises(DataError, match="expected finite costs"):
            promise_cost([1.0], [1.0], late=late, early=early)
