import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError, ReleaseError
from sixfold.estimation.conformal import Conformal, FittedConformal

LEVELS = np.array([0.05, 0.5, 0.95])


def forecasts(n, seed, *, wrong=300.0):
    """Quantiles that say 600, 900 and 1500 seconds, for times that are longer, skewed and of two groups."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    seconds = 700 + wrong * group + rng.gamma(2, 150, n)
    return np.tile(np.array([600.0, 900.0, 1500.0], np.float32), (n, 1)), seconds, group


@pytest.mark.parametrize("by_width", [False, True])
def test_every_level_covers_what_it_says_on_new_rows(by_width):
    q, seconds, _ = forecasts(20_000, 0)
    fitted = Conformal(by_width=by_width).fit(LEVELS, q, seconds)
    q, seconds, _ = forecasts(20_000, 1)
    np.testing.assert_allclose((seconds[:, None] <= fitted.apply(q)).mean(axis=0), LEVELS, atol=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 60), st.sampled_from([0.1, 0.5, 0.9]))
def test_the_shift_is_the_order_statistic_that_guarantees_the_level(n, level):
    """Of n + 1 exchangeable errors the new one is at most the ceil((n + 1) p)-th of the others with at least p."""
    errors = np.random.default_rng(n).permutation(n).astype(float)
    fitted = Conformal().fit([level], np.full((n, 1), 100.0), 100 + errors)
    assert fitted.shifts.tolist() == [[min(int(np.ceil((n + 1) * level - 1e-9)), n) - 1.0]]


def test_a_group_is_right_for_itself_and_a_small_or_unknown_one_moves_as_all():
    q, seconds, group = forecasts(20_000, 0)
    group = np.where(np.arange(20_000) < 150, 2, group)
    fitted = Conformal(least_rows=200).fit(LEVELS, q, seconds, groups=group)
    overall = Conformal().fit(LEVELS, q, seconds)
    test, seconds, group = forecasts(20_000, 1)
    found = fitted.apply(test, groups=group)
    for one in (0, 1):
        covered = (seconds[:, None] <= found)[group == one].mean(axis=0)
        np.testing.assert_allclose(covered, LEVELS, atol=0.015)
        assert abs((seconds[:, None] <= overall.apply(test))[group == one].mean(axis=0)[1] - 0.5) > 0.2
    for other in (2, 9, -1):
        np.testing.assert_array_equal(fitted.apply(test[:1], groups=np.array([other])), overall.apply(test[:1]))


def test_a_share_of_what_was_found_is_mended():
    q, seconds, group = forecasts(2_000, 0)
    whole, half = (Conformal(share=share).fit(LEVELS, q, seconds, groups=group) for share in (1.0, 0.5))
    assert (np.abs(whole.shifts) > 1).all()
    np.testing.assert_array_equal(half.shifts, whole.shifts / 2)


def test_rows_without_a_group_are_no_group():
    q, seconds, _ = forecasts(1000, 0)
    fitted = Conformal().fit(LEVELS, q, seconds, groups=np.full(1000, -1))
    assert fitted.shifts.shape == (1, 3)


def test_moved_quantiles_never_cross_nor_fall_below_zero():
    fitted = FittedConformal(LEVELS, np.array([[500.0, 0.0, -900.0]]), np.array(False))
    found = fitted.apply(np.array([[100.0, 200.0, 300.0]], np.float32))
    assert found.tolist() == [[0.0, 200.0, 600.0]]


def test_arrays_give_it_back_and_damaged_ones_are_refused():
    q, seconds, group = forecasts(1000, 0)
    fitted = Conformal(by_width=True).fit(LEVELS, q, seconds, groups=group)
    read = FittedConformal.from_arrays(fitted.to_arrays())
    assert read.apply(q, groups=group).tobytes() == fitted.apply(q, groups=group).tobytes()
    for damaged in (np.zeros((0, 3)), np.full((1, 3), np.inf), np.zeros((1, 2))):
        with pytest.raises(ReleaseError, match="shifts"):
            FittedConformal.from_arrays(fitted.to_arrays() | {"shifts": damaged})


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="seconds has shape"):
        Conformal().fit(LEVELS, np.ones((3, 3)), [1.0, 2.0])
    with pytest.raises(DataError, match="groups has shape"):
        Conformal().fit(LEVELS, np.ones((2, 3)), [1.0, 2.0], groups=[0])
