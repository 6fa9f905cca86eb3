"""The system that wrote the video world's log: what is popular and new, and a little of what a segment likes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..types import DAY
from .plackett import Plackett, Slates, Weights
from .video_population import Difficulty, Rng
from .video_truth import FRESH_DAYS, Index, Truth

_SEGMENTS = 32
_SHARPNESS = 1.5


@dataclass(frozen=True, slots=True)
class Earlier:
    """A policy that knows members by segment only and takes nothing out that was seen.

    segment (m,), the row of each member; weight (segments, v) float64, freshness apart; `uniform` is the share of
    slots left to chance. Its pool is all that is alive, so a propensity is conditional on nothing but the slots before.
    """

    segment: Index
    weight: Weights
    uniform: float

    def slates(self, truth: Truth, members: Index, hour: int, size: int, rng: Rng) -> Slates:
        """Slates of rows of videos for these members, of what is alive in the hour that begins at ts `hour`."""
        pool = np.flatnonzero(truth.alive(hour))
        age = (hour - truth.catalogue.published[pool]) / DAY
        policy = Plackett(self.weight[:, pool] * np.exp(_SHARPNESS * np.exp(-age / FRESH_DAYS)), self.uniform)
        drawn = policy.draw(self.segment[members], size, rng)
        return Slates(pool.astype(np.int32)[drawn.items], drawn.propensity, drawn.score)


def draw_earlier(truth: Truth, hard: Difficulty, uniform: float, rng: Rng) -> Earlier:
    """The earlier system: it sees quality through noise, and segments as tastes were on the first day."""
    segment, likes = _segments(truth, rng)
    quality = truth.catalogue.quality
    # What a regression on the noisy quality would give: an unsure system does not trust its extremes.
    known = quality.var() / (quality.var() + hard.error**2)
    guess = known * (quality + hard.error * rng.standard_normal(len(quality)))
    affinity = (likes @ truth.catalogue.vector.T) * truth.taste / np.sqrt(hard.dims)
    return Earlier(segment, np.exp(_SHARPNESS * (guess + hard.match * affinity)), uniform)


def _segments(truth: Truth, rng: Rng) -> tuple[Index, Weights]:
    """The segment of each member, the nearest of 32 members' blurred tastes, and each segment's mean taste."""
    tastes = truth.people.tastes[0]
    blurred = tastes + rng.standard_normal(tastes.shape)
    pivots = blurred[rng.choice(len(tastes), min(_SEGMENTS, len(tastes)), replace=False)]
    segment = ((pivots**2).sum(axis=1) - 2 * blurred @ pivots.T).argmin(axis=1)
    total = np.zeros_like(pivots)
    np.add.at(total, segment, tastes)
    return segment, total / np.maximum(np.bincount(segment, minlength=len(pivots)), 1)[:, None]
