"""An estimate from end to end: features -> legs -> the whole, made to cover -> a promise. Evaluation and serving both run it.

It takes one ask or many at once, as rows of a frame, and looks at the world through a source of features: the online state or
the log in bulk, as slates do (`pipeline`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import DataError, nearest
from .estimation import FittedEstimator, law
from .estimation.conformal import FittedConformal
from .estimation.legs import FittedLegs
from .estimation.quantiles import FittedQuantiles
from .features.indexed import Frame
from .features.source import Source
from .features.table import Fitted
from .types import Floats


@dataclass(frozen=True, slots=True)
class Estimator:
    """Everything that was learned of how long things take: what a release of an estimate holds.

    legs: an estimator for each leg by the name of its outcome, in the order in which legs come; the label's alone where the
    design has none. joint: how legs go together. coverage: what makes the whole cover.
    """

    design: Design
    features: Fitted
    legs: Mapping[str, FittedEstimator]
    joint: FittedLegs
    coverage: FittedConformal

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


class Given(NamedTuple):
    """What is known of one ask: ids by entity type, and values of the request."""

    keys: dict[str, str]
    context: dict[str, str | float]


def asked_of(model: Estimator, given: Mapping[str, object]) -> Given:
    """What a request says, taken apart: an id where the name is of an entity type, a place [lat, lon] as two numbers.

    Raises DataError for a value that no feature reads, or of a wrong kind.
    """
    entities, contexts = model.features.entities(None), model.features.contexts
    keys: dict[str, str] = {}
    context: dict[str, str | float] = {}
    for name, value in given.items():
        if name in entities:
            if not isinstance(value, str):
                raise DataError(f"{name} is {value!r}; expected the id of a {name} as text")
            keys[name] = value
        elif isinstance(value, list | tuple):
            lat, lon = _place(name, value, contexts)
            context |= {f"{name}_lat": lat, f"{name}_lon": lon}
        elif name not in contexts:
            raise DataError(f"{name!r} is read by no feature of the release; {nearest(name, [*entities, *contexts])}")
        elif isinstance(value, str):
            context[name] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            context[name] = float(value)
        else:
            raise DataError(f"{name} is {value!r}; expected a number or text")
    return Given(keys, context)


def _place(name: str, value: Sequence[object], contexts: tuple[str, ...]) -> tuple[float, float]:
    if f"{name}_lat" not in contexts:
        known = [one.removesuffix("_lat") for one in contexts if one.endswith("_lat")]
        raise DataError(f"{name!r} is a place that no feature of the release reads; {nearest(name, known)}")
    if len(value) != 2 or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        raise DataError(f"{name} is {list(value)!r}; expected [latitude, longitude] in degrees")
    lat, lon = (float(one) for one in value)  # type: ignore[arg-type]
    return lat, lon


def estimate(model: Estimator, known: Source, frame: Frame) -> Estimated:
    """The estimate of each row of a frame, as of its ts."""
    return estimated(model, model.features.matrix(known, frame))


def estimated(model: Estimator, table: Floats) -> Estimated:
    """The estimate of each row of a table (n, columns)."""
    legs = np.stack([leg.quantiles(table) for leg in model.legs.values()], axis=1)
    whole = legs[:, 0] if len(model.legs) == 1 else model.joint.total(model.levels, legs)
    quantiles = model.coverage.apply(whole)
    means = [_mean(leg, table, legs[:, place]) for place, leg in enumerate(model.legs.values())]
    mean = np.maximum(sum(means, np.zeros(1)), 0)
    promised = model.design.estimate.promise.of(model.levels, quantiles)
    return Estimated(table, legs, quantiles, mean.astype(np.float32), promised)


def _mean(leg: FittedEstimator, table: Floats, quantiles: Floats) -> Floats:
    """The mean (n,) of a leg, whose forest, where it has one, is not scored twice."""
    if isinstance(leg, FittedQuantiles):
        return law.mean(leg.levels, quantiles.astype(np.float64)).astype(np.float32)
    return leg.mean(table)
