"""The table of an evaluation of estimates: the design's estimator beside a mean for all, a mean by key and a straight line.

All numbers are minutes. The mean is judged by RMSE and bias, the median by MAE and MAPE, the distribution by coverage, width
and CRPS, the promise by its cost and by how many are late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..estimate import Estimated, Estimator, estimated
from ..estimation import Estimator as Spec
from ..estimation import law
from ..estimation.baselines import ByKey, LinearQuantiles, Overall
from ..estimation.quantiles import FittedQuantiles
from ..events.hashing import Hashes
from ..features.indexed import Frame
from ..metrics import distribution, promise, regression
from ..metrics.interval import Interval, interval, paired, sliced
from ..metrics.kernel import Statistic
from ..metrics.spec import bias, covered, crps, late_share, mae, mape, over_estimate, promise_cost, rmse, width
from ..metrics.target import Metric
from ..training.estimates import Spans, Timed, fit
from ..training.material import Material
from ..training.run import Stages
from ..types import Floats, Rows
from .evaluate import Row
from .picture import picture, place_of
from .results import Bin, Evaluation, Measures, Picture, measure
from .steering import as_served

OVERALL = "mean of all"
LINEAR = "linear"
TRUTH = "the truth"
UNSTEERED = "not steered"
STANDARD = (
    rmse(), mae(), mape(), bias(), over_estimate(), covered(), width(), crps(),
    late_share(by_min=5), late_share(by_min=10), promise_cost(),
)  # fmt: skip
_OF_MEAN = {"rmse": regression.rmse, "bias": regression.bias, "over_estimate": regression.over}
_OF_MEDIAN = {"mae": regression.mae, "mape": regression.mape}


@runtime_checkable
class Oracle(Protocol):
    """A world that knows how long each of its decisions takes, as a distribution."""

    def estimates(
        self, decisions: Hashes, levels: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Quantiles (n, q) and the mean (n,), seconds, of decisions by the hashes of their ids (n,)."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Estimates of the same rows, judged: what each took, minutes (n,), and who is drawn together in the bootstrap (n,)."""

    design: Design
    minutes: Floats
    cluster: Rows
    seed: int

    def measures(self, given: Estimated, levels: NDArray[np.float64]) -> Measures:
        """Every standard metric with its interval."""
        out: Measures = {}
        for metric in STANDARD:
            found = interval(self.statistic(metric, given, levels), cluster=self.cluster, rng=self._rng())
            out[str(metric)] = measure(metric, found)
        return out

    def ahead(self, ours: Estimated, theirs: Estimated, levels: NDArray[np.float64]) -> Interval:
        """How much smaller our MAE is than theirs, paired: above 0 we are better."""
        both = (self.statistic(mae(), given, levels) for given in (theirs, ours))
        return paired(*both, cluster=self.cluster, rng=self._rng())

    def by_slice(self, given: Estimated, levels: NDArray[np.float64], values: NDArray[np.str_]) -> dict[str, Measures]:
        """MAE, bias, coverage and lateness within each value of a slice."""
        out: dict[str, Measures] = {}
        for metric in (mae(), bias(), covered(), late_share(by_min=10)):

            def of(rows: NDArray[np.intp], metric: Metric = metric) -> Statistic:
                return self.statistic(metric, given, levels, rows)

            for value, found in sliced(of, values, cluster=self.cluster, rng=self._rng(), replicates=100).items():
                out.setdefault(str(value), {})[str(metric)] = measure(metric, found)
        return out

    def statistic(
        self,
        metric: Metric,
        given: Estimated,
        levels: NDArray[np.float64],
        rows: NDArray[np.intp] | slice = slice(None),
    ) -> Statistic:
        """The kernel of a metric over some rows."""
        took, quantiles = self.minutes[rows], given.quantiles[rows].astype(np.float64) / 60
        told = self.design.estimate.promise
        match metric.name:
            case name if name in _OF_MEAN:
                return _OF_MEAN[name].of(took, given.mean[rows] / 60)
            case name if name in _OF_MEDIAN:
                return _OF_MEDIAN[name].of(took, law.at(levels, quantiles, np.array([0.5]))[:, 0])
            case "covered":
                return distribution.coverage.of(took, quantiles[:, 0], quantiles[:, -1])
            case "width":
                return distribution.width.of(quantiles[:, 0], quantiles[:, -1])
            case "crps":
                return distribution.crps.of(took, quantiles, levels=levels)
            case "late_share":
                return promise.late_share.of(took, given.promised_s[rows] / 60, by=metric.at or 0)
            case _:
                return promise.promise_cost.of(
                    took, given.promised_s[rows] / 60, late=told.late_per_min, early=told.early_per_min
                )

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)


