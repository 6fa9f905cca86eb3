"""An estimate from end to end: features -> legs -> the whole, made to cover -> a promise. Evaluation and serving both run it.

It takes one ask or many at once, as rows of a frame, and looks at the world through a source of features: the online state or
the log in bulk, as slates do (`pipeline`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .estimation import FittedEstimator, law
from .estimation.conformal import FittedConformal
from .estimation.legs import FittedLegs
from .estimation.quantiles import FittedQuantiles
from .features.indexed import Frame
from .features.table import Fitted, Source
from .types import Floats


@dataclass(frozen=True, slots=True)
class Estimator:
    """Everything that was learned of how long things take: what a release of an estimate holds.

    legs: an estimator for each leg by the name of its outcome, in the order in which legs come; the label's alone where the
    design has none. joint: how legs go together. coverage: what makes the whole cover. bias_s (): seconds that the mean lacked on
    rows it had not seen.
    """

    design: Design
    features: Fitted
    legs: Mapping[str, FittedEstimator]
    joint: FittedLegs
    coverage: FittedConformal
    bias_s: NDArray[np.float64]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the estimators see."""
        return self.features.columns

    @property
    def levels(self) -> NDArray[np.float64]:
        """The levels (q,) of all quantiles."""
        return self.coverage.levels


@dataclass(frozen=True, slots=True)
class Estimated:
    """Estimates of n rows: their table (n, columns), quantiles by leg (n, k, q) and of the whole (n, q), the mean (n,), and what
    is promised (n,); seconds."""

    table: Floats
    legs: Floats
    quantiles: Floats
    mean: Floats
    promised_s: NDArray[np.float64]


def estimate(model: Estimator, known: Source, frame: Frame) -> Estimated:
    """The estimate of each row of a frame, as of its ts."""
    return estimated(model, model.features.matrix(known, frame))


def estimated(model: Estimator, table: Floats) -> Estimated:
    """The estimate of each row of a table (n, columns)."""
    legs = np.stack([leg.quantiles(table) for leg in model.legs.values()], axis=1)
    whole = legs[:, 0] if len(model.legs) == 1 else model.joint.total(model.levels, legs)
    quantiles = model.coverage.apply(whole)
    means = [_mean(leg, table, legs[:, place]) for place, leg in enumerate(model.legs.values())]
    mean = np.maximum(sum(means, np.zeros(1)) + model.bias_s, 0)
    promised = model.design.estimate.promise.of(model.levels, quantiles)
    return Estimated(table, legs, quantiles, mean.astype(np.float32), promised)


def _mean(leg: FittedEstimator, table: Floats, quantiles: Floats) -> Floats:
    """The mean (n,) of a leg, whose forest, where it has one, is not scored twice."""
    if isinstance(leg, FittedQuantiles):
        return law.mean(leg.levels, quantiles.astype(np.float64)).astype(np.float32)
    return leg.mean(table)
