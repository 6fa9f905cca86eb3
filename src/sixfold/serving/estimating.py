"""From a typed request to an estimate: its features gathered, its time told; what it says is read in `sixfold.estimate`."""

from __future__ import annotations

import math

import numpy as np
from msgspec import structs

from ..errors import DataError
from ..estimate import Estimated as Found
from ..estimate import Estimator, Said, estimated
from ..estimate import said as read
from ..estimation.open import Known
from ..estimation.promise import words
from ..events.schema import DECISION_COLUMNS
from ..features.table import Fitted
from ..following import as_told, follow
from ..types import Floats
from .estimate_messages import Change, Estimate, Estimated, Following, Leg, Told
from .ladder import Climb
from .messages import Degraded
from .together import Asked, Made, Together

UNKNOWN_PLACE = "unknown place"
MIDDLE = 0.5


def said(asked: Estimate, features: Fitted, of: str) -> Said:
    """What a request says. Raises DataError naming the field that is of a wrong type."""
    found = read(features, asked.context)
    keys = found.keys | asked.keys | ({of: asked.order} if asked.order is not None else {})
    for name in keys:
        if name in DECISION_COLUMNS or "." in name:
            raise DataError(f"keys names {name!r}, which the log keeps for itself; give the entity type of an id")
    return found._replace(keys=keys)


def notes(request: Said) -> list[Degraded]:
    """What is said of places that are none."""
    return [Degraded(f"context.{place}", UNKNOWN_PLACE, why) for place, why in request.wrong.items()]


async def estimate(together: Together, usual: Found, asked: Asked, climb: Climb) -> Made:
    """The estimate of one request; where its features are late or fail, the `usual` one."""

    async def features() -> Made:
        passed = await together.estimate(asked)
        climb.add("gather", passed.gather_s)
        climb.add("estimate", passed.estimate_s)
        return passed.made

    return await climb.stage("features", features, lambda: together.steered(usual, [asked.keys]))


def usual(model: Estimator) -> Found:
    """The estimate of a request of which nothing is known."""
    return estimated(model, np.full((1, len(model.columns)), np.nan, np.float32))


def answer(model: Estimator, found: Found, *, decision: str, release: str, degraded: list[Degraded]) -> Estimated:
    """An estimate as it is told."""
    of_legs = dict(zip(model.legs, found.legs[0], strict=True))
    return Estimated(
        decision=decision,
        release=release,
        of=model.design.estimate.of,
        promise_s=float(found.promised_s[0]),
        told=told(model, found.quantiles[:1], found.promised_s[:1]),
        mean_s=float(found.mean[0]),
        quantiles=_by_level(model, found.quantiles[0]),
        legs={name: leg(model, row) for name, row in of_legs.items()},
        degraded=degraded,
    )


def following(model: Estimator, known: Known, *, now: int, decision: str, release: str) -> Following:
    """An estimate that was made, as it is told now."""
    found, first = follow(model, known, now=now), as_told(model, known)
    legs = {}
    for place, name in enumerate(model.legs):
        took = float(found.took_s[place])
        forecast = leg(model, first.legs[0, place])
        legs[name] = forecast if math.isnan(took) else structs.replace(forecast, took_s=took)
    return Following(
        decision=decision,
        release=release,
        of=model.design.estimate.of,
        state=found.fate,
        elapsed_s=found.elapsed_s,
        promise_s=found.promise_s,
        told=told(model, found.quantiles[None], np.array([found.promise_s])),
        changes=len(found.promises) - 1,
        promises=[Change(at_s, promise_s) for at_s, promise_s in found.promises],
        quantiles=_by_level(model, found.quantiles),
        legs=legs,
    )


def _by_level(model: Estimator, quantiles: Floats) -> dict[str, float]:
    return {f"{level:g}": value for level, value in zip(model.levels.tolist(), quantiles.tolist(), strict=True)}


def leg(model: Estimator, quantiles: Floats) -> Leg:
    """One leg by its quantiles (q,)."""
    median = float(np.interp(MIDDLE, model.levels, quantiles))
    return Leg(median_s=median, low_s=float(quantiles[0]), high_s=float(quantiles[-1]))


def told(model: Estimator, quantiles: Floats, promised_s: np.ndarray) -> Told:
    """What is said of a promise (1,) with its quantiles (1, q)."""
    first, last = model.design.estimate.promise.told(model.levels, quantiles, promised_s)[0].tolist()
    return Told(first, last, words(first, last))