@dataclass(frozen=True, slots=True)
class Contest:
    """Systems entered one by one on the test rows, so that their lines show as they finish."""

    material: Material
    made: Spans
    judge: Judge
    systems: dict[str, Measures]
    given: dict[str, Estimated]
    row: Row

    def enter(self, name: str, model: Estimator, table: Floats | None = None) -> None:
        """Judge an estimator on the test part, by its own table (the design's where none is given); no outcome steers it."""
        self._enter(name, estimated(model, self.made.test.table if table is None else table), model.levels)

    def enter_served(
        self, name: str, model: Estimator, table: Floats | None = None, frame: Frame | None = None
    ) -> None:
        """Judge an estimator as it is served, by its own table and frame (the design's where none are given): steered by
        outcomes where its design says so, and then beside itself without."""
        found = estimated(model, self.made.test.table if table is None else table)
        if model.design.learning.adaptive is not None:
            self._enter(f"{name}, {UNSTEERED}", found, model.levels)
        self._enter(name, as_served(self.material, self.made.test, model, found, frame), model.levels)

    def _enter(self, name: str, given: Estimated, levels: NDArray[np.float64]) -> None:
        self.given[name] = given
        self.systems[name] = self.judge.measures(given, levels)
        self.row(name, self.systems[name])

    def enter_truth(self, world: Oracle) -> None:
        """What a world knows of each decision: no estimator can do better, but by luck."""
        levels = np.asarray(self.material.design.learning.estimator.levels, np.float64)
        quantiles, mean = world.estimates(self.made.test.decision, levels)
        promised = self.material.design.estimate.promise.of(levels, quantiles)
        nothing = np.empty((len(mean), 0), np.float32)
        given = Estimated(
            nothing,
            quantiles[:, None].astype(np.float32),
            quantiles.astype(np.float32),
            mean.astype(np.float32),
            promised,
        )
        self._enter(TRUTH, given, levels)

    def enter_baselines(self, stages: Stages) -> None:
        """A mean for all, a mean for each key, and a straight line: what an estimator has to beat."""
        levels = self.material.design.learning.estimator.levels
        self.enter(OVERALL, self._fit(self.made, Overall(levels=levels), stages))
        for key in self.made.test.frame.keys:
            # A key is no column of the design: it stands last in a table of this baseline's own.
            keyed = Spans(
                *(_keyed(timed, key) for timed in (self.made.training, self.made.calibrating, self.made.test))
            )
            model = self._fit(keyed, ByKey(key, levels=levels), stages, extra=key)
            self.enter(f"mean by {key}", model, keyed.test.table)
        self.enter(LINEAR, self._fit(self.made, LinearQuantiles(levels=levels), stages))

    def _fit(self, made: Spans, spec: Spec, stages: Stages, extra: str = "") -> Estimator:
        return fit(self.material, made, spec, stages, whole=True, columns=(*self.material.features.columns, extra))

    def finish(self, chosen: str, model: Estimator, stages: Stages) -> Evaluation:
        """The evaluation, with the system that is released."""
        ours, levels = self.given[chosen], model.levels
        ahead = {
            name: measure(mae(), self.judge.ahead(ours, theirs, levels))
            for name, theirs in self.given.items()
            if name != chosen
        }
        slices = {
            path: self.judge.by_slice(ours, levels, values)
            for path in self.material.design.metrics.slices
            if (values := slice_of(path, self.material, self.made.test)) is not None
        }
        return Evaluation(
            chosen=chosen, systems=self.systems, yardstick=str(mae()), baseline=OVERALL, ahead=ahead, slices=slices, cold={},
            bins={"minutes": self._tenths(ours)}, funnel=[], importance=_importance(model), counts=self._counts(),
            notes=self._notes(), seconds=dict(stages.seconds), picture=self._picture(ours, levels),
        )  # fmt: skip

    def _tenths(self, given: Estimated) -> list[Bin]:
        order = np.argsort(given.mean, kind="stable")
        parts = [part for part in np.array_split(order, 10) if len(part)]
        return [
            Bin(len(part), float(given.mean[part].mean()) / 60, float(self.judge.minutes[part].mean()))
            for part in parts
        ]

    def _picture(self, given: Estimated, levels: NDArray[np.float64]) -> Picture:
        return picture(
            given, self.judge.minutes, levels, self.material.design.estimate.promise, cluster=self.judge.cluster,
            where=place_of(self.material, self.made.test.frame), rng=np.random.default_rng(self.judge.seed),
        )  # fmt: skip

    def _counts(self) -> dict[str, int]:
        made = self.made
        return {
            "decisions": len(self.material.log.decisions["ts"]),
            "training rows": len(made.training),
            "calibration rows": len(made.calibrating),
            "test rows": len(made.test),
            **{f"test rows left out as {why}": count for why, count in made.test.lost.items() if count},
        }

    def _notes(self) -> list[str]:
        skipped = [
            path
            for path in self.material.design.metrics.slices
            if slice_of(path, self.material, self.made.test) is None
        ]
        notes = ["errors are minutes; MAPE favours estimates that are too short, so choose by another metric"]
        if self.material.design.learning.adaptive is not None:
            notes.append(
                "outcomes steer what is told as they are settled, from none at the start of the test; baselines are not "
                f"steered, and the line '{UNSTEERED}' is the released system without"
            )
        return notes + [
            f"slice {path} was left out: it is neither hour nor a column of the features" for path in skipped
        ]


