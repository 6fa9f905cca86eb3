from __future__ import annotations

import numpy as np

from sixfold.types import DAY, SECOND
from sixfold.worlds.delivery_calendar import WEEKDAY, Calendar, Shocks, draw_calendar

START = 1_767_225_600 * SECOND


def calendar(days: int = 400, seed: int = 0, **shocks: int) -> Calendar:
    return draw_calendar(days, 1000.0, Shocks(**shocks), START, np.random.default_rng(seed))


def test_it_rains_in_spells():
    wet = calendar().rain > 0
    assert 0.1 < wet.mean() < 0.25
    # Were hours independent, an hour after a wet one would be wet as seldom as any.
    assert wet[1:][wet[:-1]].mean() > 0.65
    level = calendar().wet(np.arange(len(wet)))
    assert (level[~wet] == 0).all() and (level[wet] > 0).all() and (level < 1).all()


def test_orders_peak_at_lunch_and_dinner_and_at_the_end_of_the_week():
    rate = calendar().rate.reshape(-1, 24)
    hours = rate.mean(axis=0)
    assert hours.argmax() in (18, 19)
    assert hours[12] > 2 * hours[15] and hours[15] > 5 * hours[4]
    days = rate.sum(axis=1)
    weekday = (START // DAY + 3 + np.arange(400)) % 7
    means = np.array([days[weekday == day].mean() for day in range(7)])
    np.testing.assert_allclose(means / means.mean(), WEEKDAY / WEEKDAY.mean(), rtol=0.05)
    assert 950 < days.mean() < 1100


def test_streets_are_slow_in_the_rush_of_working_days():
    kmh = calendar().kmh.reshape(-1, 24)
    weekend = (START // DAY + 3 + np.arange(400)) % 7 >= 5
    assert kmh[~weekend, 17].max() < 0.8 * kmh[~weekend, 13].min()
    assert kmh[weekend, 17].min() > kmh[~weekend, 17].max()


def test_the_roster_covers_what_is_usual_and_knows_nothing_of_luck():
    one, other = calendar(seed=0), calendar(seed=1)
    np.testing.assert_array_equal(one.roster, other.roster)
    usual = one.rate.reshape(-1, 24).mean(axis=0)
    assert (one.roster.reshape(-1, 24).mean(axis=0) > 0.4 * usual).all()


def test_a_storm_is_its_day_and_nothing_else():
    usual, storm = calendar(days=6), calendar(days=6, storm=3)
    day = np.arange(6 * 24) // 24 == 3
    for name in ("rain", "rate", "roster", "kmh", "slow", "closed", "rush"):
        np.testing.assert_array_equal(getattr(usual, name)[~day], getattr(storm, name)[~day])
    assert (storm.rain[day] >= 9).all() and (storm.slow[day] < 1).all() and (storm.slow[~day] == 1).all()


def test_a_match_is_its_evening_and_nothing_else():
    usual, match = calendar(days=6), calendar(days=6, match=3)
    evening = np.zeros((6, 24), bool)
    evening[3, 17:21] = True
    np.testing.assert_allclose(match.rate, usual.rate * np.where(evening.ravel(), 1.9, 1.0))
    np.testing.assert_array_equal(match.closed, evening.ravel())
    np.testing.assert_array_equal(match.rain, usual.rain)
