"""How estimates fare in the week after a shock, as trained and as steered by outcomes: `python benchmarks/shocks.py`.

    python benchmarks/shocks.py [--seeds 0 3 4] [--only storm ...] [--retrain] [--json FILE]

Each shock of the delivery world, and none: the shipped design learns from the days before, and the seven days from the day of the
shock on are judged: what the 90 % interval covers, of all and of the lowest slice of the design that has enough rows to tell; how
far the median and the promises are from those of the true distribution. The table has the means over worlds of several seeds, and
the lowest slice of any. With --retrain the model is trained again each midnight on all that is known by then, while the steering
goes on. How outcomes steer was chosen in the worlds of seeds 1 and 2.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from sixfold.design import Design
from sixfold.estimate import Estimated, Estimator, estimated
from sixfold.estimation import law
from sixfold.estimation.adaptive import Adaptive
from sixfold.evaluation.estimates import slice_of
from sixfold.evaluation.steering import as_served
from sixfold.events.schema import Events
from sixfold.metrics.promise import promise_cost
from sixfold.systems import delivery
from sixfold.training import estimates
from sixfold.training.cache import Cache
from sixfold.training.estimates import Timed
from sixfold.training.material import Material, prepare
from sixfold.training.run import Stages
from sixfold.types import DAY, Cuts
from sixfold.worlds.delivery import DeliveryWorld
from sixfold.worlds.delivery_calendar import Shocks

SHOCKS = ("none", *Shocks.__struct_fields__)
BEFORE, AFTER, CALIBRATING = 13, 7, 2
"""Days before a shock, days that are judged, and days of those before by which quantiles are made to cover."""
WAYS = {"": None, "steered": Adaptive(), "by store": Adaptive(by="store")}
"""How outcomes steer: not at all, all orders together, and each store for itself before."""
LEAST = 200
"""Rows that a slice must have to be the lowest: the standard error of 85 % of as many is 2.5 %."""


class Line(msgspec.Struct, frozen=True):
    """How one way of serving did after one shock, in one world or in the mean of several.

    covered, lowest: shares in the 90 % interval, of all and of the slice named `where` that has `rows`; thin: of the lowest of
    those with fewer than LEAST rows, None where there is none; first_day: on the day of the shock. width, mae, cost: minutes;
    mae_best and cost_best are those of the true distribution.
    """

    seed: int
    shock: str
    served: str
    covered: float
    first_day: float
    lowest: float
    where: str
    rows: int
    thin: float | None
    width: float
    mae: float
    mae_best: float
    cost: float
    cost_best: float

    def row(self) -> str:
        ratio = f"{self.mae:7.2f} {self.mae / self.mae_best:6.3f} {self.cost:7.2f} {self.cost / self.cost_best:6.3f}"
        lowest = f"{self.lowest:7.1%}  {self.where} ({self.rows:,} rows)"
        return f"{self.shock:14} {self.served:27} {self.covered:7.1%} {self.first_day:7.1%} {self.width:6.1f} {ratio} {lowest}"


def together(lines: Sequence[Line]) -> Line:
    """The mean of several worlds, with the lowest slice of any."""
    worst = min(lines, key=lambda one: one.lowest)
    means = {
        name: float(np.mean([getattr(one, name) for one in lines]))
        for name in ("covered", "first_day", "width", "mae", "mae_best", "cost", "cost_best")
    }
    return structs.replace(worst, **means)


HEAD = (
    f"{'shock':14} {'served':27} {'covered':>7} {'day one':>7} {'width':>6} {'MAE':>7} {'/best':>6} {'cost':>7} {'/best':>6} "
    f"{'lowest':>7}  slice"
)


@dataclass(frozen=True)
class Week:
    """The days after a shock: the rows that are judged, their slices (n,) by path, and the quantiles (n, q) of the truth."""

    seed: int
    shock: str
    material: Material
    test: Timed
    slices: dict[str, NDArray[np.str_]]
    levels: NDArray[np.float64]
    truth: NDArray[np.float64]

    def known(self) -> Estimated:
        """What somebody would tell who knew the true distribution."""
        promised = self.material.design.estimate.promise.of(self.levels, self.truth)
        found = self.truth.astype(np.float32)
        return Estimated(self.test.table, found[:, None], found, np.zeros(len(found), np.float32), promised)

    def line(self, served: str, given: Estimated) -> Line:
        took, told = self.test.label.astype(np.float64), self.material.design.estimate.promise
        inside = (given.quantiles[:, 0] <= took) & (took <= given.quantiles[:, -1])
        day = (self.test.frame.ts - self.material.cuts.third) // DAY
        parts = [
            (float(inside[values == value].mean()), f"{path} {value}", int((values == value).sum()))
            for path, values in self.slices.items()
            for value in np.unique(values).tolist()
        ]
        lowest, where, rows = min(part for part in parts if part[2] >= LEAST)
        thin = min((part[0] for part in parts if part[2] < LEAST), default=None)

        def off(quantiles: NDArray[np.floating]) -> float:
            median = law.at(self.levels, quantiles.astype(np.float64), np.array([0.5]))[:, 0]
            return float(np.abs(median - took).mean() / 60)

        def cost(promised_s: NDArray[np.float64]) -> float:
            return float(promise_cost(took / 60, promised_s / 60, late=told.late_per_min, early=told.early_per_min))

        return Line(
            self.seed, self.shock, served, float(inside.mean()), float(inside[day == 0].mean()), lowest, where, rows, thin,
            float(np.diff(given.quantiles[:, [0, -1]]).mean() / 60),
            off(given.quantiles), off(self.truth), cost(given.promised_s), cost(told.of(self.levels, self.truth)),
        )  # fmt: skip


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def cuts(world: DeliveryWorld, until: int) -> Cuts:
    """Time cut so that what is learned and made to cover ends with `until` days of the world."""
    at = world.start + DAY * np.array([0, until - CALIBRATING - 2, until - CALIBRATING, until, world.days])
    return Cuts(*at.tolist(), int(at[-1]))


def trained(material: Material) -> Estimator:
    """The design's estimator on what lies before the test of a log that is ready for it."""
    return estimates.fit(
        material, estimates.spans(material, Cache(), Stages()), material.design.learning.estimator, Stages()
    )


