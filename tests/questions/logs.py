"""A city of our own making, in which it is known what orders take so long for."""

from __future__ import annotations

import numpy as np

from sixfold.design import Design
from sixfold.events.schema import Events
from sixfold.features.geography import great_circle_km
from sixfold.features.spec import Feature
from sixfold.language import (
    Estimate,
    Learning,
    Metrics,
    Problem,
    Quantiles,
    Requirements,
    Scale,
    bearing,
    distance,
    hour,
    mean,
    offsets,
    outcome,
)
from sixfold.types import DAY, SECOND

START = 1_767_225_600 * SECOND
PLACES: tuple[Feature, ...] = (
    hour(),
    distance("store", "context.drop"),
    offsets("store", "context.drop"),
    bearing("store", "context.drop"),
    mean("done", by="context.drop@15", half_life="14d"),
)
KEYS: tuple[Feature, ...] = (hour(), mean("done", by="store", half_life="7d"))


def design(features: tuple[Feature, ...] = PLACES) -> Design:
    """Estimates by few trees."""
    return Design(
        name="orders",
        problem=Problem(goal="how long", decides=Estimate(of="order")),
        metrics=Metrics(),
        requirements=Requirements(label=outcome("done"), window="6h"),
        learning=Learning(features=features, estimator=Quantiles(trees=40, learning_rate=0.2, depth=4)),
        scale=Scale(users=1, items=1),
    )


def city(*, per_km: float = 0.0, by_store: float = 0.0, orders: int = 3000, stores: int = 40, seed: int = 0) -> Events:
    """Orders that take 20 minutes, `per_km` seconds more for each km and `by_store` (one deviation) by their store, each
    with 10 % of luck."""
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(52.3, 52.4, stores), rng.uniform(4.8, 4.95, stores)
    drop_lat, drop_lon = rng.uniform(52.3, 52.4, orders), rng.uniform(4.8, 4.95, orders)
    store = rng.integers(stores, size=orders)
    ts = START + np.sort(rng.integers(0, 6 * DAY, orders))
    km = great_circle_km(lat[store], lon[store], drop_lat, drop_lon)
    slow = by_store * rng.normal(size=stores)[store]
    seconds = np.maximum(1200 + per_km * km + slow, 60) * rng.lognormal(0, 0.1, orders)
    keys, ids = _names("s", np.arange(stores)), _names("o", np.arange(orders))
    return Events(
        entities={"store": {"id": _names("e", np.arange(stores)), "ts": np.full(stores, START - DAY), "key": keys,
                            "lat": lat, "lon": lon}},
        decisions={"id": ids, "ts": ts, "release": np.full(orders, b"log"), "store": keys[store],
                   "context.drop_lat": drop_lat, "context.drop_lon": drop_lon},
        outcomes={"done": {"id": _names("d", np.arange(orders)), "ts": ts + (seconds * SECOND).astype(np.int64),
                           "decision": ids, "value": seconds, "store": keys[store]}},
    )  # fmt: skip


def _names(prefix: str, numbers: np.ndarray) -> np.ndarray:
    return np.array([f"{prefix}{i}".encode() for i in numbers.tolist()])
