from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_pilot import Pilot


def test_the_rate_falls_by_what_was_watched_before():
    once = Pilot(np.zeros(1), np.array([0.5]), np.zeros(1))
    assert once.rate(0.0, 0.05) == 0.25
    often = Pilot(np.zeros(1), np.array([0.5]), np.array([np.log(4.0)]))
    assert often.rate(0.0, 0.0) == pytest.approx(0.25 * 0.5)
    assert often.rate(0.0, 1.0) == 0.25


@pytest.mark.parametrize("rate", [0.005, 0.05])
def test_the_intercept_gives_the_rate_that_is_asked_for(rate):
    world = VideoWorld(members=600, days=5, videos=400, rate=rate)
    shown = watched = 0
    for events in world.events():
        watches = events.outcomes.get("watch")
        shown += len(events.shown["item"])
        if watches is not None:
            watched += np.sum((watches["value"] >= 30) & (watches["decision"] != b""))
    assert watched / shown == pytest.approx(rate, rel=0.12)


def test_a_rate_that_no_intercept_gives_is_refused():
    with pytest.raises(DesignError, match=r"rate is 0\.6; of slates of 20 at most"):
        VideoWorld(members=50, days=2, videos=100, rate=0.6).truth()
