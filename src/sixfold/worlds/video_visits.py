"""What happens on the home page within an hour: who comes, what is shown, what is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..types import DAY, SECOND, Rows, Table, Times
from .seen import Seen
from .video_population import DEVICES, Rng, names
from .video_truth import Index, Truth

HOUR = 3600 * SECOND
_TRAFFIC = np.exp(1.2 * np.cos(2 * np.pi * (np.arange(24) - 20) / 24))
HOUR_SHARES = _TRAFFIC / _TRAFFIC.sum()
_WEEKEND = 1.2
GLANCE_S = 1.0
_SEARCHED = 64


@dataclass(frozen=True, slots=True)
class Requests:
    """n requests ordered by ts: ts (n,) int64 us; member, device (n,) rows of members and of `DEVICES`."""

    ts: Times
    member: Index
    device: Index

    def __len__(self) -> int:
        return len(self.ts)

    def part(self, rows: slice | Index) -> Requests:
        return Requests(self.ts[rows], self.member[rows], self.device[rows])

    def table(self, first: int) -> Table:
        """The decisions they became, numbered from `first`."""
        return {
            "id": names(b"d", first + np.arange(len(self))),
            "ts": self.ts,
            "release": np.full(len(self), b"logging"),
            "member": names(b"m", self.member),
            "context.device": DEVICES[self.device],
        }


@dataclass(frozen=True, slots=True)
class Watches:
    """n watches that were begun: request (n,) row of the requests, or -1 where found by search;
    member, video (n,) rows; ts (n,) int64 us, the end; seconds (n,) float64."""

    request: Index
    member: Index
    video: Index
    ts: Times
    seconds: NDArray[np.float64]

    def shifted(self, first: int) -> Watches:
        """With requests that are numbered from `first`."""
        return replace(self, request=self.request + first)

    @classmethod
    def joined(cls, parts: Sequence[Watches]) -> Watches:
        """One of many, in their order."""
        columns = zip(*((p.request, p.member, p.video, p.ts, p.seconds) for p in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


def draw_requests(truth: Truth, visits: float, midnight: int, rng: Rng) -> Requests:
    """A day's requests: Poisson by member, more in the evening and at weekends, none before the signup."""
    people = truth.people
    weekend = _WEEKEND if (midnight // DAY + 3) % 7 >= 5 else 1.0
    member = np.repeat(np.arange(len(people.id)), rng.poisson(visits * weekend * people.activity))
    ts = midnight + HOUR * rng.choice(24, len(member), p=HOUR_SHARES) + rng.integers(1, HOUR, len(member))
    order = np.argsort(ts, kind="stable")
    order = order[ts[order] > people.signup[member[order]]]
    return at(truth, member[order], ts[order], rng)


def at(truth: Truth, member: Index, ts: Times, rng: Rng) -> Requests:
    """Requests of these members at these ts, each from one of the member's devices."""
    ladder = np.cumsum(truth.device_shares(member, ts), axis=1)
    device = (rng.random((len(ts), 1)) > ladder[:, :-1]).sum(axis=1)
    return Requests(ts, member, device)


def flat(requests: Requests, items: Rows) -> tuple[Index, Index, Times, Index]:
    """Member, video, ts and device of every place of the slates: each (n * k,)."""
    size = items.shape[1]
    return (
        np.repeat(requests.member, size),
        items.ravel(),
        np.repeat(requests.ts, size),
        np.repeat(requests.device, size),
    )


def watch(truth: Truth, requests: Requests, items: Rows, seen: Seen, rng: Rng) -> Watches:
    """What the members watch of their slates, from the top down, one after the other."""
    member, video, ts, device = flat(requests, items)
    start, tau = truth.interest(member, video, ts, device)
    start[seen.has(keys(truth, member, video), ts)] *= truth.rewatch
    begun = rng.random(items.shape) < start.reshape(items.shape) * truth.examination
    seconds = np.zeros(items.shape)
    seconds[begun] = _seconds(truth, video[begun.ravel()], tau[begun.ravel()], rng)
    end = requests.ts[:, None] + (SECOND * np.cumsum(GLANCE_S + seconds, axis=1)).astype(np.int64)
    row = np.nonzero(begun)[0]
    return Watches(row, requests.member[row], items[begun], end[begun], seconds[begun])


def search(truth: Truth, requests: Requests, rng: Rng) -> Watches:
    """What these members watch without being shown it: of a few dozen videos each, one after its true appeal."""
    n = len(requests)
    alive = np.flatnonzero(truth.alive(int(requests.ts.min(initial=truth.start)) // HOUR * HOUR))
    items = alive[rng.integers(len(alive), size=(n, _SEARCHED))].astype(np.int32)
    start, tau = (head.reshape(n, _SEARCHED) for head in truth.interest(*flat(requests, items)))
    best = np.argmax(np.log(start) + rng.gumbel(size=start.shape), axis=1)[:, None]
    video = np.take_along_axis(items, best, axis=1)[:, 0]
    seconds = _seconds(truth, video, np.take_along_axis(tau, best, axis=1)[:, 0], rng)
    end = requests.ts + (SECOND * (GLANCE_S + seconds)).astype(np.int64)
    return Watches(np.full(n, -1), requests.member, video, end, seconds)


def keys(truth: Truth, member: Index, video: Index) -> NDArray[np.int64]:
    """One int64 for each pair of rows."""
    return member.astype(np.int64) * len(truth.items) + video


def _seconds(truth: Truth, video: Index, tau: NDArray[np.float32], rng: Rng) -> NDArray[np.float64]:
    return np.minimum(tau * rng.exponential(size=len(video)), truth.catalogue.length_s[video])
