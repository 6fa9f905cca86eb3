"""What an evaluation found, as data: a release keeps it, `check` judges it, the report draws it."""

from __future__ import annotations

import math

import msgspec

from ..metrics.interval import Interval
from ..metrics.target import Metric


class Measure(msgspec.Struct, frozen=True):
    """A measured metric with its interval, None where undefined; n rows of so many clusters."""

    metric: Metric
    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int

    @property
    def interval(self) -> Interval:
        """The same as the metrics give it, NaN where undefined."""
        value, low, high = (math.nan if x is None else x for x in (self.value, self.low, self.high))
        return Interval(value, low, high, self.n, self.clusters)


def measure(metric: Metric, found: Interval) -> Measure:
    """An interval as a `Measure`."""
    value, low, high = (None if math.isnan(x) else float(x) for x in (found.value, found.low, found.high))
    return Measure(metric, value, low, high, found.n, found.clusters)


Measures = dict[str, Measure]
"""Measures by the text of their metric."""


class Bin(msgspec.Struct, frozen=True):
    """One tenth of the predictions: rows, mean predicted, observed."""

    n: int
    predicted: float
    observed: float


class Funnel(msgspec.Struct, frozen=True):
    """How much of what was relevant is left after a stage, and how many candidates a request has there."""

    stage: str
    candidates: float
    recall: float


class Truth(msgspec.Struct, frozen=True):
    """Mean true value of a slate's items in a world that knows it, by system; and the share of the gap closed."""

    value: dict[str, float]
    gap_closed: float


class Level(msgspec.Struct, frozen=True):
    """The share of rows that were at most a quantile, with its interval: `level` where it holds."""

    level: float
    below: float
    low: float | None
    high: float | None


class Cell(msgspec.Struct, frozen=True):
    """One square of a map, by its row from the north and column from the west: rows, the mean of estimated less
    actual minutes, and half the width of its 95 % interval (None of a single row)."""

    row: int
    column: int
    n: int
    error: float
    half: float | None


class Map(msgspec.Struct, frozen=True):
    """The squares of `features.tiles` at one level, by a place; so many rows lie elsewhere, or nowhere."""

    place: str
    level: int
    cells: list[Cell]
    elsewhere: int


class Tenth(msgspec.Struct, frozen=True):
    """One tenth of the rows by what they took, means in minutes: took, the estimate (a median), the share of all absolute
    error that it holds, how late were the estimate promised, and how late and early as was promised."""

    n: int
    took: float
    estimated: float
    error_share: float
    late: float
    promised_late: float
    promised_early: float


class Told(msgspec.Struct, frozen=True):
    """One quantile, were it told as the estimate: the means, in minutes, of its absolute error, of that in the tenth of the
    rows that took longest, and of what it is above."""

    level: float
    error: float
    tail_error: float
    bias: float


class Cost(msgspec.Struct, frozen=True):
    """Promises where a late minute costs `ratio` early ones: what the distributions expect to pay and what was paid, a
    row, in early minutes; the shares late at all and by more than 10 minutes; the mean promise; `own` the design's."""

    ratio: float
    expected: float
    realised: float
    late: float
    very_late: float
    promised: float
    own: bool


class Picture(msgspec.Struct, frozen=True):
    """What is drawn of estimates (`evaluation.picture`)."""

    levels: list[Level]
    tail: list[Tenth]
    costs: list[Cost]
    map: Map | None = None
    told: list[Told] = []


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured on the test part of a log.

    chosen: the system that is released. systems: measures by system, over impressions and over slates. ahead: the paired
    difference chosen - system of `yardstick` over slates; ahead_shown: that of AUC over impressions, ahead_explored: over
    those left to chance (`explored`). slices: by slice and its value, of the chosen system. cold: measures of the systems for
    members without history. baseline: the simplest system, which a first release has to beat. notes: what could not be
    measured, and why; leaks: columns that know the label, each in a sentence. picture: of estimates.
    """

    chosen: str
    systems: dict[str, Measures]
    yardstick: str
    ahead: dict[str, Measure]
    slices: dict[str, dict[str, Measures]]
    cold: dict[str, Measures]
    bins: dict[str, list[Bin]]
    funnel: list[Funnel]
    importance: dict[str, float]
    counts: dict[str, int]
    notes: list[str]
    seconds: dict[str, float]
    ahead_shown: dict[str, Measure] = {}
    ahead_explored: dict[str, Measure] = {}
    leaks: list[str] = []
    baseline: str = "popularity"
    truth: Truth | None = None
    picture: Picture | None = None

    def find(self, metric: Metric) -> Measure | None:
        """The chosen system's measure of a metric, None where it was not measured."""
        return self.systems[self.chosen].get(str(metric))
