"""The truth of a world against what came of its orders."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats
from tests.city import WORLD, log, truth

from sixfold.errors import DataError
from sixfold.worlds.delivery import DeliveryWorld
from sixfold.worlds.delivery_law import LEGS
from sixfold.worlds.delivery_truth import Truth

EVERY = np.arange(len(truth()))
INTERVAL = np.array([0.05, 0.5, 0.95])


@cache
def quantiles() -> np.ndarray:
    return truth().quantiles(EVERY, INTERVAL)


def uniform(levels: np.ndarray) -> bool:
    """Kolmogorov and Smirnov at 1 %."""
    return bool(stats.kstest(levels, "uniform").statistic < 1.63 / np.sqrt(len(levels)))


def test_what_came_of_orders_is_spread_as_their_laws_say():
    known = truth()
    assert uniform(known.cdf(EVERY, known.total_s(EVERY)))
    for name, stages in LEGS.items():
        assert uniform(known.leg(EVERY, name).cdf(known.seconds[:, stages].sum(axis=1))), name


def test_it_is_so_in_rain_at_bridges_and_in_full_kitchens():
    known = truth()
    levels = known.cdf(EVERY, known.total_s(EVERY))
    for slice_ in (known.wet > 0, known.crosses, known.open > 5, known.free < np.quantile(known.free, 0.1)):
        assert slice_.sum() > 300
        assert uniform(levels[slice_])


@pytest.mark.parametrize("elapsed", [120.0, 700.0, 1500.0, 2400.0])
def test_what_came_of_orders_under_way_is_spread_as_their_laws_say(elapsed):
    known = truth()
    some = EVERY[::6][known.total_s(EVERY[::6]) > elapsed]
    progress = known.progress(some, np.full(len(some), elapsed))
    levels = known.cdf(some, known.total_s(some), progress)
    assert len(some) > 200
    assert uniform(levels)


def test_the_interval_of_ninety_percent_covers_as_many():
    known = truth()
    low, middle, high = quantiles().T
    total = known.total_s(EVERY)
    assert 0.89 < ((low <= total) & (total <= high)).mean() < 0.91
    assert 0.48 < (total <= middle).mean() < 0.52
    delivered = known.fate == 0
    assert 0.89 < ((low <= total) & (total <= high))[delivered].mean() < 0.91


def test_no_estimate_beats_the_truths():
    known = truth()
    total = known.total_s(EVERY)
    median, mean = quantiles()[:, 1], known.mean(EVERY)
    expected = known.law.expected().sum(axis=1)
    np.testing.assert_allclose(mean, expected)
    assert abs((total - mean).mean()) < 4 * (total - mean).std() / np.sqrt(len(total))
    for other in (mean, 0.95 * median, np.full(len(total), np.median(total))):
        assert np.abs(total - median).mean() < np.abs(total - other).mean()
    for other in (median, 1.05 * mean):
        assert np.square(total - mean).mean() < np.square(total - other).mean()


def test_the_later_the_surer():
    known, width = truth(), []
    some = EVERY[known.total_s(EVERY) > 1500][:120]
    for elapsed in (0.0, 500.0, 1000.0, 1500.0):
        low, high = known.quantiles(some, INTERVAL[[0, 2]], known.progress(some, np.full(len(some), elapsed))).T
        width.append((high - low).mean())
        assert (low >= elapsed).all()
    assert width[0] > width[1] > width[2] > width[3]


def test_legs_depend_on_each_other():
    """The quantiles of the total are not the sums of the legs'."""
    known = truth()
    over = known.seconds - known.law.expected()
    legs = np.column_stack([over[:, stages].sum(axis=1) for stages in LEGS.values()])
    assert legs.sum(axis=1).var() > 1.15 * legs.var(axis=0).sum()
    assert np.corrcoef(legs.T)[0, 1] > 0.15


def test_draws_have_the_truths_quantiles():
    known, some = truth(), EVERY[:150]
    progress = known.progress(some, np.minimum(600.0, 0.9 * known.total_s(some)))
    for at in (None, progress):
        drawn = known.samples(some, 800, np.random.default_rng(0), at)
        below = drawn[:, :, None] <= known.quantiles(some, INTERVAL, at)[:, None, :]
        np.testing.assert_allclose(below.mean(axis=(0, 1)), INTERVAL, atol=0.006)


def test_five_to_ten_percent_are_very_late_for_a_cause():
    known = truth()
    assert 0.05 < (known.cause > 0).mean() < 0.10
    late = known.total_s(EVERY) - known.mean(EVERY)
    assert late[known.cause > 0].mean() > 10 * 60 > 5 * abs(late[known.cause == 0].mean())


def test_harder_worlds_tell_less():
    error = []
    for difficulty in ("easy", "middle", "hard"):
        known = DeliveryWorld(days=1, orders_per_day=2000, difficulty=difficulty).truth()
        rows = np.arange(len(known))
        median = known.quantiles(rows, np.array([0.5]))[:, 0]
        error.append(np.abs(known.total_s(rows) - median).mean())
    assert error[0] < 0.85 * error[1] < 0.85**2 * error[2]


def test_the_truth_is_that_of_the_log():
    known, events = truth(), log()
    rows = known.rows(events.decisions["id"])
    np.testing.assert_array_equal(rows, EVERY)
    np.testing.assert_array_equal(known.ts, events.decisions["ts"])
    np.testing.assert_array_equal(known.free, events.decisions["context.couriers_free"])
    delivered = events.outcomes["delivered"]
    np.testing.assert_allclose(known.total_s(known.rows(delivered["order"])), delivered["value"])
    assert set(known.rows(delivered["order"])) == set(np.flatnonzero(known.fate == 0))


def test_it_is_saved_and_loaded(tmp_path):
    known = truth()
    known.save(tmp_path / "truth.npz")
    again = Truth.load(tmp_path / "truth.npz")
    assert len(again) == len(known)
    np.testing.assert_array_equal(again.quantiles(EVERY[:50], INTERVAL), known.quantiles(EVERY[:50], INTERVAL))
    np.testing.assert_array_equal(again.seconds, known.seconds)
    np.savez(tmp_path / "other.npz", a=EVERY)
    with pytest.raises(DataError, match=r"other\.npz holds no truth of a delivery world but a"):
        Truth.load(tmp_path / "other.npz")


def test_an_order_of_another_world_is_refused():
    with pytest.raises(DataError, match="'o99999999' is not of this world, which has"):
        truth().rows(np.array([b"o3", b"o99999999"]))
    with pytest.raises(DataError, match="'basket' is none of a world"):
        truth().rows(np.array([b"basket"]))
    assert WORLD.seed == 0 and truth().rows(np.array([b"o3", b"d17"])).tolist() == [3, 17]
