import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, truncnorm

from sixfold.errors import DataError, ReleaseError
from sixfold.estimation.law import LEVELS, below
from sixfold.estimation.legs import FittedLegs, Legs, even_scores

P = np.array(LEVELS)
FINE = np.array([0.001, 0.005, 0.02, *LEVELS, 0.98, 0.995, 0.999])
MEANS, SDS = np.array([900.0, 600.0, 300.0]), np.array([200.0, 120.0, 60.0])
CORRELATION = np.array([[1.0, 0.6, 0.2], [0.6, 1.0, 0.5], [0.2, 0.5, 1.0]])


def normal_legs(n=1, levels=FINE):
    """Quantiles (n, 3, q) of three normal legs."""
    return np.tile(MEANS[:, None] + SDS[:, None] * norm.ppf(levels), (n, 1, 1)).astype(np.float32)


def known(correlation=CORRELATION, draws=1024):
    return FittedLegs(np.linalg.cholesky(correlation), even_scores(draws, len(correlation)))


def test_dependence_is_found_in_ranks():
    scores = np.random.default_rng(0).multivariate_normal(np.zeros(3), CORRELATION, 20_000)
    fitted = Legs(prior=0).fit(norm.cdf(scores))
    np.testing.assert_allclose(fitted.factor @ fitted.factor.T, CORRELATION, atol=0.03)


def test_few_rows_are_drawn_to_independence_and_none_give_it():
    scores = np.random.default_rng(0).multivariate_normal(np.zeros(3), CORRELATION, 30)
    shrunk = Legs(prior=30).fit(norm.cdf(scores))
    whole = Legs(prior=0).fit(norm.cdf(scores))
    off = ~np.eye(3, dtype=bool)
    halves = (whole.factor @ whole.factor.T)[off] / 2
    np.testing.assert_allclose((shrunk.factor @ shrunk.factor.T)[off], halves, atol=1e-9)
    lacking = np.full((5, 3), np.nan)
    np.testing.assert_allclose(Legs().fit(lacking).factor, np.eye(3), atol=1e-9)


def test_legs_that_are_one_another_leave_a_matrix_that_has_a_factor():
    u = np.linspace(0.01, 0.99, 500)
    fitted = Legs(prior=0).fit(np.stack([u, u, 1 - u], axis=1))
    np.testing.assert_allclose(fitted.factor @ fitted.factor.T, [[1, 1, -1], [1, 1, -1], [-1, -1, 1]], atol=1e-4)


@pytest.mark.parametrize(("draws", "off"), [(128, 0.04), (256, 0.02), (1024, 0.01)])
def test_the_sum_of_normal_legs_is_normal(draws, off):
    """Its deviation is known; the share that each quantile covers is off by little, and the less the more draws."""
    sd = np.sqrt(SDS @ CORRELATION @ SDS)
    # The law's own tails are exponential: the levels judged lie well within the ones known.
    found = known(draws=draws).total(FINE, normal_legs())[0][3:-3]
    np.testing.assert_allclose(norm.cdf((found - MEANS.sum()) / sd), P, atol=off)


def test_adding_up_quantiles_would_be_wrong_and_is_right_where_legs_are_one():
    together = np.full((3, 3), 0.999999) + 1e-6 * np.eye(3)
    legs = normal_legs()
    added = legs[0].sum(axis=0)
    np.testing.assert_allclose(known(together).total(FINE, legs)[0][3:-3], added[3:-3], atol=12)
    apart = known(np.eye(3)).total(FINE, legs)[0]
    assert apart[FINE == 0.95] < added[FINE == 0.95] - 100


def test_a_finished_leg_tells_how_the_others_will_go():
    """Given the first leg, the other two are normal with known means and covariances."""
    took = 1200.0
    z = (took - MEANS[0]) / SDS[0]
    means = MEANS[1:] + SDS[1:] * CORRELATION[1:, 0] * z
    cov = (CORRELATION[1:, 1:] - np.outer(CORRELATION[1:, 0], CORRELATION[0, 1:])) * np.outer(SDS[1:], SDS[1:])
    expected = means.sum() + np.sqrt(cov.sum()) * norm.ppf(P)
    asked = {"done": np.array([1]), "elapsed_s": [0.0]}
    found = known().remaining(FINE, normal_legs(), finished_s=[[took, np.nan, np.nan]], **asked)[0]
    np.testing.assert_allclose(found[3:-3], expected, atol=0.07 * np.sqrt(cov.sum()))
    untold = known().remaining(FINE, normal_legs(), **asked)[0]
    pair = np.sqrt(SDS[1:] @ CORRELATION[1:, 1:] @ SDS[1:])
    np.testing.assert_allclose(untold[3:-3], MEANS[1:].sum() + pair * norm.ppf(P), atol=10)


