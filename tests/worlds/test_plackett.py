from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.worlds import plackett
from sixfold.worlds.plackett import Plackett

SKEWED = np.array([[8.0, 1.0, 0.5, 3.0], [1.0, 1.0, 1.0, 1.0]])


def probability(weights: np.ndarray, uniform: float, slate: tuple[int, ...]) -> float:
    """The definition, slot by slot."""
    left, out = list(range(len(weights))), 1.0
    for item in slate:
        out *= (1 - uniform) * weights[item] / weights[left].sum() + uniform / len(left)
        left.remove(item)
    return out


@pytest.mark.parametrize("rounds", [0, 1, 1000])
@pytest.mark.parametrize("uniform", [0.0, 0.3, 1.0])
def test_every_ordered_slate_comes_as_often_as_its_propensities_say(uniform, rounds, monkeypatch):
    """Whether repeats are drawn anew or from what is left."""
    monkeypatch.setattr(plackett, "_ROUNDS", rounds)
    n = 60_000
    slates = Plackett(SKEWED, uniform).draw(np.zeros(n, int), 3, np.random.default_rng(0))
    total = 0.0
    for slate in permutations(range(4), 3):
        hit = (slates.items == slate).all(axis=1)
        expected = probability(SKEWED[0], uniform, slate)
        assert abs(hit.mean() - expected) < 4.5 * np.sqrt(expected * (1 - expected) / n)
        np.testing.assert_allclose(slates.propensity[hit].prod(axis=1), expected, rtol=1e-5)
        total += expected
    assert total == pytest.approx(1.0)


def test_each_request_is_drawn_by_its_group():
    groups = np.repeat([0, 1], 20_000)
    slates = Plackett(SKEWED, 0.0).draw(groups, 1, np.random.default_rng(1))
    for group, weights in enumerate(SKEWED):
        share = np.bincount(slates.items[groups == group, 0], minlength=4) / 20_000
        np.testing.assert_allclose(share, weights / weights.sum(), atol=0.015)
    np.testing.assert_array_equal(slates.score, np.log(SKEWED[groups[:, None], slates.items]).astype(np.float32))


@given(st.integers(1, 12), st.integers(0, 12), st.floats(0, 1), st.integers(0, 2**32))
def test_no_item_comes_twice_and_propensities_are_probabilities(size, more, uniform, seed):
    rng = np.random.default_rng(seed)
    policy = Plackett(rng.lognormal(sigma=2.0, size=(3, size + more)), uniform)
    slates = policy.draw(rng.integers(3, size=20), size, rng)
    assert all(len(set(slate)) == size for slate in slates.items.tolist())
    assert ((slates.items >= 0) & (slates.items < size + more)).all()
    assert ((slates.propensity > 0) & (slates.propensity <= 1 + 1e-6)).all()
    if not more:
        np.testing.assert_allclose(slates.propensity[:, -1], 1.0, rtol=1e-5)


def test_a_slate_longer_than_the_pool_is_refused():
    with pytest.raises(ValueError, match="size is 5 but only 4 items"):
        Plackett(SKEWED, 0.1).draw(np.zeros(1, int), 5, np.random.default_rng(0))
