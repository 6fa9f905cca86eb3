"""Places given to any candidate, and the propensities that say so."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.policy.exploration import explore

RANKED = np.arange(6, dtype=np.int32)


def test_without_a_share_the_order_stands():
    places, propensity = explore(RANKED, 4, share=0.0, rng=np.random.default_rng(0))
    assert places.tolist() == [0, 1, 2, 3] and (propensity == 1).all()


def test_a_slate_longer_than_the_candidates_holds_them_all_once():
    places, propensity = explore(RANKED, 50, share=0.5, rng=np.random.default_rng(3))
    assert sorted(places.tolist()) == RANKED.tolist()
    assert propensity[-1] == pytest.approx(1.0), "the last one left is certain"


def test_propensities_are_the_frequencies_of_what_was_shown():
    """Over many slates the share of each first item is its propensity, and so of each second one given the first."""
    rng, share = np.random.default_rng(5), 0.3
    drawn = [explore(RANKED, 2, share=share, rng=rng) for _ in range(20_000)]
    first = np.array([places[0] for places, _ in drawn])
    said = {int(places[0]): float(propensity[0]) for places, propensity in drawn}
    assert sum(said.values()) == pytest.approx(1, abs=1e-6)
    for item, propensity in said.items():
        assert (first == item).mean() == pytest.approx(propensity, abs=0.01)
    second = [(int(places[1]), float(propensity[1])) for places, propensity in drawn if places[0] == 3]
    for item, propensity in set(second):
        assert np.mean([other == item for other, _ in second]) == pytest.approx(propensity, abs=0.05)


def test_inverse_propensities_recover_what_a_random_policy_would_see():
    """The mean of reward / propensity over places is that of the uniform policy: 1/6 of the sum for the first place."""
    rng, reward = np.random.default_rng(7), np.array([1.0, 0, 0, 5, 0, 0])
    drawn = [explore(RANKED, 1, share=0.4, rng=rng) for _ in range(40_000)]
    value = np.mean([reward[places[0]] / propensity[0] / len(RANKED) for places, propensity in drawn])
    assert value == pytest.approx(reward.mean(), rel=0.05)
