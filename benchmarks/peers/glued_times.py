"""The stack for times that one glues in a day: pandas over the recent log, LightGBM quantiles, FastAPI.

    python -m benchmarks.peers.glued_times build FOLDER      # FOLDER has log.npz, written by benchmarks/estimates.py
    python -m benchmarks.peers.glued_times serve FOLDER --port 8018

Which gets what Sixfold's service gets, computes about the same of it as of the request, and scores seven quantiles:

- **Features**: what the request says; the store's attributes and age; hour and weekday; great-circle distance and offsets; of
  the last 30 minutes, 7 and 14 days the counts and means of each leg by store, over all, and by a cell of 0.01 degrees; orders
  open by store and over all, as those asked less those ended in the last two hours. Windows with hard ends, and no smoothing
  towards a mean. In training by running sums and `merge_asof`; in service by slices of a frame for each store and cell, held in
  memory in the order of time: a search and not a scan.
- **LightGBM**: one booster a level, 150 trees of 63 leaves as Sixfold has of depth 6, `num_threads=1` in service; sorted.
- **The endpoint** is an `async def` with a pydantic model in and out. As a plain `def`, which FastAPI runs in threads, a request
  took a third more CPU and p99 at 100 requests/s was 35 ms in place of 9: pandas holds the interpreter's lock.

What it does not do, and Sixfold does: log the answer, take events in, explain, make quantiles cover, tell legs, follow an order.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
TREES, LEAVES = 150, 63
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
SAID = ("items", "subtotal", "rain", "couriers_free", "driving_s")
OF_STORE = ("price", "capacity", "cuisine")
CELL = 0.01
MEANS = (
    ("picked_up", "store", 30 * MINUTE), ("picked_up", "store", 7 * DAY), ("delivered", "store", 7 * DAY),
    ("picked_up", "", 30 * MINUTE), ("arrived", "", 30 * MINUTE), ("delivered", "", 30 * MINUTE),
    ("dropoff", "cell", 14 * DAY), ("arrived", "cell", 14 * DAY),
)  # fmt: skip
"""What, by what, over how long."""
OPEN = (("store", ("delivered", "cancelled")), ("", ("delivered", "cancelled")), ("store", ("picked_up", "cancelled")))
OPEN_S = 2 * HOUR


class Ask(BaseModel):
    """What a client sends."""

    context: dict[str, float | str | None]
    keys: dict[str, str] = {}


class Answer(BaseModel):
    """What a client gets."""

    promise_s: float
    quantiles: dict[str, float]


@dataclass
class Log:
    """The log as frames in the order of ts (seconds): orders, and what came of them by name, each with store and cell."""

    stores: pd.DataFrame
    orders: pd.DataFrame
    became: dict[str, pd.DataFrame]
    train: np.ndarray
    test: np.ndarray
    end: float


def read(folder: Path) -> Log:
    with np.load(folder / "log.npz") as held:
        arrays = {name: held[name] for name in held.files}

    def table(name: str) -> pd.DataFrame:
        return pd.DataFrame({key.partition(":")[2]: one for key, one in arrays.items() if key.startswith(f"{name}:")})

    orders, became = table("orders"), {}
    orders["cell"] = cells(orders["drop_lat"], orders["drop_lon"])
    for name in sorted({key.partition(":")[0] for key in arrays} - {"orders", "stores", "train", "test", "end"}):
        one = table(name)
        of = orders.iloc[one["order"].to_numpy()]
        one["store"], one["cell"], one[""] = of["store"].to_numpy(), of["cell"].to_numpy(), 0
        became[name] = one.sort_values("ts", kind="stable", ignore_index=True)
    orders[""] = 0
    stores = table("stores")
    return Log(stores, orders, became, arrays["train"], arrays["test"], float(arrays["end"]))


def cells(lat: pd.Series, lon: pd.Series) -> pd.Series:
    return (np.floor(lat / CELL) * 100_000 + np.floor(lon / CELL)).fillna(-1).astype(np.int64)


def columns(log: Log) -> pd.DataFrame:
    """The features of every order, as of just before it."""
    orders = log.orders
    store = log.stores.iloc[orders["store"].to_numpy()].reset_index(drop=True)
    out = orders[list(SAID)].copy()
    for name in OF_STORE:
        out[name] = store[name]
    out["age"], out["hour"] = orders["ts"] - store["opened"], orders["ts"] / HOUR % 24
    out["weekday"] = np.floor(orders["ts"] / DAY) % 7
    out["north"], out["east"] = orders["drop_lat"] - store["lat"], orders["drop_lon"] - store["lon"]
    out["km"] = kilometres(store["lat"], store["lon"], orders["drop_lat"], orders["drop_lon"])
    for name, by, window in MEANS:
        count, total = in_window(log.became[name], orders, by, window)
        out[f"{name} by {by} {window:g} n"], out[f"{name} by {by} {window:g}"] = count, total / np.maximum(count, 1)
    for by, ends in OPEN:
        asked = in_window(orders.assign(value=1.0), orders, by, OPEN_S)[0]
        ended = sum(in_window(log.became[name], orders, by, OPEN_S)[0] for name in ends)
        out[f"open by {by} until {ends[0]}"] = asked - ended
    return out


def in_window(events: pd.DataFrame, at: pd.DataFrame, by: str, window: float) -> tuple[np.ndarray, np.ndarray]:
    """How many events, and their values' sum, each row of `at` has in the window that ends just before it."""
    held = events[["ts", by, "value"]].copy()
    grouped = held.groupby(by)["value"]
    held["sum"], held["n"] = grouped.cumsum(), grouped.cumcount() + 1
    sums = []
    for shift in (0.0, window):
        asked = pd.DataFrame({"ts": at["ts"] - shift, by: at[by]})
        found = pd.merge_asof(asked, held[["ts", by, "sum", "n"]], on="ts", by=by, allow_exact_matches=False)
        sums.append(found[["n", "sum"]].fillna(0).to_numpy())
    both = sums[0] - sums[1]
    return both[:, 0], both[:, 1]


