"""The intercept of the video world, solved so that the wanted share of what is shown is watched.

A pilot of a few thousand slates needs no simulation of what came before: that a video was watched already is
taken by its Poisson expectation. Over 5000 members and 30 days the rate hit is within 3 % of the one asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DesignError
from ..types import DAY, Times
from .video_earlier import Earlier
from .video_population import Rng
from .video_truth import WATCHED_S, Truth
from .video_visits import HOUR, HOUR_SHARES, at, flat

_HOURS, _REQUESTS = 32, 128


@dataclass(frozen=True, slots=True)
class Pilot:
    """n places of slates. All (n,) float64: appeal, the logit of P(start) without the intercept; chance, P(examined,
    and 30 s watched if begun); before, how often the pair was examined in the days in which it is remembered."""

    appeal: NDArray[np.float64]
    chance: NDArray[np.float64]
    before: NDArray[np.float64]

    def rate(self, base: float, rewatch: float) -> float:
        """The share watched 30 s or more at this intercept."""
        start = 1 / (1 + np.exp(-base - self.appeal))
        again = rewatch + (1 - rewatch) * np.exp(-self.before * start)
        return float(np.mean(self.chance * start * again))


def solve_base(truth: Truth, earlier: Earlier, rate: float, visits: float, rng: Rng) -> float:
    """The intercept at which `rate` of what is shown is watched 30 s or more; `truth` is as yet without one."""
    pilot = _pilot(truth, earlier, visits, rng)
    low, high = -15.0, 3.0
    most = pilot.rate(high, truth.rewatch)
    if not 0 < rate < most:
        raise DesignError(f"rate is {rate}; of slates of {len(truth.examination)} at most {most:.3f} can be: lower it")
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if pilot.rate(middle, truth.rewatch) > rate else (middle, high)
    return high


def _pilot(truth: Truth, earlier: Earlier, visits: float, rng: Rng) -> Pilot:
    """Slates at hours spread over the days as the traffic is."""
    days = np.arange(_HOURS) * (len(truth.people.tastes) - 1) // _HOURS
    hours: Times = truth.start + DAY * days + HOUR * rng.choice(24, _HOURS, p=HOUR_SHARES)
    parts = [_slates(truth, earlier, visits, int(hour), rng) for hour in hours]
    return Pilot(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _slates(
    truth: Truth, earlier: Earlier, visits: float, hour: int, rng: Rng
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The columns of a `Pilot` for one hour, of members drawn as they come."""
    people, size = truth.people, len(truth.examination)
    # The least of a share, so that a world of none but idle members has a pilot too.
    share = people.activity * (people.signup <= hour) + 1e-9
    member = rng.choice(len(share), _REQUESTS, p=share / share.sum())
    drawn = earlier.slates(truth, member, hour, size, rng)
    pairs = flat(at(truth, member, np.full(_REQUESTS, hour), rng), drawn.items)
    start, tau = (head.astype(np.float64) for head in truth.interest(*pairs))
    chance = np.tile(truth.examination, _REQUESTS) * np.exp(-WATCHED_S / tau)
    asked = visits * people.activity[pairs[0]] * min(truth.rewatch_days, (hour - truth.start) / DAY)
    placed = -np.expm1(-size * drawn.propensity.ravel())
    return np.log(start / (1 - start)), chance, asked * placed * truth.examination.mean()
