"""Small delivery worlds that several test files look at, each run once."""

from __future__ import annotations

from functools import cache

from sixfold.events.schema import Events, concat
from sixfold.worlds.delivery import DeliveryWorld
from sixfold.worlds.delivery_calendar import Shocks
from sixfold.worlds.delivery_orders import Placed, Scene
from sixfold.worlds.delivery_sweep import Done
from sixfold.worlds.delivery_truth import Truth

WORLD = DeliveryWorld(days=5, orders_per_day=2500, stores=80, new_stores=10)
SHOCKED = DeliveryWorld(
    days=5, orders_per_day=2500, stores=80, new_stores=10,
    shocks=Shocks(storm=2, match=3, new_district=2, slow_kitchens=2),
)  # fmt: skip


@cache
def log(world: DeliveryWorld = WORLD) -> Events:
    return concat(world.events())


@cache
def truth(world: DeliveryWorld = WORLD) -> Truth:
    return world.truth()


@cache
def run(world: DeliveryWorld = WORLD) -> tuple[Scene, list[tuple[Placed, Done]]]:
    scene = world.scene()
    return scene, list(world.run(scene))