def test_a_finished_leg_whose_time_was_lost_is_taken_as_usual():
    lost = [[np.nan] * 3, [MEANS[0]] * 3]
    found = known().remaining(FINE, normal_legs(2), done=np.array([1, 1]), elapsed_s=[0.0, 0.0], finished_s=lost)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_time_gone_in_the_last_leg_cuts_its_law():
    """The time left of a normal leg that has run so long already is a truncated normal."""
    gone = 330.0
    start = (gone - MEANS[2]) / SDS[2]
    expected = truncnorm(start, np.inf, loc=MEANS[2], scale=SDS[2]).ppf(P) - gone
    found = known(np.eye(3)).remaining(FINE, normal_legs(), done=np.array([2]), elapsed_s=[gone])[0]
    np.testing.assert_allclose(found[3:-3], expected, atol=2.5)


def test_time_gone_in_a_running_leg_tells_of_the_ones_to_come():
    """Against a million draws of two normal legs, kept where the first is longer than the time gone."""
    rng, gone = np.random.default_rng(0), 1000.0
    draws = multivariate_normal(MEANS[:2], CORRELATION[:2, :2] * np.outer(SDS[:2], SDS[:2])).rvs(1_000_000, rng)
    expected = np.quantile(draws[draws[:, 0] > gone].sum(axis=1) - gone, P)
    two = known(CORRELATION[:2, :2])
    found = two.remaining(FINE, normal_legs()[:, :2], done=np.array([0]), elapsed_s=[gone])[0]
    np.testing.assert_allclose(found[3:-3], expected, rtol=0.02, atol=3)


def test_a_leg_that_never_ends_has_its_tail_left_and_a_finished_order_nothing():
    legs, fitted = normal_legs(3), known()
    found = fitted.remaining(FINE, legs, done=np.array([3, 2, 2]), elapsed_s=[50.0, 1e4, 1e6])
    assert (found[0] == 0).all()
    assert (found[1:] > 0).all() and np.isfinite(found).all()
    np.testing.assert_allclose(found[1], found[2], rtol=1e-3)


def test_the_whole_is_what_is_left_before_anything_happened():
    """By one product of shares, or draw by draw: also where rows are of unlike laws, tails included."""
    rng = np.random.default_rng(5)
    legs = Legs(draws=64, prior=0).fit(rng.random((80, 3)))
    rows = np.sort(rng.gamma(2.0, 300.0, (150, 3, len(LEVELS))), axis=2).astype(np.float32)
    left = legs.remaining(LEVELS, rows, done=np.zeros(150, int), elapsed_s=np.zeros(150))
    for _ in range(2):
        np.testing.assert_allclose(legs.total(LEVELS, rows), left, rtol=1e-6)


def test_one_row_is_what_it_is_among_many():
    rng = np.random.default_rng(0)
    n = 600
    legs = np.sort(rng.gamma(4, 200, (n, 3, len(P))), axis=2).astype(np.float32)
    done, gone = rng.integers(0, 4, n), rng.gamma(2, 200, n)
    took = rng.gamma(4, 200, (n, 3))
    fitted = known(draws=128)
    whole = fitted.remaining(P, legs, done=done, elapsed_s=gone, finished_s=took)
    assert (np.diff(whole, axis=1) >= 0).all() and (whole >= 0).all()
    for row in (0, 255, 256, 599):
        one = slice(row, row + 1)
        found = fitted.remaining(P, legs[one], done=done[one], elapsed_s=gone[one], finished_s=took[one])
        np.testing.assert_allclose(found[0], whole[row], rtol=1e-5, atol=1e-3)


def test_the_whole_covers_what_it_says_where_legs_go_together():
    """Log-normal legs with a common shock, their pits read from their own laws."""
    rng = np.random.default_rng(0)
    shocks = rng.multivariate_normal(np.zeros(3), CORRELATION, 12_000)
    times = np.exp(6 + 0.3 * shocks)
    legs = np.tile(np.exp(6 + 0.3 * norm.ppf(P)), (12_000, 3, 1)).astype(np.float32)
    pits = np.stack([below(P, legs[:, k].astype(float), times[:, k, None])[:, 0] for k in range(3)], axis=1)
    np.testing.assert_allclose(pits.mean(axis=0), 0.5, atol=0.02)
    found = Legs().fit(pits[:6000]).total(P, legs[6000:])
    covered = (times[6000:].sum(axis=1)[:, None] <= found).mean(axis=0)
    np.testing.assert_allclose(covered, P, atol=0.015)
    apart = Legs().fit(rng.random((6000, 3))).total(P, legs[6000:])
    assert (times[6000:].sum(axis=1) <= apart[:, -1]).mean() < 0.94


def test_scores_fill_the_space_and_arrays_give_the_legs_back():
    scores = even_scores(128, 3)
    np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scores.T @ scores / 128, np.eye(3), atol=1e-12)
    fitted = known(draws=64)
    read = FittedLegs.from_arrays(fitted.to_arrays())
    assert read.total(FINE, normal_legs()).tobytes() == fitted.total(FINE, normal_legs()).tobytes()
    for name, damaged in (("factor", np.zeros((3, 3))), ("factor", np.eye(2)), ("shocks", np.full((64, 3), np.inf))):
        with pytest.raises(ReleaseError, match=name):
            FittedLegs.from_arrays(fitted.to_arrays() | {name: damaged})


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="pits has shape"):
        Legs().fit([0.5, 0.6])
    with pytest.raises(DataError, match=r"expected \(n, 3, 7\)"):
        known().total(P, np.ones((1, 2, 7), np.float32))
