import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import IntegrationWarning, quad

from sixfold.errors import DataError, DesignError
from sixfold.estimation.law import at, below, checked, checked_levels, excess, mean, span

law = settings(max_examples=60, deadline=None)


@st.composite
def laws(draw):
    """Levels (q,) and one row of quantiles (1, q), with ties."""
    levels = sorted(draw(st.sets(st.sampled_from((0.01, 0.05, 0.3, 0.5, 0.8, 0.9, 0.99)), min_size=1)))
    values = st.integers(0, 50).map(float)
    row = sorted(draw(st.lists(values, min_size=len(levels), max_size=len(levels))))
    return np.array(levels), np.array([row])


def integrated(of, levels):
    """The integral of a function over (0, 1), its kinks told to the integrator."""
    kinks = [0.0, *levels, 1.0]
    with warnings.catch_warnings():
        # A tail ends in the logarithm of 0, which it reaches slowly, and says so.
        warnings.simplefilter("ignore", IntegrationWarning)
        return sum(quad(of, start, stop, limit=200)[0] for start, stop in itertools.pairwise(kinks))


@law
@given(laws(), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=8))
def test_quantiles_rise_and_probabilities_undo_them(drawn, u):
    p, q = drawn
    u = np.sort(u)[None]
    x = at(p, q, u)
    assert (np.diff(x) >= -1e-9).all()
    # Where mass stands at one point, the probability of at most that point is more than the level that led there.
    assert (below(p, q, x + 1e-9) >= u - 1e-6).all()
    if len(p) > 1 and (np.diff(q) > 0).all():
        np.testing.assert_allclose(below(p, q, x), u, atol=1e-9)


@law
@given(laws())
def test_at_its_levels_the_law_is_its_quantiles(drawn):
    p, q = drawn
    np.testing.assert_allclose(at(p, q, p), q, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(laws(), st.floats(-100, 200))
def test_mean_and_excess_are_the_integrals(drawn, x):
    p, q = drawn

    def quantile(u):
        return float(at(p, q, np.array([u]))[0, 0])

    reached = float(below(p, q, np.array([[x]]))[0, 0])
    kinks = sorted({*p.tolist(), min(max(reached, 1e-6), 1 - 1e-6)})
    assert mean(p, q)[0] == pytest.approx(integrated(quantile, kinks), abs=1e-3)
    expected = integrated(lambda u: max(quantile(u) - x, 0.0), kinks)
    assert excess(p, q, np.array([[x]]))[0, 0] == pytest.approx(expected, abs=1e-3)


def test_tails_go_on_as_an_exponential_does():
    """Of an exponential, known at two levels, the law has every quantile above them and the rest of its mean."""
    p = np.array([0.5, 0.9])
    q = -np.log1p(-p)[None] * 60
    u = np.array([0.95, 0.99, 0.9999])
    np.testing.assert_allclose(at(p, q, u)[0], -np.log1p(-u) * 60)
    x = np.array([[200.0, 500.0]])
    np.testing.assert_allclose(excess(p, q, x), 60 * np.exp(-x / 60))


def test_one_level_is_one_point():
    p, q = np.array([0.5]), np.array([[30.0]])
    assert at(p, q, np.array([0.01, 0.99])).tolist() == [[30.0, 30.0]]
    assert below(p, q, np.array([[29.0, 30.0]])).tolist() == [[0.0, 1.0]]
    assert mean(p, q).tolist() == [30.0]
    assert span(q).tolist() == [[30.0]]


@pytest.mark.parametrize("levels", [[], [0.0, 0.5], [0.5, 0.5], [0.9, 0.1], [0.5, 1.0], [[0.5]]])
def test_levels_that_are_none_are_refused(levels):
    with pytest.raises(DesignError, match="expected rising numbers"):
        checked_levels(levels)


def test_quantiles_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"expected \(n, 2\)"):
        checked([0.1, 0.9], [[1.0, 2.0, 3.0]])


@given(laws(), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=6))
def test_one_set_of_levels_for_all_rows_is_the_same_for_each(drawn, u):
    levels, quantiles = drawn
    wanted = np.array(u)
    for_each = at(levels, quantiles, np.tile(wanted, (len(quantiles), 1)))
    np.testing.assert_allclose(at(levels, quantiles, wanted), for_each, rtol=1e-9, atol=1e-6)
