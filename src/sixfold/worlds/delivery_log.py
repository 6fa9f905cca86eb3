"""The events that orders leave in a log: one decision each, and an outcome for each status as it becomes known."""

from __future__ import annotations

import numpy as np

from ..events.schema import take
from ..types import SECOND, Table
from .delivery_calendar import Calendar
from .delivery_city import degrees
from .delivery_orders import Placed
from .delivery_stores import Stores
from .delivery_sweep import CANCELLED, Done, ends
from .video_population import names


def decisions(placed: Placed, done: Done, calendar: Calendar, first: int) -> Table:
    """The orders as decisions, numbered from `first`; their context is what was known when they were placed."""
    number = first + np.arange(len(placed))
    lat, lon = degrees(placed.drop)
    return {
        "id": names(b"d", number),
        "ts": placed.ts,
        "release": np.full(len(placed), b"logging"),
        "order": names(b"o", number),
        "store": names(b"s", placed.store),
        "context.drop_lat": lat,
        "context.drop_lon": lon,
        "context.items": placed.items,
        "context.subtotal": placed.subtotal,
        "context.rain": calendar.rain[placed.hour],
        "context.couriers_free": done.free.astype(np.float64),
        "context.driving_s": placed.driving_s,
    }


def outcomes(placed: Placed, done: Done, first: int) -> dict[str, Table]:
    """What became known of orders numbered from `first`: a table for each name, not yet ordered.

    Values are seconds: of `arrived` and `dropoff` those of the leg, of all others those since placement. `dropoff` becomes known
    with `delivered`. Nothing is told of an order after it was cancelled or lost.
    """
    end = ends(placed.ts, done.seconds)
    since = np.cumsum(done.seconds, axis=1)
    told = end < done.until[:, None]
    values = {
        "accepted": (0, since[:, 0]),
        "ready": (1, since[:, 1]),
        "picked_up": (2, since[:, 2]),
        "arrived": (3, done.seconds[:, 3]),
        "delivered": (4, since[:, 4]),
        "dropoff": (4, done.seconds[:, 4]),
    }
    number = first + np.arange(len(placed))
    out = {}
    for name, (stage, value) in values.items():
        out[name] = take(_table(name, number, placed, value), told[:, stage])
        out[name]["ts"] = end[told[:, stage], stage]
    gone = done.fate == CANCELLED
    out["cancelled"] = take(_table("cancelled", number, placed, (done.until - placed.ts) / SECOND), gone)
    out["cancelled"]["ts"] = done.until[gone]
    return out


def _table(name: str, number: np.ndarray, placed: Placed, value: np.ndarray) -> Table:
    return {
        "id": names(name.encode(), number),
        "ts": placed.ts,
        "decision": names(b"d", number),
        "value": value,
        "order": names(b"o", number),
        "store": names(b"s", placed.store),
    }


def stores_known(stores: Stores, first: int, stop: int) -> Table:
    """The stores that opened with first <= ts < stop."""
    return stores.entities(np.flatnonzero((first <= stores.opened) & (stores.opened < stop)))
