"""What is really so in the video world: what a model tries to learn, and what it is judged against.

A member examines a position with a probability that falls with it; an examined video is started with

    P(start) = sigmoid(base + affinity + quality + freshness + device + device's liking for length)

and watched until it ends or, at a constant hazard, the member leaves: the seconds are min(length, X) with X
exponential of mean tau. So both heads have closed forms, exact and without a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND, Floats, Times
from .video_population import Members, Strings, Videos

WATCHED_S = 30.0
"""Seconds from which a watch counts as one."""
FRESH_DAYS = 3.0
"""Days in which the appeal of the new falls to 1/e."""

_FRESH = 1.0
_DEVICE = np.array([0.0, 0.25, -0.3], np.float32)
_DEVICE_LENGTH = np.array([-0.25, 0.3, 0.0], np.float32)
_PATIENCE = np.array([-0.2, 0.3, 0.0], np.float32)
_BUSY_HOUR, _BUSY = np.array([8, 21, 13]), np.array([0.2, 0.8, 0.6])
_HOUR = 3600 * SECOND

Index = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Truth:
    """The state of a world at any ts, reconstructed from its knobs alone.

    start is the first midnight (us), taste the size of the affinity and base the intercept, both in logits;
    examination (size,) float64 is P(examined at position), from position 1 on. A video that the member began in
    the last `rewatch_days` is started with `rewatch` times the probability given here: `heads` and `pairs` leave
    that out, so an evaluator takes out what was seen. On the default log's last ten days they expect 3 % more watches
    than there were, for that reason. Outside the world's days tastes stand still.
    """

    people: Members
    catalogue: Videos
    start: int
    taste: float
    base: float
    examination: NDArray[np.float64]
    rewatch: float
    rewatch_days: float

    @property
    def members(self) -> Strings:
        """(m,) S: the id of each row of members."""
        return self.people.id

    @property
    def items(self) -> Strings:
        """(v,) S: the id of each row of videos, those of later days too."""
        return self.catalogue.id

    def alive(self, ts: int) -> NDArray[np.bool_]:
        """(v,): published and not withdrawn at ts. The catalogue changes on the hour only."""
        alive: NDArray[np.bool_] = (self.catalogue.published <= ts) & (ts < self.catalogue.withdrawn)
        return alive

    def heads(self, members: Index, ts: int | Times, *, device: Index | None = None) -> dict[str, Floats]:
        """Both heads for r members and every video, alive or not: two arrays (r, v) float32.

        watch is P(watched >= 30 s | examined at ts), seconds is E[watch seconds | watched >= 30 s]. ts is one for
        all or (r,); device is (r,) rows of `DEVICES`, and without it the mean over those the member uses at ts.
        """
        times = np.broadcast_to(np.asarray(ts, np.int64), members.shape)
        affinity = self._tastes(members, times) @ self.catalogue.vector.T
        every = np.arange(len(self.items))
        if device is not None:
            return self._heads(affinity, every, times[:, None], device[:, None])
        shares = self.device_shares(members, times).astype(np.float32)
        watch, seconds = np.zeros_like(affinity), np.zeros_like(affinity)
        for row in range(shares.shape[1]):
            head = self._heads(affinity, every, times[:, None], np.full((1, 1), row))
            watch += shares[:, row, None] * head["watch"]
            seconds += shares[:, row, None] * head["watch"] * head["seconds"]
        return {"watch": watch, "seconds": seconds / watch}

    def pairs(self, members: Index, videos: Index, ts: Times, device: Index) -> dict[str, Floats]:
        """Both heads of n pairs such as logged rows: rows of members, videos and `DEVICES`, and ts, all (n,)."""
        return self._heads(self._affinity(members, videos, ts), videos, ts, device)

    def interest(self, members: Index, videos: Index, ts: Times, device: Index) -> tuple[Floats, Floats]:
        """P(start | examined) and tau, the mean of the exponential part of the watch, of n pairs: (n,) float32."""
        return self._interest(self._affinity(members, videos, ts), videos, ts, device)

    def device_shares(self, members: Index, ts: Times) -> NDArray[np.float64]:
        """(n, 3): the probability of each of `DEVICES` when this member asks at this ts."""
        hour = (ts % DAY / _HOUR)[:, None]
        weight = self.people.devices[members] * np.exp(_BUSY * np.cos(2 * np.pi * (hour - _BUSY_HOUR) / 24))
        shares: NDArray[np.float64] = weight / weight.sum(axis=1, keepdims=True)
        return shares

    def based(self, base: float) -> Truth:
        """The same world with another intercept."""
        return replace(self, base=base)

    def _tastes(self, members: Index, ts: Times) -> Floats:
        """(n, dims): the members' tastes on the day of ts, in logits for each unit of a video's vector."""
        tastes = self.people.tastes
        day = np.clip((ts - self.start) // DAY, 0, len(tastes) - 1)
        scaled: Floats = tastes[day, members] * np.float32(self.taste / np.sqrt(tastes.shape[2]))
        return scaled

    def _affinity(self, members: Index, videos: Index, ts: Times) -> Floats:
        affinity: Floats = np.einsum("nd,nd->n", self._tastes(members, ts), self.catalogue.vector[videos])
        return affinity

    def _interest(self, affinity: Floats, videos: Index, ts: Times, device: Index) -> tuple[Floats, Floats]:
        """As `interest`, of arrays that broadcast against the affinity."""
        log_minutes = np.log(self.catalogue.length_s[videos] / np.float32(60))
        age = np.maximum(ts - self.catalogue.published[videos], 0).astype(np.float32) / np.float32(DAY)
        logit = affinity + self.catalogue.quality[videos] + np.float32(self.base)
        logit += np.float32(_FRESH) * np.exp(-age / np.float32(FRESH_DAYS))
        logit += _DEVICE[device] + _DEVICE_LENGTH[device] * (log_minutes - np.float32(np.log(8)))
        tau = 60 * np.exp(np.float32(0.7) * log_minutes + np.float32(0.25) * affinity + _PATIENCE[device])
        return 1 / (1 + np.exp(-logit)), tau

    def _heads(self, affinity: Floats, videos: Index, ts: Times, device: Index) -> dict[str, Floats]:
        start, tau = self._interest(affinity, videos, ts, device)
        least = np.float32(WATCHED_S)
        stays = np.exp(-least / tau)
        # An exponential has no memory: from 30 s on it begins anew, cut off where the video ends.
        beyond = -np.expm1((least - self.catalogue.length_s[videos]) / tau)
        return {"watch": start * stays, "seconds": least + tau * beyond}
