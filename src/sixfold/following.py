"""An estimate that is followed: what is told of it now, by what was forecast and what has become known since.

Nothing of this is kept: it is worked out from the record of the estimate (`estimation.open`) whenever it is asked for. The
promise that stands depends on those that stood before, so the estimate is made anew at each moment of a fixed timetable: each
minute of the first hour, each ten minutes after, and whenever a status became known. So who asks, and how often, changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import durations
from .design import Design
from .estimate import Estimated, Estimator
from .estimation import law
from .estimation.adaptive import moved
from .estimation.open import NEVER, Known, Watched
from .estimation.steered import Steer
from .types import SECOND, Floats

Doubles = NDArray[np.float64]
Fate: TypeAlias = Literal["under_way", "ended", "void", "lost"]
"""What became of it: it runs, its label is known, there is none any more, or the window passed without."""
_PROMISED, _MEAN, _WHOLE, _OFFSET = "promised_s", "mean_s", "whole", "offset"
_TIMETABLE = np.concatenate([np.arange(0, 3600, 60.0), np.arange(3600, 7 * 86_400, 600.0)])


@dataclass(frozen=True, slots=True)
class Followed:
    """What is told at one moment, elapsed_s after it was asked.

    quantiles (q,) seconds from the ask to the end; took_s (k,) of finished legs, NaN of others. promises: when each came, in
    seconds since the ask, and the seconds that were promised, the first at 0.
    """

    fate: Fate
    elapsed_s: float
    quantiles: Floats
    took_s: Doubles
    promises: tuple[tuple[float, float], ...]

    @property
    def promise_s(self) -> float:
        """The promise that stands."""
        return self.promises[-1][1]


def watched(design: Design) -> Watched:
    """What is to be kept of a design's estimates while they are under way."""
    label = design.requirements.label.name
    levels = [f"{level:g}" for level in design.learning.estimator.levels]
    named = tuple(f"{name}@{level}" for name in (*_legs(design), _WHOLE) for level in levels)
    offsets: tuple[str, ...] = ()
    steer, by = None, design.learning.adaptive
    if by is not None:
        offsets = tuple(f"{_OFFSET}@{level}" for level in levels)
        steer = Steer(by, label, named[-len(levels) :], tuple(design.learning.estimator.levels))
    outcomes = tuple(dict.fromkeys([*_legs(design), label, *design.estimate.void]))
    return Watched((_PROMISED, _MEAN, *named, *offsets), outcomes, steer)


def steered(model: Estimator, found: Estimated, offset: Doubles) -> Estimated:
    """Estimates with their quantiles moved by offset (q,) or (n, q) widths, and their mean and promise by what these then say."""
    quantiles = moved(found.quantiles, offset)
    mean = law.mean(model.levels, quantiles.astype(np.float64)).astype(np.float32)
    promised = model.design.estimate.promise.of(model.levels, quantiles)
    return replace(found, quantiles=quantiles, mean=np.maximum(mean, 0), promised_s=promised)


def forecast(
    model: Estimator, found: Estimated, offset: Doubles | None = None, told: Estimated | None = None
) -> dict[str, float]:
    """What is logged of an estimate: the mean, the promise, and the quantiles of each leg and of the whole by name and level.

    Where outcomes steer, the offset (q,) is logged with what was found before any steering, from which the rest is worked out;
    `told` is what it was steered to, worked out here where it is not given.
    """
    levels = [f"{level:g}" for level in model.levels.tolist()]
    rows = {**dict(zip(model.legs, found.legs[0].tolist(), strict=True)), _WHOLE: found.quantiles[0].tolist()}
    if offset is not None:
        rows[_OFFSET] = offset.tolist()
        found = steered(model, found, offset) if told is None else told
    named = {f"{name}@{level}": value for name, row in rows.items() for level, value in zip(levels, row, strict=True)}
    return {_PROMISED: float(found.promised_s[0]), _MEAN: float(found.mean[0]), **named}


def as_told(model: Estimator, known: Known) -> Estimated:
    """The estimate as it was when it was asked for, without its table."""
    q, k = len(model.levels), len(model.legs)
    promised, mean, *numbers = known.forecast.tolist()
    rows = np.array(numbers, np.float64).reshape(-1, q)
    legs, whole = rows[None, :k].astype(np.float32), moved(rows[k : k + 1].astype(np.float32), _offset(model, known))
    nothing = np.zeros((1, 0), np.float32)
    return Estimated(nothing, legs, whole, np.array([mean], np.float32), np.array([promised]))


def _offset(model: Estimator, known: Known) -> Doubles:
    """By how many widths (q,) the estimate was steered when it was made."""
    q, k = len(model.levels), len(model.legs)
    found = known.forecast[2 + (k + 1) * q :]
    return np.nan_to_num(found) if len(found) else np.zeros(q)


