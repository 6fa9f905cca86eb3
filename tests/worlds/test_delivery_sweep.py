from __future__ import annotations

import numpy as np
from tests.city import SHOCKED, WORLD, log, run, truth

from sixfold.types import SECOND
from sixfold.worlds.delivery_orders import HOUR
from sixfold.worlds.delivery_sweep import BLOCK, CANCELLED, DELIVERED, LOST, ends


def recounted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From the truth, one order at a time: who was in the kitchen, and who had a courier, when each order was placed."""
    known = truth()
    end = ends(known.ts, known.seconds)
    struck = np.full(len(known), np.iinfo(np.int64).max)
    table = log().outcomes["cancelled"]
    struck[known.rows(table["order"])] = table["ts"]
    leaves, freed = np.minimum(end[:, 1], struck), np.where(struck < end[:, 1], 0, end[:, 4])
    inside = [
        np.sum((known.store == known.store[row]) & (known.ts < known.ts[row]) & (leaves >= known.ts[row]))
        for row in rows
    ]
    driven = [np.sum((leaves < known.ts[row]) & (freed >= known.ts[row])) for row in rows]
    return np.array(inside), np.array(driven)


def test_counts_are_those_of_a_recount():
    known, (scene, parts) = truth(), run()
    rows = np.random.default_rng(0).choice(len(known), 1500, replace=False)
    inside, driven = recounted(rows)
    np.testing.assert_array_equal(known.open[rows], inside)
    roster = scene.calendar.roster[np.concatenate([placed.hour for placed, _ in parts])][rows]
    np.testing.assert_array_equal(known.free[rows], np.maximum(roster - driven, 0))
    assert inside.max() > 8 and (known.free[rows] < 0.3 * roster).mean() > 0.05


def test_counts_are_those_of_the_log_where_no_order_is_lost():
    """What a service can count: placed and neither ready nor cancelled."""
    events, known = log(), truth()
    over = np.zeros(len(known), np.int64)
    for name in ("ready", "cancelled"):
        table = events.outcomes[name]
        over[known.rows(table["order"])] = table["ts"]
    assert (over > 0).all()
    for row in np.random.default_rng(1).choice(len(known), 300, replace=False):
        here = (known.store == known.store[row]) & (known.ts < known.ts[row])
        assert np.sum(here & (over >= known.ts[row])) == known.open[row]


def test_no_kitchen_is_faster_than_a_block():
    assert (truth().seconds[:, 1] * SECOND >= BLOCK).all()
    assert (truth().seconds > 0).all()


def test_a_full_kitchen_cooks_longer_and_few_couriers_come_later():
    known, (scene, _) = truth(), run()
    load = known.open / scene.stores.capacity[known.store]
    base = known.law.mean[:, 1] / scene.stores.cook_s[known.store]
    assert base[load > 1].mean() > 1.4 * base[load == 0].mean()
    share = known.free / scene.calendar.roster[(known.ts - WORLD.start) // HOUR]
    assert known.law.mean[share < 0.2, 2].mean() > 4 * known.law.mean[share > 0.5, 2].mean()


def test_some_orders_are_cancelled_and_a_few_are_never_heard_of_again():
    share = np.bincount(truth().fate, minlength=3) / len(truth())
    assert share[DELIVERED] > 0.97
    assert 0.008 < share[CANCELLED] < 0.016
    assert 0.001 < share[LOST] < 0.006


def test_slow_kitchens_slow_down_on_their_day():
    (scene, usual), (_, shocked) = run(), run(SHOCKED)
    slow = scene.stores.slowed > 1

    def cook(parts, day: int, which: np.ndarray) -> float:
        placed, done = parts[day]
        mine = which[placed.store]
        return float((done.law.mean[mine, 1] / scene.stores.cook_s[placed.store[mine]]).mean())

    assert cook(shocked, 1, slow) == cook(usual, 1, slow)
    assert cook(shocked, 4, slow) > 1.5 * cook(usual, 4, slow)
    assert cook(shocked, 4, ~slow) < 1.1 * cook(usual, 4, ~slow)


def test_nothing_is_moved_before_the_first_shock():
    for (placed, done), (shocked, other) in zip(run()[1][:2], run(SHOCKED)[1][:2], strict=True):
        np.testing.assert_array_equal(placed.ts, shocked.ts)
        np.testing.assert_array_equal(done.seconds, other.seconds)
        np.testing.assert_array_equal(done.open, other.open)
