import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from sixfold.errors import DataError
from sixfold.metrics.distribution import coverage, crps, pinball, width
from sixfold.metrics.regression import mae

law = settings(max_examples=60, deadline=None)
amounts = st.floats(-1000, 1000)
LEVELS = (0.0, 0.05, 0.2, 0.5, 0.9, 1.0)


@st.composite
def forecasts(draw):
    """Labels (n,), quantiles (n, q) in rising order with ties, and q of the levels."""
    levels = sorted(draw(st.sets(st.sampled_from(LEVELS), min_size=1)))
    row = st.tuples(amounts, st.lists(amounts, min_size=len(levels), max_size=len(levels)).map(sorted))
    rows = draw(st.lists(row, min_size=1, max_size=8))
    return np.array([label for label, _ in rows]), np.array([row for _, row in rows]), np.array(levels)


def brute_crps(label, quantiles, levels):
    """The integral of (F(x) - [x >= label])^2 with Simpson's rule between all kinks: exact for squares of lines."""
    kinks = np.unique(np.r_[label, quantiles])
    distinct, last = np.unique(quantiles[::-1], return_index=True)
    last = len(quantiles) - 1 - last
    first = np.searchsorted(quantiles, distinct)
    total = 0.0
    for start, stop in itertools.pairwise(kinks):
        points = np.array([start, (start + stop) / 2, stop])
        if stop <= quantiles[0]:
            at = np.zeros(3)
        elif start >= quantiles[-1]:
            at = np.ones(3)
        else:
            k = np.searchsorted(distinct, start, side="right") - 1
            low, high = levels[last[k]], levels[first[k + 1]]
            at = low + (high - low) * (points - distinct[k]) / (distinct[k + 1] - distinct[k])
        gap = (at - (start >= label)) ** 2
        total += (stop - start) * (gap[0] + 4 * gap[1] + gap[2]) / 6
    return total


@law
@given(st.lists(st.tuples(amounts, amounts, st.integers(0, 3)), min_size=1), st.floats(0.01, 0.99))
def test_pinball_equals_scikit_learn(drawn, level):
    label, predicted, weight = map(np.array, zip(*drawn, strict=True))
    if weight.sum() == 0:
        assert math.isnan(pinball(label, predicted, level=level, weight=weight))
        return
    expected = mean_pinball_loss(label, predicted, alpha=level, sample_weight=weight)
    assert pinball(label, predicted, level=level, weight=weight) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@law
@given(forecasts())
def test_crps_equals_the_integral(drawn):
    label, quantiles, levels = drawn
    expected = np.mean([brute_crps(y, row, levels) for y, row in zip(label, quantiles, strict=True)])
    assert crps(label, quantiles, levels=levels) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@law
@given(forecasts())
def test_crps_is_twice_the_pinball_loss_over_all_levels(drawn):
    """Another road to the same number: the mean over u of 2 x pinball at u, of the law's quantile at u."""
    label, quantiles, levels = drawn
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn_quantiles = np.array([np.interp(u, levels, row) for row in quantiles])
    above = label[:, None] - drawn_quantiles
    expected = 2 * np.maximum(u * above, (u - 1) * above).mean()
    assert crps(label, quantiles, levels=levels) == pytest.approx(expected, abs=0.1)


def test_crps_of_one_level_is_the_absolute_error():
    assert crps([3.0, 5.0], [[1.0], [9.0]], levels=[0.5]) == mae([3.0, 5.0], [1.0, 9.0])


def test_crps_of_a_fine_grid_nears_the_known_value_of_an_exponential():
    """For a rate of 1 and a label y the score is y + 2 exp(-y) - 3/2."""
    levels = (np.arange(5000) + 0.5) / 5000
    quantiles = -np.log1p(-levels)
    for y in (0.1, 1.0, 3.0):
        assert crps([y], [quantiles], levels=levels) == pytest.approx(y + 2 * np.exp(-y) - 1.5, abs=2e-4)


@law
@given(forecasts(), st.data())
def test_coverage_and_width_are_means_and_an_integer_weight_is_a_repeated_row(drawn, data):
    label, quantiles, levels = drawn
    weight = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(label), max_size=len(label))))
    low, high = quantiles[:, 0], quantiles[:, -1]
    often = np.repeat(np.arange(len(label)), weight)
    inside = [low[i] <= label[i] <= high[i] for i in often]
    assert coverage(label, low, high, weight=weight) == pytest.approx(np.mean(inside))
    assert width(low, high, weight=weight) == pytest.approx(np.mean((high - low)[often]), abs=1e-9)
    expected = crps(label[often], quantiles[often], levels=levels)
    assert crps(label, quantiles, levels=levels, weight=weight) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pinball([1.0], [1.0], level=1.0), "level is 1.0"),
        (lambda: crps([1.0], [[1.0, 2.0]], levels=[0.5, 0.5]), "levels is"),
        (lambda: crps([1.0], [[1.0, 2.0]], levels=[0.1]), r"expected \(1, 1\)"),
        (lambda: crps([1.0], [[2.0, 1.0]], levels=[0.1, 0.9]), "quantiles fall"),
        (lambda: coverage([1.0], [1.0, 2.0], [3.0]), "low has shape"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(DataError, match=said):
        call()
