"""From a typed request to an estimate: what was said is read, its places are checked, its features gathered, its time told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from ..errors import DataError
from ..estimate import Estimated as Found
from ..estimate import Estimator, estimated
from ..estimation.open import Known
from ..estimation.promise import words
from ..events.places import REASONS, Area, checked_places
from ..events.schema import DECISION_COLUMNS
from ..features.indexed import Frame
from ..features.online import State
from ..features.table import Fitted
from ..following import as_told, follow
from ..types import Floats
from .estimate_messages import Change, Estimate, Estimated, Following, Leg, Told
from .ladder import Climb
from .messages import ID_BYTES, Degraded
from .together import Together

UNKNOWN_PLACE = "unknown place"
MIDDLE = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """A request as features read it: ids by entity type, and the context; notes are of places that are none."""

    keys: Mapping[str, str]
    context: Mapping[str, str | float]
    notes: tuple[Degraded, ...]


def said(asked: Estimate, features: Fitted, of: str, area: Area | None) -> Said:
    """What a request says. Raises DataError naming the field that is of a wrong type.

    A place that is missing or wrong is left out of the context, so that it is unknown to features and in the log alike.
    """
    entities = features.entities(None)
    keys = {name: _id(name, value) for name, value in asked.context.items() if name in entities and value is not None}
    keys |= asked.keys | ({of: asked.order} if asked.order is not None else {})
    for name in keys:
        if name in DECISION_COLUMNS or "." in name:
            raise DataError(f"keys names {name!r}, which the log keeps for itself; give the entity type of an id")
    context: dict[str, str | float] = {}
    for name, value in asked.context.items():
        if name not in entities:
            context |= _values(name, value)
    notes = []
    for place in features.places:
        wrong = _wrong(context, place, area)
        if wrong:
            context = {name: value for name, value in context.items() if name not in (f"{place}_lat", f"{place}_lon")}
            notes.append(Degraded(f"context.{place}", UNKNOWN_PLACE, wrong))
    return Said(keys, context, tuple(notes))


def _wrong(context: Mapping[str, str | float], place: str, area: Area | None) -> str:
    """What is wrong with a place of the request, nothing where all is well."""
    ends = [context.get(f"{place}_{end}", math.nan) for end in ("lat", "lon")]
    if any(isinstance(end, str) for end in ends):
        return ""  # The features refuse it, by name.
    (code,) = checked_places([ends[0]], [ends[1]], area=area).tolist()
    return REASONS[code]


def _id(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value or len(value.encode()) > ID_BYTES:
        raise DataError(
            f"context {name!r} is {_shown(value)}; expected the id of a {name}: 1 to {ID_BYTES} bytes of text"
        )
    return value


def _values(name: str, value: object) -> dict[str, str | float]:
    """One value of the context by the names that features know, none where it is null."""
    match value:
        case None:
            return {}
        case str() if len(value.encode()) <= ID_BYTES and "\0" not in value:
            return {name: value}
        case bool():
            pass
        case int() | float() if abs(value) < 1e300:
            return {name: float(value)}
        case [int() | float() as lat, int() | float() as lon] if max(abs(lat), abs(lon)) < 1e300:
            return {f"{name}_lat": float(lat), f"{name}_lon": float(lon)}
    raise DataError(
        f"context {name!r} is {_shown(value)}; expected a number, a text of up to {ID_BYTES} bytes or [latitude, longitude]"
    )


def _shown(value: object) -> str:
    return repr(value)[:64]


def frame(features: Fitted, state: State, one: Said, ts: int) -> Frame:
    """One request as features want it. Raises DataError naming a text where a number is read."""
    keys = {
        entity: state.ids[entity].rows(np.array([one.keys.get(entity, "").encode()]))
        for entity in features.entities(None)
    }
    return Frame(np.array([ts]), keys, features.asked(one.context), np.ones(1, np.int16))


async def estimate(together: Together, usual: Found, asked: Frame, climb: Climb) -> Found:
    """The estimate of one request; where its features are late or fail, the `usual` one."""

    async def features() -> Found:
        passed = await together.estimate(asked)
        climb.add("gather", passed.gather_s)
        climb.add("estimate", passed.estimate_s)
        return passed.found

    return await climb.stage("features", features, lambda: usual)


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
