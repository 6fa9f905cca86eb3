from __future__ import annotations

from functools import cache

import numpy as np

from sixfold.types import DAY, SECOND
from sixfold.worlds.delivery_city import CENTRE
from sixfold.worlds.delivery_stores import Stores, draw_opened, draw_stores

START = 1_767_225_600 * SECOND
HOUR = 3600 * SECOND


@cache
def stores() -> Stores:
    opened = draw_opened(300, 45, START, 30, np.random.default_rng(0))
    return draw_stores(opened, 5000.0, np.random.default_rng(1))


def test_stores_open_before_the_start_or_on_some_hour_of_the_days():
    opened = stores().opened
    assert (opened < START).sum() == 300 and (opened >= START).sum() == 45
    assert (np.diff(opened) >= 0).all() and (opened % HOUR == 0).all()
    assert opened.max() < START + 30 * DAY


def test_few_stores_get_most_orders_and_have_the_larger_kitchens():
    popular = np.sort(stores().popularity)[::-1]
    assert popular[:30].sum() > 0.35 * popular.sum()
    order = np.argsort(stores().popularity)
    assert stores().capacity[order[-30:]].mean() > 3 * stores().capacity[order[:150]].mean()
    assert stores().capacity.min() >= 2


def test_one_never_closes_and_most_do():
    assert stores().serves[0].all()
    assert 0.4 < stores().serves.mean() < 0.6
    assert stores().serves[:, 19].mean() > 0.85


def test_entities_say_what_is_known_and_nothing_of_the_truth():
    rows = np.array([3, 320])
    table = stores().entities(rows)
    assert set(table) == {"id", "ts", "key", "lat", "lon", "cuisine", "price", "opened", "capacity"}
    assert table["key"].tolist() == [b"s3", b"s320"]
    np.testing.assert_array_equal(table["opened"] * SECOND, table["ts"])
    assert np.abs(table["lat"] - CENTRE[0]).max() < 0.06 and np.abs(table["lon"] - CENTRE[1]).max() < 0.1


def test_a_tenth_of_the_kitchens_would_slow_down():
    assert set(np.unique(stores().slowed)) == {1.0, 1.6}
    assert 0.05 < (stores().slowed > 1).mean() < 0.15
