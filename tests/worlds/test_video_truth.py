from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sixfold.types import DAY
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_population import DIFFICULTIES
from sixfold.worlds.video_truth import WATCHED_S, Truth

WORLD = VideoWorld(members=300, days=20, videos=150, new_videos=2, withdrawn=0.2)


@cache
def truth_of(difficulty: str = "middle") -> Truth:
    return VideoWorld(members=300, days=20, videos=150, new_videos=2, withdrawn=0.2, difficulty=difficulty).truth()


def test_heads_of_a_device_are_those_of_the_pairs():
    truth, rng = truth_of(), np.random.default_rng(0)
    members, device = rng.integers(300, size=9), rng.integers(3, size=9)
    ts = WORLD.start + rng.integers(20 * DAY, size=9)
    heads = truth.heads(members, ts, device=device)
    for video in (0, 77, len(truth.items) - 1):
        pairs = truth.pairs(members, np.full(9, video), ts, device)
        for name in ("watch", "seconds"):
            assert heads[name].shape == (9, len(truth.items))
            assert heads[name].dtype == np.float32
            np.testing.assert_allclose(heads[name][:, video], pairs[name], rtol=1e-4)


def test_heads_without_a_device_are_the_mean_over_the_members_devices():
    truth, members, ts = truth_of(), np.arange(5), WORLD.start + DAY // 2
    shares = truth.device_shares(members, np.full(5, ts))
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    by_device = [truth.heads(members, ts, device=np.full(5, row)) for row in range(3)]
    watch = sum(shares[:, [row]] * head["watch"] for row, head in enumerate(by_device))
    seconds = sum(shares[:, [row]] * head["watch"] * head["seconds"] for row, head in enumerate(by_device))
    heads = truth.heads(members, ts)
    np.testing.assert_allclose(heads["watch"], watch, rtol=1e-5)
    np.testing.assert_allclose(heads["seconds"], seconds / watch, rtol=1e-5)


def test_closed_forms_are_what_sampling_gives():
    truth, rng, n = truth_of(), np.random.default_rng(0), 200_000
    for video in (3, 50):
        pair = np.array([7]), np.array([video]), np.array([WORLD.start]), np.array([1])
        (start,), (tau,) = truth.interest(*pair)
        seconds = np.minimum(rng.exponential(tau, n), truth.catalogue.length_s[video])
        kept = seconds[seconds >= WATCHED_S]
        head = truth.pairs(*pair)
        assert head["watch"][0] == pytest.approx(start * len(kept) / n, rel=0.02)
        assert head["seconds"][0] == pytest.approx(kept.mean(), rel=0.02)


def test_tastes_drift_more_where_it_is_harder_and_come_back_to_what_stays():
    moved = []
    for difficulty in ("easy", "middle", "hard"):
        tastes = truth_of(difficulty).people.tastes
        dims = tastes.shape[2]
        apart = [np.mean((tastes[lag] - tastes[0]) ** 2) for lag in (1, 5, 20)]
        drift = DIFFICULTIES[difficulty].drift
        # The autocovariance of the walk, 0.9 ** lag, and the share of the variance that moves.
        expected = 2 * (1 - 0.9 ** np.array([1, 5, 20])) * drift**2 / (1 + drift**2)
        np.testing.assert_allclose(apart, expected, rtol=0.12)
        assert np.mean(np.sum(tastes**2, axis=2)) == pytest.approx(dims, rel=0.05)
        moved.append(apart[2])
    assert moved[0] < moved[1] < moved[2]


def test_the_new_is_hotter_and_by_no_more_than_the_days_say():
    """Outside the world's days tastes stand still, so that there only age changes."""
    truth, members, phone = truth_of(), np.arange(20), np.zeros(20, np.int64)
    last = len(truth.items) - 1
    born = int(truth.catalogue.published[last])
    odds = []
    for days in (2, 5, 100):
        start, _ = truth.interest(members, np.full(20, last), np.full(20, born + days * DAY), phone)
        odds.append(np.log(start / (1 - start)))
    np.testing.assert_allclose(odds[0] - odds[2], np.exp(-2 / 3), rtol=0.01)
    np.testing.assert_allclose(odds[1] - odds[2], np.exp(-5 / 3), rtol=0.01)
