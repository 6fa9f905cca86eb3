from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from tests.city import SHOCKED, WORLD, truth

from sixfold.errors import DesignError
from sixfold.types import DAY
from sixfold.worlds.delivery import DeliveryWorld
from sixfold.worlds.delivery_calendar import Shocks

SMALL = DeliveryWorld(days=2, orders_per_day=200, stores=20, new_stores=2)


def digest(world: DeliveryWorld) -> str:
    out = hashlib.sha256()
    for batch in world.events():
        for table, columns in batch.tables():
            for name, column in columns.items():
                out.update(f"{table} {name} {column.dtype} {column.shape}".encode() + column.tobytes())
    return out.hexdigest()


def test_same_knobs_give_same_bytes_whatever_the_global_state():
    first = digest(SMALL)
    np.random.seed(7)  # noqa: NPY002
    assert digest(SMALL) == first
    assert digest(msgspec.structs.replace(SMALL, seed=1)) != first


def test_knobs_survive_being_written_down():
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(SHOCKED)), DeliveryWorld)
    assert again == SHOCKED and again.shocks.match == 3


def test_each_day_is_a_batch_ordered_by_ts_with_what_became_known_in_it():
    first, *days = WORLD.events()
    assert not len(first.decisions["ts"]) and not first.outcomes
    assert first.entities["store"]["ts"].max() < WORLD.start
    assert len(days) == WORLD.days + 1 and not len(days[-1].decisions["ts"])
    for day, batch in enumerate(days):
        midnight = WORLD.start + day * DAY
        for _, table in batch.tables():
            assert (np.diff(table["ts"]) >= 0).all()
            assert (table["ts"] >= midnight).all()
            assert (table["ts"] < midnight + DAY).all() or day == WORLD.days


def test_shocks_change_no_byte_before_the_day_of_the_first():
    usual, shocked = list(WORLD.events())[:3], list(SHOCKED.events())[:3]
    for one, other in zip(usual, shocked, strict=True):
        for (name, table), (_, changed) in zip(one.tables(), other.tables(), strict=True):
            for column, values in table.items():
                assert values.tobytes() == changed[column].tobytes(), (name, column)


def test_after_a_shock_orders_take_longer():
    usual, shocked = truth(), truth(SHOCKED)

    def minutes(known, day: int) -> float:
        return float(known.mean(np.flatnonzero((known.ts - WORLD.start) // DAY == day)).mean() / 60)

    assert minutes(shocked, 1) == minutes(usual, 1)
    assert minutes(shocked, 2) > minutes(usual, 2) + 5
    assert minutes(shocked, 3) > minutes(usual, 3) + 2


def test_orders_grow_with_the_knob_and_the_wait_does_not():
    one, three = (DeliveryWorld(days=2, orders_per_day=n, new_stores=0).truth() for n in (1500, 4500))
    assert len(three) == pytest.approx(3 * len(one), rel=0.06)
    wait = [known.law.mean[:, :3].sum(axis=1).mean() for known in (one, three)]
    assert wait[1] == pytest.approx(wait[0], rel=0.25)


def test_a_world_without_orders_is_its_stores():
    batches = list(msgspec.structs.replace(SMALL, orders_per_day=0.0).events())
    assert sum(len(batch.entities.get("store", {"ts": ()})["ts"]) for batch in batches) == 22
    assert not sum(len(batch.decisions["ts"]) for batch in batches)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"days": 0}, "days is 0; expected at least 1"),
        ({"orders_per_day": -1.0}, "orders_per_day is -1.0; expected at least 0"),
        ({"orders_per_day": float("nan")}, "orders_per_day is nan; expected at least 0"),
        ({"stores": 0}, "stores is 0; expected at least 1"),
        ({"difficulty": "midle"}, "did you mean 'middle'"),
        ({"start": 1}, "start is 1 us; expected a midnight UTC"),
        ({"days": 5, "shocks": Shocks(storm=5)}, "shocks.storm is day 5; expected one of the 5 days, counted from 0"),
    ],
)
def test_a_wrong_knob_is_named(knobs, message):
    with pytest.raises(DesignError, match=message):
        DeliveryWorld(**knobs)
