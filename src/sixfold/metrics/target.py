"""What a design wants of a metric, and the verdict.

`ndcg(at=10) >= 0.30` is a `Target`; held against an `Interval` it gives a `Verdict`. All of it is
data that survives JSON. The metrics a design can name are in `spec`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, TypeAlias

import msgspec

from ..errors import DesignError
from .interval import Interval

Name: TypeAlias = Literal[
    "log_loss", "normalised_entropy", "brier", "auc", "grouped_auc", "average_precision", "calibration",
    "rmse", "mae", "mape", "bias", "over_estimate", "covered", "width", "crps", "late_share", "promise_cost",
    "ndcg", "recall", "precision", "hit_rate", "map", "mrr",
    "novelty", "new_share", "coverage", "positive_rate", "rate", "mean",
]  # fmt: skip
OfService: TypeAlias = Literal["p99_ms", "availability", "requests_per_s", "fresh_ms"]
"""What only load on a running service can measure; a design states it as a requirement."""
Over: TypeAlias = Literal["impressions", "slate", "estimate", "service"]
Gain: TypeAlias = Literal["linear", "exponential"]
Divisor: TypeAlias = Literal["relevant", "reachable"]
Status: TypeAlias = Literal["met", "short", "not measured", "not applicable"]

ABOUT = 0.10
"""How far, relative to the value, a measurement may be off a target that says `about`."""

_WRITTEN = {
    "ndcg": "nDCG",
    "auc": "AUC",
    "grouped_auc": "grouped AUC",
    "map": "MAP",
    "mrr": "MRR",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "brier": "Brier score",
    "crps": "CRPS",
    "covered": "share covered",
    "over_estimate": "over-estimate",
    "promise_cost": "cost of promises",
    "new_share": "share of new",
}


class Metric(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is measured. `over` says on what rows: shown and logged impressions, the slate against what
    happens next, estimates, or requests to a running service.

    at: how many places count, of late_share how many minutes. of: the entity type, outcome or value it is about; for
    grouped_auc, whose items are compared. The last three belong to ndcg, map and new_share.
    """

    name: Name | OfService
    over: Over
    at: Annotated[int, msgspec.Meta(ge=1)] | None = None
    of: str | None = None
    gain: Gain = "linear"
    divisor: Divisor = "relevant"
    younger_than: str | None = None

    def __ge__(self, value: float) -> Target:
        return Target(self, ">=", value)

    def __le__(self, value: float) -> Target:
        return Target(self, "<=", value)

    def about(self, value: float) -> Target:
        """Within 10 % of the value. Not spelled ==, which has to keep meaning that two metrics are equal."""
        return Target(self, "about", value)

    def within(self, low: float, high: float) -> Target:
        return Target(self, "within", low, high)

    def __str__(self) -> str:
        text = _WRITTEN.get(self.name, self.name.replace("_", " "))
        if self.name == "late_share":
            return f"late by more than {self.at} min"
        if self.at:
            text += f"@{self.at}"
        if self.of:
            text += f" by {self.of}" if self.name == "grouped_auc" else f" of {self.of}"
        if self.younger_than:
            text += f" (younger than {self.younger_than})"
        if self.gain == "exponential":
            text += " (exponential gain)"
        if self.divisor == "reachable":
            text += " (of reachable)"
        if self.at and self.over == "impressions":
            text += " over impressions"
        return text


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a metric has to reach. DesignError where the numbers make no target.

    >>> auc = Metric("auc", "impressions")
    >>> str(auc >= 0.75), str(auc.within(0.7, 0.8)), str(auc.about(0.8))
    ('AUC >= 0.75', 'AUC within 0.70 to 0.80', 'AUC about 0.80')
    """

    metric: Metric
    op: Literal[">=", "<=", "about", "within"]
    value: float
    high: float | None = None

    def __post_init__(self) -> None:
        bounds = [self.value] if self.high is None else [self.value, self.high]
        if not all(map(math.isfinite, bounds)):
            raise DesignError(f"target of {self.metric} is {bounds}; expected finite numbers")
        if (self.op == "within") != (len(bounds) == 2) or bounds != sorted(bounds):
            raise DesignError(f"target of {self.metric} is {self.op} {bounds}; only within takes two, the lower first")
        if self.op == "about" and not self.value:
            raise DesignError(f"target of {self.metric} is about 0, of which 10 % is 0; write within(low, high)")

    def __bool__(self) -> bool:
        # 0.97 <= metric <= 1.03 asks for this truth, and would silently drop its first half.
        raise TypeError(f"the target {self} is neither true nor false; for two bounds write .within(low, high)")

    def __str__(self) -> str:
        upper = "" if self.high is None else f" to {_number(self.high)}"
        return f"{self.metric} {self.op} {_number(self.value)}{upper}"

    def judge(self, interval: Interval | None) -> Verdict:
        """Met where the measured value itself meets the target, whatever its interval says: see `Verdict.sure`."""
        if interval is None or math.isnan(interval.value):
            return self.not_measured("no measurement" if interval is None else "undefined on these rows")
        low, high = self._bounds()
        met = low <= interval.value <= high
        inside = low <= interval.low and interval.high <= high
        outside = interval.high < low or interval.low > high
        return Verdict(
            self,
            "met" if met else "short",
            measured=interval.value,
            low=_known(interval.low),
            high=_known(interval.high),
            sure=inside if met else outside,
        )

    def not_measured(self, note: str) -> Verdict:
        """The verdict where nothing was measured; the note says what would measure it."""
        return Verdict(self, "not measured", note=note)

    def not_applicable(self, note: str) -> Verdict:
        """The verdict where the metric has no meaning on this data; the note says why."""
        return Verdict(self, "not applicable", note=note)

    def _bounds(self) -> tuple[float, float]:
        match self.op:
            case ">=":
                return self.value, math.inf
            case "<=":
                return -math.inf, self.value
            case "about":
                slack = ABOUT * abs(self.value)
                return self.value - slack, self.value + slack
            case "within":
                return self.value, math.inf if self.high is None else self.high


class Verdict(msgspec.Struct, frozen=True):
    """A target held against a measurement.

    status goes by the measured value alone; sure says that the whole interval agrees with it, so that
    another sample of the same size would hardly turn it. measured, low and high are None where not known.
    """

    target: Target
    status: Status
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    sure: bool = False
    note: str = ""


def _number(value: float) -> str:
    """At least two decimals, at most six digits: 0.30, 0.005, 100.00."""
    return f"{value:.2f}" if value == round(value, 2) else f"{value:.6g}"


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
