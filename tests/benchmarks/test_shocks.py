"""The weeks after a shock are judged as the table says: the same orders served in three ways, beside the truth."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.shocks import BEFORE, LEAST, Line, again_each_day, cuts, together, trained, weeks
from msgspec import structs

from benchmarks import shocks
from sixfold.estimate import estimated
from sixfold.language import Quantiles
from sixfold.systems import delivery
from sixfold.training import estimates
from sixfold.training.material import prepare
from sixfold.types import DAY
from sixfold.worlds.delivery import DeliveryWorld

DESIGN = structs.replace(
    delivery.design, learning=structs.replace(delivery.design.learning, estimator=Quantiles(trees=10))
)
ORDERS = 150.0


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(weeks(DESIGN, 0, ["none", "storm"], ORDERS, again=False))


def test_each_week_is_served_in_three_ways(lines: list[Line]):
    assert [(line.shock, line.served) for line in lines] == [
        (shock, served)
        for shock in ("none", "storm")
        for served in ("as trained", "as trained, steered", "as trained, by store", "by the truth")
    ]
    plain, steered, by_store, truth = lines[4:]
    assert plain.mae_best == steered.mae_best == by_store.mae_best < min(line.mae for line in lines[4:7])
    assert len({line.width for line in lines[4:7]}) == 3
    assert (truth.mae, truth.cost) == pytest.approx((truth.mae_best, truth.cost_best))
    assert all(line.rows >= LEAST and line.lowest <= line.covered for line in lines)


def test_a_storm_makes_orders_late_and_steering_takes_that_in(lines: list[Line]):
    before, (plain, steered, *_) = lines[0], lines[4:]
    assert plain.covered < before.covered - 0.02
    assert abs(steered.covered - 0.9) < abs(plain.covered - 0.9)


def test_the_table_has_the_means_and_the_lowest_slice_of_any(lines: list[Line]):
    one, other = lines[0], structs.replace(lines[0], seed=9, covered=0.5, lowest=0.1, where="here", mae=1.0)
    found = together([one, other])
    assert (found.where, found.lowest) == ("here", 0.1)
    assert found.covered == pytest.approx((one.covered + 0.5) / 2) and found.mae == pytest.approx((one.mae + 1) / 2)


def test_a_day_is_told_by_a_model_that_knows_the_days_before_it(monkeypatch: pytest.MonkeyPatch):
    after = 2
    monkeypatch.setattr(shocks, "AFTER", after)
    world = DeliveryWorld(days=BEFORE + after, orders_per_day=40, stores=20, new_stores=2)
    events = list(world.events())
    material = prepare(DESIGN, events, cuts=cuts(world, BEFORE))
    assert material.cuts.third == world.start + BEFORE * DAY
    model = trained(material)
    test = estimates.rows(material, material.cuts.third, material.cuts.end)
    first = estimated(model, test.table)
    found = again_each_day(DESIGN, world, events, first, test)
    day = (test.frame.ts - material.cuts.third) // DAY
    np.testing.assert_array_equal(found.quantiles[day == 0], first.quantiles[day == 0])
    last = prepare(DESIGN, events, cuts=cuts(world, BEFORE + after - 1))
    assert last.cuts.third == test.frame.ts[day == after - 1].min() // DAY * DAY
    again = estimates.rows(last, last.cuts.third, last.cuts.end)
    np.testing.assert_array_equal(again.decision, test.decision[day == after - 1])
    np.testing.assert_allclose(
        found.quantiles[day == after - 1], estimated(trained(last), again.table).quantiles, rtol=1e-5
    )