def again_each_day(
    design: Design, world: DeliveryWorld, events: list[Events], first: Estimated, test: Timed
) -> Estimated:
    """What models would say that are trained each midnight of the week; `first` of the day that the first one serves."""
    out = {name: getattr(first, name).copy() for name in ("legs", "quantiles", "mean", "promised_s")}
    for day in range(BEFORE + 1, BEFORE + AFTER):
        say(f"  trained again after {day - BEFORE} of {AFTER - 1} days")
        model = trained(prepare(design, events, cuts=cuts(world, day)))
        material = prepare(design, events, cuts=cuts(world, day), features=model.features)
        rows = np.flatnonzero((test.frame.ts - world.start) // DAY == day)
        frame = estimates.frame_of(material, test.decision[rows])
        found = estimated(model, model.features.matrix(material.known, frame))
        for name, column in out.items():
            column[rows] = getattr(found, name)
    return Estimated(first.table, out["legs"], out["quantiles"], out["mean"], out["promised_s"])


def weeks(design: Design, seed: int, names: list[str], orders: float, *, again: bool) -> Iterator[Line]:
    """The lines of every shock, one way of serving after the other."""
    model: Estimator | None = None
    for name in names:
        shock = Shocks(**({} if name == "none" else {name: BEFORE}))
        world = DeliveryWorld(days=BEFORE + AFTER, orders_per_day=orders, seed=seed, shocks=shock)
        say(f"seed {seed}, {name}: the world")
        events = list(world.events())
        material = prepare(design, events, cuts=cuts(world, BEFORE), features=model.features if model else None)
        if model is None:
            # Until its day a shock changes nothing, so one model serves all weeks.
            say(f"seed {seed}: training on the days before")
            model = trained(material)
        test = estimates.rows(material, material.cuts.third, material.cuts.end)
        truth, _ = world.truth().estimates(test.decision, model.levels)
        slices = {path: slice_of(path, material, test) for path in design.metrics.slices}
        known = {path: values for path, values in slices.items() if values is not None}
        week = Week(seed, name, material, test, known, model.levels, truth)
        given = {"as trained": estimated(model, test.table)}
        if again:
            given["trained each day"] = again_each_day(design, world, events, given["as trained"], test)
        for served, found in given.items():
            for how, by in WAYS.items():
                steering = structs.replace(design, learning=structs.replace(design.learning, adaptive=by))
                judged = as_served(material, test, replace(model, design=steering), found)
                yield week.line(", ".join(part for part in (served, how) if part), judged)
        yield week.line("by the truth", week.known())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 3, 4])
    parser.add_argument("--only", choices=SHOCKS, nargs="+", default=list(SHOCKS))
    parser.add_argument("--orders", type=float, default=2000.0, help="a day; 2000 unless told")
    parser.add_argument("--retrain", action="store_true", help="also trained each midnight: six times as long")
    parser.add_argument("--json", type=Path, help="where the lines of each world are written")
    asked = parser.parse_args()
    began = time.perf_counter()
    found: dict[tuple[str, str], list[Line]] = {}
    for seed in asked.seeds:
        for line in weeks(delivery.design, seed, asked.only, asked.orders, again=asked.retrain):
            say(f"seed {seed}, {line.row()}")
            found.setdefault((line.shock, line.served), []).append(line)
    days = (
        f"{BEFORE} days before, {AFTER} judged; {asked.orders:g} orders a day, seeds {' '.join(map(str, asked.seeds))}"
    )
    print(f"{days}; MAE and cost are minutes, /best times those of the truth\n\n{HEAD}")
    for lines in found.values():
        print(together(lines).row())
    print(f"({time.perf_counter() - began:.0f} s)")
    if asked.json is not None:
        every = [line for lines in found.values() for line in lines]
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(every), indent=2))


if __name__ == "__main__":
    main()
