"""Pictures of estimates whose answers are known: a distribution that is right, an error that lies in one corner."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.estimate import Estimated
from sixfold.estimation import law
from sixfold.estimation.promise import Promise
from sixfold.evaluation import picture as pictures

LEVELS = np.asarray(law.LEVELS)
ROWS = 20_000


def estimated(quantiles_min, mean_min, told=Promise(late_per_min=3, early_per_min=1, round_to_min=1)):
    """Estimates of n rows by their quantiles (n, q) and mean (n,) in minutes."""
    quantiles = np.asarray(quantiles_min * 60, np.float32)
    nothing = np.zeros((len(quantiles), 0), np.float32)
    promised = told.of(LEVELS, quantiles)
    return Estimated(nothing, quantiles[:, None], quantiles, np.asarray(mean_min * 60, np.float32), promised)


@pytest.fixture(scope="module")
def right():
    """Orders that take 20 to 60 minutes, all alike, and an estimate that knows it."""
    rng = np.random.default_rng(0)
    minutes = rng.uniform(20, 60, ROWS)
    return estimated(np.tile(20 + 40 * LEVELS, (ROWS, 1)), np.full(ROWS, 40.0)), minutes.astype(np.float32)


def drawn(right, told=Promise(late_per_min=3, early_per_min=1, round_to_min=1), where=None):
    given, minutes = right
    rng = np.random.default_rng(0)
    return pictures.picture(given, minutes, LEVELS, told, cluster=np.arange(ROWS, dtype=np.int32), where=where, rng=rng)


def test_right_quantiles_hold_what_they_say(right):
    for one in drawn(right).levels:
        assert one.below == pytest.approx(one.level, abs=0.012)
        assert one.low is not None and one.high is not None and one.low <= one.below <= one.high


def test_quantiles_that_are_too_short_show_it(right):
    given, minutes = right
    short = pictures.reliability(
        LEVELS, given.quantiles, minutes + 5.0, cluster=np.arange(ROWS), rng=np.random.default_rng(0)
    )
    assert all(one.high < one.level for one in short[1:])


def test_tenths_hold_all_of_the_error_and_the_outer_ones_most(right):
    tail = drawn(right).tail
    assert [one.n for one in tail] == [ROWS // 10] * 10
    assert sum(one.error_share for one in tail) == pytest.approx(1)
    assert [one.took for one in tail] == sorted(one.took for one in tail)
    # |t - 40| over a tenth at the end of [20, 60]: 18 of a mean of 10.
    assert tail[-1].error_share == pytest.approx(0.18, abs=0.005)
    # The promise is the 75 % quantile, 50 minutes: the last tenth is 8 minutes late in place of 18.
    assert tail[-1].late == pytest.approx(18, abs=0.2) and tail[-1].promised_late == pytest.approx(8, abs=0.2)
    assert tail[0].promised_early == pytest.approx(28, abs=0.2)


def test_a_skew_loss_buys_the_tail_with_bias(right):
    told = {one.level: one for one in drawn(right).told}
    # Of [20, 60] the quantile p is 20 + 40 p; the last tenth is 58 in the mean.
    assert told[0.5].bias == pytest.approx(0, abs=0.2) and told[0.5].error == pytest.approx(10, abs=0.2)
    assert told[0.75].bias == pytest.approx(10, abs=0.2) and told[0.75].tail_error == pytest.approx(8, abs=0.2)
    assert told[0.9].tail_error == pytest.approx(2, abs=0.2) and told[0.9].error == pytest.approx(16.4, abs=0.3)


def test_costs_are_those_of_the_uniform_law(right):
    costs = drawn(right).costs
    assert [one.ratio for one in costs] == list(pictures.RATIOS)
    assert [one.ratio for one in costs if one.own] == [3.0]
    for one in costs:
        # Of a uniform law of width w the best promise costs w r / (2 (1 + r)), and is late in 1 / (1 + r). What is expected
        # has the exponential tails of quantiles, which matter where promises are long.
        assert one.realised == pytest.approx(20 * one.ratio / (1 + one.ratio), rel=0.03)
        assert one.expected == pytest.approx(one.realised, rel=0.05 if one.ratio <= 6 else 0.1)
        assert one.late == pytest.approx(1 / (1 + one.ratio), abs=0.03)


def test_a_ratio_of_its_own_is_entered(right):
    costs = drawn(right, Promise(late_per_min=5, early_per_min=2)).costs
    assert [one.ratio for one in costs if one.own] == [2.5] and len(costs) == len(pictures.RATIOS) + 1


def test_an_error_lies_where_it_is():
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(52.3, 52.4, ROWS), rng.uniform(4.8, 4.95, ROWS)
    error = rng.normal(0, 1, ROWS) + np.where((lat > 52.35) & (lon < 4.87), 6.0, 0.0)
    found = pictures.by_place("drop", lat, lon, error)
    rows = max(cell.row for cell in found.cells) + 1
    columns = max(cell.column for cell in found.cells) + 1
    assert max(rows, columns) <= pictures.ACROSS and max(rows, columns) > pictures.ACROSS / 2 - 1
    north_west = [cell for cell in found.cells if cell.row < rows // 2 - 1 and cell.column < columns // 2 - 2]
    south_east = [cell for cell in found.cells if cell.row > rows // 2 + 1 and cell.column > columns // 2 + 1]
    assert min(cell.error - cell.half for cell in north_west) > 4
    assert max(abs(cell.error) for cell in south_east) < 1
    assert sum(cell.n for cell in found.cells) + found.elsewhere == ROWS


def test_one_place_at_the_end_of_the_world_and_missing_ones_are_counted_and_not_drawn():
    lat, lon = np.linspace(52.3, 52.4, 1000), np.linspace(4.8, 4.9, 1000)
    lat[0], lon[0], lat[1], lon[1] = 0.0, 0.0, np.nan, np.nan
    found = pictures.by_place("drop", lat, lon, np.zeros(1000))
    assert found.elsewhere == 1000 - sum(cell.n for cell in found.cells) and found.elsewhere < 50
    assert len(found.cells) > 4
    assert pictures.by_place("drop", [np.nan], [np.nan], np.zeros(1)).cells == []


def test_all_in_one_place_is_one_cell():
    found = pictures.by_place("drop", np.full(5, 52.37), np.full(5, 4.89), np.arange(5.0))
    assert [(cell.n, cell.error) for cell in found.cells] == [(5, 2.0)]
