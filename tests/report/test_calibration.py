import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from tests.report.reading import Page
from tests.report.sample import EVALUATION

from sixfold.evaluation.results import Bin
from sixfold.report import calibration

BINS = EVALUATION.bins["watch"]


def test_doctests():
    assert doctest.testmod(calibration).failed == 0


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_interval_is_wilsons(n, share):
    k = round(share * n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert calibration.wilson(k / n, n, z=1.959963984540054) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_predictions_of_several_magnitudes_are_drawn_on_logarithms_unless_something_is_zero():
    assert calibration.axis_of(BINS).log
    assert not calibration.axis_of([*BINS, Bin(10, 0.001, 0.0)]).log
    assert not calibration.axis_of([Bin(10, 0.4, 0.5), Bin(10, 0.6, 0.7)]).log


def test_perfect_calibration_lies_on_the_diagonal():
    page = Page(calibration.section("watch", BINS, happens=True))
    (diagonal,) = page.of("line", "diagonal")
    x1, y1, x2, y2 = (float(diagonal[key]) for key in ("x1", "y1", "x2", "y2"))
    for dot in page.of("circle"):
        along = (float(dot["cx"]) - x1) / (x2 - x1)
        assert float(dot["cy"]) == pytest.approx(y1 + along * (y2 - y1), abs=0.2)
    assert len(page.of("circle")) == len(page.of("line", "span")) == len(BINS)


def test_an_amount_has_no_binomial_interval():
    page = Page(calibration.section("seconds", [Bin(10, 100.0, 90.0), Bin(10, 200.0, 250.0)], happens=False))
    assert not page.of("line", "span") and len(page.of("circle")) == 2


def test_the_table_has_the_ratio_and_a_dash_where_nothing_was_observed():
    text = Page(calibration.section("watch", [Bin(1000, 0.02, 0.025), Bin(10, 0.01, 0.0)], happens=True)).text
    assert "1 1 000 0.0200 0.0250 0.80" in text
    assert text.endswith("2 10 0.0100 0.0000 –")
