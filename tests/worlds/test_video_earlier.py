from __future__ import annotations

import numpy as np

from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_earlier import draw_earlier
from sixfold.worlds.video_population import DIFFICULTIES
from sixfold.worlds.video_visits import HOUR

WORLD = VideoWorld(members=800, days=6, videos=600, withdrawn=0.3)


def test_the_earlier_system_is_better_than_chance_and_worse_than_the_truth():
    truth, rng = WORLD.truth(), np.random.default_rng(0)
    earlier = draw_earlier(truth, DIFFICULTIES["middle"], 0.0, rng)
    hour, members = WORLD.start + 50 * HOUR, np.arange(800)
    heads = truth.heads(members, hour)["watch"]
    shown = np.take_along_axis(heads, earlier.slates(truth, members, hour, 20, rng).items, axis=1).mean()
    alive = truth.alive(hour)
    best = np.sort(heads[:, alive], axis=1)[:, -20:].mean()
    assert 1.4 * heads[:, alive].mean() < shown < best / 1.5


def test_only_what_is_alive_is_shown_and_the_score_orders_the_propensities_of_the_first_slot():
    truth, rng = WORLD.truth(), np.random.default_rng(0)
    earlier = draw_earlier(truth, DIFFICULTIES["middle"], 0.1, rng)
    for hour in (WORLD.start, WORLD.start + 100 * HOUR):
        slates = earlier.slates(truth, np.zeros(500, int), hour, 20, rng)
        assert truth.alive(hour)[slates.items].all()
        first = np.argsort(slates.score[:, 0])
        assert (np.diff(slates.propensity[first, 0]) >= 0).all()
