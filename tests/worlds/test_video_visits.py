from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sixfold.types import DAY
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_population import DEVICES
from sixfold.worlds.video_truth import Truth
from sixfold.worlds.video_visits import HOUR, HOUR_SHARES, Requests, draw_requests, search

WORLD = VideoWorld(members=3000, days=4, videos=200)


@cache
def a_day(day: int = 0, visits: float = 1.7) -> tuple[Truth, Requests]:
    truth = WORLD.truth()
    return truth, draw_requests(truth, visits, WORLD.start + day * DAY, np.random.default_rng(day))


def test_requests_come_in_the_hours_that_the_traffic_pattern_says():
    requests = a_day(visits=20.0)[1]
    share = np.bincount((requests.ts - WORLD.start) // HOUR, minlength=24) / len(requests)
    np.testing.assert_allclose(share, HOUR_SHARES, atol=0.006)
    assert (np.diff(requests.ts) >= 0).all()


def test_members_come_as_often_as_they_are_active():
    truth, requests = a_day(visits=20.0)
    count = np.bincount(requests.member, minlength=3000)
    old = truth.people.signup < WORLD.start
    expected = 20.0 * truth.people.activity
    assert (count[truth.people.activity == 0] == 0).all()
    assert np.mean((count - expected)[old] ** 2) == pytest.approx(expected[old].mean(), rel=0.1)


def test_weekends_are_busier():
    # 2026-01-03 was a Saturday, two days after the start.
    assert len(a_day(2, 20.0)[1]) > 1.1 * len(a_day(0, 20.0)[1])


def test_televisions_are_for_the_evening():
    requests = a_day(visits=20.0)[1]
    hour = (requests.ts - WORLD.start) // HOUR
    tv = requests.device == DEVICES.tolist().index(b"tv")
    assert tv[hour == 21].mean() > 1.5 * tv[hour == 9].mean()


def test_search_finds_what_is_liked():
    truth, requests = a_day(1)
    found = search(truth, requests, np.random.default_rng(0))
    assert (found.request == -1).all()
    assert (found.ts > requests.ts).all()
    chosen = truth.interest(requests.member, found.video, requests.ts, requests.device)[0]
    alive = np.flatnonzero(truth.alive(int(requests.ts[0])))
    other = np.random.default_rng(1).choice(alive, len(requests))
    assert chosen.mean() > 2 * truth.interest(requests.member, other, requests.ts, requests.device)[0].mean()
