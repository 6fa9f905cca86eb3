import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.report import axis
from sixfold.report.axis import Axis, around

finite = st.floats(-1e6, 1e6)


def test_doctests():
    assert doctest.testmod(axis).failed == 0


@given(st.lists(finite, min_size=1))
def test_an_axis_around_values_holds_them_in_order(values):
    found = around([*values, None, float("nan")])
    places = [found.at(value) for value in sorted(values)]
    assert places == sorted(places) and places[0] > 0 and places[-1] < 100


@given(st.floats(-1000, 1000), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_on_the_axis(start, length):
    low = start * length
    ticks = Axis(low, low + length).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(-1e-6 <= (tick - low) / length <= 1 + 1e-6 for tick in ticks)


def test_an_axis_of_nothing_and_of_one_value_has_a_length():
    assert around([]) == Axis(0.0, 1.0)
    assert around([5.0]).at(5.0) == 50.0
    assert around([0.0]) == Axis(-1.0, 1.0)


def test_a_logarithmic_axis_puts_nothing_below_its_start():
    found = Axis(0.001, 1, log=True)
    assert found.at(0.0) == 0.0
    assert found.at(0.1) == pytest.approx(200 / 3)


def test_a_logarithmic_axis_of_many_magnitudes_shows_powers_of_ten_alone():
    assert Axis(0.0005, 2, log=True).ticks() == [0.001, 0.01, 0.1, 1.0]
