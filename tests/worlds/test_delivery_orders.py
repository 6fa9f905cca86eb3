from __future__ import annotations

import numpy as np
import pytest
from tests.city import SHOCKED, WORLD, run

from sixfold.worlds.delivery_orders import HOUR, Placed, Scene


def days(world=WORLD) -> tuple[Scene, list[Placed]]:
    scene, parts = run(world)
    return scene, [placed for placed, _ in parts]


def joined(name: str, world=WORLD) -> np.ndarray:
    return np.concatenate([getattr(placed, name) for placed in days(world)[1]])


def bias(rows: np.ndarray) -> float:
    """How much longer the way takes in truth than the router says, as a share."""
    return float(joined("travel_s")[rows].sum() / joined("driving_s")[rows].sum() - 1)


def test_orders_come_as_the_calendar_says():
    scene, parts = days()
    expected = scene.calendar.rate.reshape(-1, 24).sum(axis=1)
    count = np.array([len(placed) for placed in parts])
    assert (np.abs(count - expected) < 4 * np.sqrt(expected)).all()
    ts = joined("ts")
    assert (np.diff(ts) > 0).all()
    np.testing.assert_array_equal((ts - WORLD.start) // HOUR, joined("hour"))


def test_a_store_gets_orders_while_it_is_open_and_from_its_opening_on():
    scene, _ = days()
    store, hour = joined("store"), joined("hour")
    assert scene.stores.serves[store, hour % 24].all()
    assert (scene.stores.opened[store] < joined("ts")).all()
    assert (np.bincount(store, minlength=90)[80:] > 0).sum() >= 5


def test_customers_order_from_near_and_popular_stores():
    scene, _ = days()
    store, drop = joined("store"), joined("drop")
    away = np.hypot(*(scene.stores.place[store] - drop).T)
    chance = np.random.default_rng(0).permutation(store)
    assert away.mean() < 0.8 * np.hypot(*(scene.stores.place[chance] - drop).T).mean()
    count = np.bincount(store, minlength=len(scene.stores.id))
    old = scene.stores.opened < WORLD.start
    assert np.corrcoef(count[old], scene.stores.popularity[old])[0, 1] > 0.7


def test_the_router_is_right_but_in_rain_and_at_bridges():
    scene, _ = days()
    wet, over = scene.calendar.rain[joined("hour")] > 0, joined("crosses")
    assert min(wet.sum(), (~wet & over).sum()) > 300
    assert abs(bias(~wet & ~over)) < 0.005
    assert bias(wet & ~over) > 0.08
    assert bias(~wet & over) > 0.08


def test_the_router_errs_as_much_as_the_difficulty_says():
    scene, _ = days()
    plain = (scene.calendar.rain[joined("hour")] == 0) & ~joined("crosses")
    error = np.log(joined("driving_s")[plain] / joined("travel_s")[plain])
    assert error.std() == pytest.approx(scene.hard.router, rel=0.05)


def test_something_goes_wrong_with_the_probability_that_is_meant():
    scene, _ = days()
    trouble = joined("trouble")
    assert trouble.sum(axis=1).mean() == pytest.approx(scene.hard.trouble, rel=0.2)
    assert (trouble > 0).all() and trouble.sum(axis=1).max() < 0.95


def test_shocks_move_the_orders_of_their_days_only():
    (_, usual), (_, shocked) = days(), days(SHOCKED)
    for before, after in zip(usual[:2], shocked[:2], strict=True):
        np.testing.assert_array_equal(before.ts, after.ts)
        np.testing.assert_array_equal(before.travel_s, after.travel_s)
    assert len(shocked[2]) > len(usual[2])
    assert len(shocked[3]) > 1.2 * len(usual[3])


def test_a_new_district_orders_from_its_day_on():
    new = [(placed.drop >= 3.0).all(axis=1).mean() for placed in days(SHOCKED)[1]]
    assert max(new[:2]) < 0.001 and min(new[2:]) > 0.03


def test_a_storm_and_closed_streets_slow_the_ways_behind_the_routers_back():
    ratio = [placed.travel_s.sum() / placed.driving_s.sum() for placed in days(SHOCKED)[1]]
    usual = [placed.travel_s.sum() / placed.driving_s.sum() for placed in days()[1]]
    assert ratio[2] > 1.4 * usual[2]
    match = days(SHOCKED)[1][3]
    evening = (match.hour % 24 >= 17) & (match.hour % 24 < 21)
    slow = match.travel_s / match.driving_s > 1.6
    assert slow[evening].mean() > 0.05 > 10 * slow[~evening & ~match.crosses].mean()