def kilometres(lat: pd.Series, lon: pd.Series, to_lat: pd.Series, to_lon: pd.Series) -> np.ndarray:
    a, b = np.radians(lat), np.radians(to_lat)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(np.radians(to_lon - lon) / 2) ** 2
    return np.asarray(12_742 * np.arcsin(np.sqrt(half)))


def build(folder: Path) -> None:
    """Seven boosters, and what their median is worth on the rows that Sixfold is judged on."""
    began, log = time.monotonic(), read(folder)
    table = columns(log)
    took = np.full(len(log.orders), np.nan)
    ended = log.became["delivered"]
    took[ended["order"].to_numpy()] = ended["value"].to_numpy()
    train, test = log.train, log.test
    told = []
    for level in LEVELS:
        settings = {
            "objective": "quantile", "alpha": level, "num_leaves": LEAVES, "learning_rate": 0.1, "num_threads": 2,
            "seed": 0, "verbose": -1,
        }  # fmt: skip
        booster = lightgbm.train(settings, lightgbm.Dataset(table.iloc[train], took[train]), TREES)
        booster.save_model(folder / f"{level:g}.txt")
        told.append(booster.predict(table.iloc[test]))
    quantiles = np.sort(np.array(told), axis=0)
    inside = (took[test] >= quantiles[0]) & (took[test] <= quantiles[-1])
    found = {
        "mae_s": float(np.abs(quantiles[LEVELS.index(0.5)] - took[test]).mean()),
        "covered": float(inside.mean()),
        "columns": table.shape[1],
        "build_s": time.monotonic() - began,
    }
    (folder / "glued.json").write_text(json.dumps(found))


class Recent:
    """The log as a service reads it: a frame of each store and cell and of all, with ts as its index, in order."""

    def __init__(self, log: Log) -> None:
        self.stores, self.names = log.stores, {name: row for row, name in enumerate(log.stores["name"])}
        wanted = {(name, by) for name, by, _ in MEANS} | {(name, by) for by, ends in OPEN for name in ends}
        self._frames = {one: _parts(log.became[one[0]], one[1]) for one in wanted}
        self._frames |= {("asked", by): _parts(log.orders.assign(value=1.0), by) for by, _ in OPEN}
        self._none = pd.Series([], index=pd.Index([], dtype=np.float64), dtype=np.float64)

    def window(self, name: str, by: str, value: int, now: float, window: float) -> pd.Series:
        return self._frames[name, by].get(value, self._none).loc[now - window : now]

    def columns(self, ask: Ask, now: float) -> pd.DataFrame:
        """The features (1, c) of a request, as `columns` has them."""
        said = ask.context
        row = self.names.get(ask.keys.get("store", said.get("store")))
        lat, lon = (float(said.get(f"drop_{end}") or math.nan) for end in ("lat", "lon"))
        store = self.stores.iloc[row] if row is not None else pd.Series(math.nan, index=self.stores.columns)
        known = not math.isnan(lat + lon)
        cell = int(math.floor(lat / CELL) * 100_000 + math.floor(lon / CELL)) if known else -1
        at = {"store": -1 if row is None else row, "cell": cell, "": 0}
        out: dict[str, float] = {name: said.get(name, math.nan) for name in SAID}
        out |= {name: store[name] for name in OF_STORE}
        out |= {"age": now - store["opened"], "hour": now / HOUR % 24, "weekday": now // DAY % 7}
        out |= {"north": lat - store["lat"], "east": lon - store["lon"]}
        out["km"] = float(kilometres(store["lat"], store["lon"], lat, lon))
        for name, by, window in MEANS:
            recent = self.window(name, by, at[by], now, window)
            out[f"{name} by {by} {window:g} n"] = len(recent)
            out[f"{name} by {by} {window:g}"] = recent.mean() if len(recent) else 0.0
        for by, ends in OPEN:
            asked = len(self.window("asked", by, at[by], now, OPEN_S))
            ended = sum(len(self.window(name, by, at[by], now, OPEN_S)) for name in ends)
            out[f"open by {by} until {ends[0]}"] = asked - ended
        return pd.DataFrame([out])


def _parts(events: pd.DataFrame, by: str) -> dict[int, pd.Series]:
    return {key: part.set_index("ts")["value"] for key, part in events.groupby(by)}


def app(folder: Path) -> FastAPI:
    log = read(folder)
    recent, shift = Recent(log), log.end - time.time()
    boosters = {level: lightgbm.Booster(model_file=folder / f"{level:g}.txt") for level in LEVELS}
    served = FastAPI()

    @served.get("/health/ready")
    def ready() -> dict[str, bool]:
        return {"ok": True}

    @served.post("/v1/estimate")
    async def estimate(ask: Ask) -> Answer:
        table = recent.columns(ask, time.time() + shift).to_numpy(np.float64)
        told = np.sort([booster.predict(table, num_threads=1)[0] for booster in boosters.values()])
        step = 5 * MINUTE
        promise = max(math.ceil(float(told[LEVELS.index(0.75)]) / step), 1) * step
        return Answer(promise_s=promise, quantiles=dict(zip(map(str, LEVELS), told.tolist(), strict=True)))

    return served


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "serve"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8018)
    given = parser.parse_args()
    if given.what == "build":
        build(given.folder)
    else:
        uvicorn.run(app(given.folder), port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