def contest(material: Material, made: Spans, row: Row = lambda name, measures: None) -> Contest:
    """An empty contest on the test part."""
    return Contest(material, made, judge_of(material.design, made.test), {}, {}, row)


def judge_of(design: Design, timed: Timed) -> Judge:
    """Who judges these rows: all of one key are drawn together, the first that decisions carry."""
    keys = timed.frame.keys
    cluster = next(iter(keys.values())) if keys else np.arange(len(timed), dtype=np.int32)
    return Judge(design, np.asarray(timed.label / 60, np.float32), cluster, design.learning.seed)


def slice_of(path: str, material: Material, timed: Timed) -> NDArray[np.str_] | None:
    """The value of a slice for each row: the hour in fours, or a column of the features, a number cut at its quartiles."""
    if path == "hour":
        start = material.features.clock.hour(timed.frame.ts) // 4 * 4
        return np.array([f"{one:02d} to {one + 4:02d} h" for one in start.tolist()])
    columns = material.features.columns
    if path not in columns:
        return None
    values = timed.table[:, columns.index(path)]
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= 5:
        return np.array(["unknown" if np.isnan(value) else f"{value:g}" for value in values.tolist()])
    cuts = np.nanquantile(values, [0.25, 0.5, 0.75])
    names = np.array(["1st quarter", "2nd quarter", "3rd quarter", "4th quarter", "unknown"])
    at = np.where(np.isnan(values), 4, np.searchsorted(cuts, values))
    return names[at]


def _keyed(timed: Timed, key: str) -> Timed:
    table = np.concatenate([timed.table, timed.frame.keys[key][:, None].astype(np.float32)], axis=1)
    return Timed(timed.decision, timed.frame, table, timed.seconds, timed.lost)


def _importance(model: Estimator) -> dict[str, float]:
    fitted = [leg for leg in model.legs.values() if isinstance(leg, FittedQuantiles)]
    if not fitted:
        return {}
    shares = np.mean([leg.importance for leg in fitted], axis=0)
    return dict(sorted(zip(model.columns, shares.tolist(), strict=True), key=lambda pair: -pair[1]))
