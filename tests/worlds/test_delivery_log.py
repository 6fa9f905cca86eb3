from __future__ import annotations

import numpy as np
from tests.city import WORLD, log, truth

from sixfold.types import SECOND
from sixfold.worlds.delivery_city import CENTRE
from sixfold.worlds.delivery_sweep import CANCELLED, LOST

ORDER = ("accepted", "ready", "picked_up", "arrived", "delivered")


def by_row(name: str, column: str) -> np.ndarray:
    """A column of an outcome by order, NaN where there is none."""
    table = log().outcomes[name]
    out = np.full(len(truth()), np.nan)
    out[truth().rows(table["order"])] = table[column]
    return out


def test_a_decision_is_an_order_with_what_was_known_of_it():
    decisions = log().decisions
    assert set(decisions) == {"id", "ts", "release", "order", "store"} | {
        f"context.{name}" for name in ("drop_lat", "drop_lon", "items", "subtotal", "rain", "couriers_free", "driving_s")
    }  # fmt: skip
    assert not len(log().shown["item"])
    assert all(column.dtype == np.float64 for name, column in decisions.items() if name.startswith("context."))
    assert np.abs(decisions["context.drop_lat"] - CENTRE[0]).max() < 0.06
    assert np.abs(decisions["context.drop_lon"] - CENTRE[1]).max() < 0.1
    assert set(decisions["store"]) <= set(log().entities["store"]["key"])


def test_statuses_come_in_their_order_when_their_times_have_gone():
    placed = log().decisions["ts"].astype(np.float64)
    before = placed
    for name in ORDER:
        ts = by_row(name, "ts")
        assert (ts[~np.isnan(ts)] > before[~np.isnan(ts)]).all()
        before = ts
    for name in ("accepted", "ready", "picked_up", "delivered"):
        gone = (by_row(name, "ts") - placed) / SECOND
        np.testing.assert_allclose(gone, by_row(name, "value"), atol=1e-3)


def test_legs_add_up_to_the_total():
    legs = by_row("picked_up", "value") + by_row("arrived", "value") + by_row("dropoff", "value")
    np.testing.assert_allclose(legs, by_row("delivered", "value"), rtol=1e-9)
    np.testing.assert_array_equal(by_row("dropoff", "ts"), by_row("delivered", "ts"))


def test_a_cancelled_order_says_no_more_and_a_lost_one_only_how_far_it_came():
    fate = truth().fate
    cancelled = ~np.isnan(by_row("cancelled", "value"))
    np.testing.assert_array_equal(cancelled, fate == CANCELLED)
    for name in (*ORDER, "dropoff"):
        told = by_row(name, "ts")
        assert not (told > by_row("cancelled", "ts"))[cancelled].any()
    assert np.isnan(by_row("ready", "ts")[cancelled]).all()
    lost = fate == LOST
    assert not np.isnan(by_row("picked_up", "ts")[lost]).any()
    assert np.isnan(by_row("delivered", "ts")[lost]).all() and np.isnan(by_row("dropoff", "ts")[lost]).all()
    assert 0 < np.isnan(by_row("arrived", "ts")[lost]).mean() < 1
    assert not np.isnan(by_row("delivered", "ts")[fate == 0]).any()


def test_outcomes_name_their_order_and_store_and_ids_are_unique():
    decisions = log().decisions
    for table in log().outcomes.values():
        row = truth().rows(table["decision"])
        np.testing.assert_array_equal(decisions["order"][row], table["order"])
        np.testing.assert_array_equal(decisions["store"][row], table["store"])
    ids = np.concatenate([table["id"].astype("S20") for _, table in log().tables()])
    assert len(np.unique(ids)) == len(ids)


def test_stores_are_known_when_they_open():
    table = log().entities["store"]
    np.testing.assert_array_equal(table["opened"] * SECOND, table["ts"])
    assert len(table["ts"]) == WORLD.stores + WORLD.new_stores
