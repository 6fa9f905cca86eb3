"""An estimate from end to end: features -> legs -> the whole, made to cover -> a promise. Evaluation and serving both run it.

A request is read here too, for the command line and for the service. An estimate takes one ask or many at once, as rows of a
frame, and looks at the world through a source of features: the online state or the log in bulk, as slates do (`pipeline`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import DataError, nearest
from .estimation import FittedEstimator, law
from .estimation.conformal import FittedConformal
from .estimation.legs import FittedLegs
from .estimation.quantiles import FittedQuantiles
from .events.places import REASONS, Area, checked_places, is_place
from .features.indexed import Frame
from .features.online import State
from .features.source import Source
from .features.table import Fitted
from .types import ID_BYTES, Floats

_MOST = 1e300
"""Numbers from here on are no measurements."""


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


class Said(NamedTuple):
    """What a request says: ids by entity type, the context as features read it, and what is wrong with places, by name."""

    keys: dict[str, str]
    context: dict[str, str | float]
    wrong: dict[str, str]


def said(features: Fitted, values: Mapping[str, object]) -> Said:
    """A request taken apart: an id where the name is of an entity type, a place [lat, lon] as two numbers, null as nothing.

    A place that is missing or wrong is left out of the context, so that it is unknown to features and in the log alike.
    Raises DataError naming the value that is of a wrong kind.
    """
    entities = features.entities(None)
    keys = {name: _id(name, value) for name, value in values.items() if name in entities and value is not None}
    context: dict[str, str | float] = {}
    for name, value in values.items():
        if name not in entities:
            context |= _named(name, value)
    wrong = {place: why for place in features.places if (why := _wrong(context, place, features.area))}
    gone = {f"{place}_{end}" for place in wrong for end in ("lat", "lon")}
    return Said(keys, {name: value for name, value in context.items() if name not in gone}, wrong)


def all_read(features: Fitted, values: Mapping[str, object]) -> None:
    """Raises DataError for the first value that no feature reads: mistyped, as likely as not."""
    known = [*features.entities(None), *features.contexts, *features.places]
    for name in values:
        if name not in known:
            raise DataError(f"{name!r} is read by no feature of the release; {nearest(name, known)}")


def framed(features: Fitted, state: State, request: Said, ts: int) -> Frame:
    """A request as features want it, as of ts; who is not named is a stranger. Raises DataError naming a text where a number is
    read."""
    keys = {
        entity: state.ids[entity].rows(np.array([request.keys.get(entity, "").encode()]))
        for entity in features.entities(None)
    }
    return Frame(np.array([ts]), keys, features.asked(request.context), np.ones(1, np.int16))


def _id(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value or len(value.encode()) > ID_BYTES:
        raise DataError(
            f"context {name!r} is {_shown(value)}; expected the id of a {name}: 1 to {ID_BYTES} bytes of text"
        )
    return value


def _named(name: str, value: object) -> dict[str, str | float]:
    """One value of the context by the names that features know, none where it is null."""
    match value:
        case None:
            return {}
        case str() if len(value.encode()) <= ID_BYTES and "\0" not in value:
            return {name: value}
        case bool():
            pass
        case int() | float() if abs(value) < _MOST:
            return {name: float(value)}
        case [int() | float() as lat, int() | float() as lon] if max(abs(lat), abs(lon)) < _MOST:
            return {f"{name}_lat": float(lat), f"{name}_lon": float(lon)}
    raise DataError(
        f"context {name!r} is {_shown(value)}; expected a number, a text of up to {ID_BYTES} bytes or [latitude, longitude]"
    )


def _wrong(context: Mapping[str, str | float], place: str, area: Area | None) -> str:
    """What is wrong with a place of the request, nothing where all is well."""
    lat, lon = (context.get(f"{place}_{end}", math.nan) for end in ("lat", "lon"))
    if isinstance(lat, str) or isinstance(lon, str):
        return ""  # The features refuse it, by name.
    if is_place(lat, lon, area=area):
        return ""
    (code,) = checked_places([lat], [lon], area=area).tolist()
    return REASONS[code]


def _shown(value: object) -> str:
    return repr(value)[:64]


def estimate(model: Estimator, known: Source, frame: Frame) -> Estimated:
    """The estimate of each row of a frame, as of its ts."""
    return estimated(model, model.features.matrix(known, frame))


def estimated(model: Estimator, table: Floats) -> Estimated:
    """The estimate of each row of a table (n, columns)."""
    found = untold(model, table)
    means = [_mean(leg, table, found.legs[:, place]) for place, leg in enumerate(model.legs.values())]
    mean = np.maximum(sum(means, np.zeros(1)), 0)
    promised = model.design.estimate.promise.of(model.levels, found.quantiles)
    return replace(found, mean=mean.astype(np.float32), promised_s=promised)


def untold(model: Estimator, table: Floats) -> Estimated:
    """The same without mean and promise, which are NaN: for quantiles that are yet to be steered, of which these will be."""
    legs = np.stack([leg.quantiles(table) for leg in model.legs.values()], axis=1)
    whole = legs[:, 0] if len(model.legs) == 1 else model.joint.total(model.levels, legs)
    nothing = np.full(len(table), np.nan)
    return Estimated(table, legs, model.coverage.apply(whole), nothing.astype(np.float32), nothing)


def _mean(leg: FittedEstimator, table: Floats, quantiles: Floats) -> Floats:
    """The mean (n,) of a leg, whose forest, where it has one, is not scored twice."""
    if isinstance(leg, FittedQuantiles):
        return law.mean(leg.levels, quantiles.astype(np.float64)).astype(np.float32)
    return leg.mean(table)