def follow(model: Estimator, known: Known, *, now: int) -> Followed:
    """What is told of an estimate as of `now`, int64 us."""
    design, first = model.design, as_told(model, known)
    since = np.where((known.when == NEVER) | (known.when > now), np.inf, (known.when - known.ts) / SECOND)
    names = watched(design).outcomes
    at = dict(zip(names, np.maximum(since, 0).tolist(), strict=True))
    ended, void = at[_label(model)], min((at[name] for name in design.estimate.void), default=np.inf)
    window = durations.parse(design.requirements.window) / SECOND
    elapsed = max((now - known.ts) / SECOND, 0.0)
    stop = min(ended, void, window)
    fate: Fate = "under_way" if elapsed < stop else "ended" if stop == ended else "void" if stop == void else "lost"
    ends, took = _finished(model, known, at)
    steps = _timetable(ends, until=elapsed, before=stop)
    # What is told of this very moment is a row of its own: a promise may not depend on who asks when.
    quantiles = _conditioned(model, known, np.append(steps, min(elapsed, stop)), ends, took)
    whole = known.value[names.index(_label(model))]
    last = np.full(len(model.levels), whole if whole >= 0 else ended) if fate == "ended" else quantiles[-1]
    standing = design.estimate.promise.follow(model.levels, quantiles[:-1], first.promised_s)
    new = np.flatnonzero(np.diff(standing, prepend=np.nan) != 0)
    promises = tuple(zip(steps[new].tolist(), standing[new].tolist(), strict=True))
    return Followed(fate, elapsed, last.astype(np.float32), np.where(ends <= elapsed, took, np.nan), promises)


def _conditioned(model: Estimator, known: Known, steps: Doubles, ends: Doubles, took: Doubles) -> Floats:
    """Quantiles (n, q) of the whole as they are known at each step (n,); the first one is the estimate itself."""
    first, later = as_told(model, known), steps[1:]
    done = (ends[None, :] <= later[:, None]).sum(axis=1)
    begun = np.concatenate([[0.0], ends])[done]
    legs = np.repeat(first.legs, len(later), axis=0)
    finished = np.repeat(np.nan_to_num(took)[None], len(later), axis=0)
    left = model.joint.remaining(model.levels, legs, done=done, elapsed_s=later - begun, finished_s=finished)
    running = (done < len(ends))[:, None]
    left = moved(model.coverage.apply(left), _offset(model, known))
    whole = later[:, None] + np.where(running, left, 0)
    return np.concatenate([first.quantiles, whole.astype(np.float32)])


def _finished(model: Estimator, known: Known, at: dict[str, float]) -> tuple[Doubles, Doubles]:
    """When each leg (k,) ended, in seconds since the ask, inf where it runs or is to come, and how long it took.

    A leg of which nothing was said, but of a later one, ended when that began.
    """
    outcomes = watched(model.design).outcomes
    names = list(model.legs)
    ends = np.array([at[name] for name in names])
    took = np.array([known.value[outcomes.index(name)] for name in names])
    took[~(took >= 0)] = np.nan  # No time is below 0: how long it took is then lost, and that it is over is not.
    if names != [_label(model)]:
        ends[-1] = min(ends[-1], at[_label(model)])
    for leg in range(len(names) - 2, -1, -1):
        if np.isinf(ends[leg]) and np.isfinite(ends[leg + 1]):
            ends[leg] = max(ends[leg + 1] - np.nan_to_num(took[leg + 1]), 0)
        ends[leg] = min(ends[leg], ends[leg + 1])
    spent = np.diff(np.where(np.isfinite(ends), ends, 0), prepend=0)
    return ends, np.where(np.isfinite(ends), np.where(np.isnan(took), np.maximum(spent, 0), took), np.nan)


def _timetable(ends: Doubles, *, until: float, before: float) -> Doubles:
    """The moments (n,), in seconds since the ask, at which the estimate is made anew, the first being 0."""
    steps = np.unique(np.concatenate([_TIMETABLE, ends[np.isfinite(ends)]]))
    return np.asarray(steps[(steps == 0) | (steps <= until) & (steps < before)])


def next_step(elapsed_s: float) -> float:
    """When the timetable next has an estimate made anew, in seconds since the ask."""
    following = int(np.searchsorted(_TIMETABLE, elapsed_s, side="right"))
    return float(_TIMETABLE[min(following, len(_TIMETABLE) - 1)])


def _legs(design: Design) -> tuple[str, ...]:
    return design.estimate.legs or (design.requirements.label.name,)


def _label(model: Estimator) -> str:
    return model.design.requirements.label.name
