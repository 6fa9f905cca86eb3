from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError, ReleaseError
from sixfold.retrieval import itemitem
from sixfold.retrieval.itemitem import ItemItem, ItemItemFitted
from sixfold.types import DAY, Interactions, Queries

MEMBERS, ITEMS = 25, 14
RNG = np.random.default_rng(0)


def seen() -> Interactions:
    random = np.random.default_rng(9)
    # Weights and a repeat, which an item's members must not count twice.
    member, item = np.nonzero(random.random((MEMBERS, ITEMS)) < 0.3)
    member, item = np.append(member, member[0]).astype(np.int32), np.append(item, item[0]).astype(np.int32)
    weight = random.random(len(member)).astype(np.float32) + 1
    return Interactions(member, item, np.arange(len(member)), weight, MEMBERS, ITEMS)


def members_of() -> np.ndarray:
    matrix = np.zeros((MEMBERS, ITEMS))
    matrix[seen().member, seen().item] = 1
    return matrix


def similarity_matrix(fitted: ItemItemFitted) -> np.ndarray:
    out = np.zeros((ITEMS, ITEMS))
    item, place = np.nonzero(fitted.ids >= 0)
    out[item, fitted.ids[item, place]] = fitted.similarities[item, place]
    return out


def fit(spec: ItemItem) -> ItemItemFitted:
    return spec.fit(seen(), np.zeros(ITEMS, np.int64), RNG)


@pytest.mark.parametrize("spread", [0.0, 1.0])
@pytest.mark.parametrize("pairs", [1, 4_000_000])
def test_cosine_of_weighted_members_shrunk(spread, pairs, monkeypatch):
    monkeypatch.setattr(itemitem, "PAIRS", pairs)
    x = members_of()
    weight = np.maximum(x.sum(axis=1), 1) ** -spread
    shared = (x * weight[:, None]).T @ x
    expected = shared / (np.sqrt(np.outer(shared.diagonal(), shared.diagonal())) + 2 * weight.mean())
    np.fill_diagonal(expected, 0)
    found = similarity_matrix(fit(ItemItem(neighbours=ITEMS, shrink=2, spread=spread)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_jaccard_is_the_intersection_over_the_union():
    sets = [set(np.flatnonzero(column)) for column in members_of().T]
    found = similarity_matrix(fit(ItemItem(similarity="jaccard", neighbours=ITEMS, shrink=0, spread=0)))
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            if i != j:
                assert found[i, j] == pytest.approx(len(one & other) / len(one | other))


def test_only_the_most_similar_neighbours_are_kept_best_first():
    full, few = fit(ItemItem(neighbours=ITEMS)), fit(ItemItem(neighbours=3))
    assert few.ids.tolist() == full.ids[:, :3].tolist()
    assert (np.diff(full.similarities, axis=1) <= 0).all()


def test_scores_are_the_sum_over_a_history_that_fades():
    fitted = fit(ItemItem(neighbours=ITEMS, half_life="7d"))
    none = np.empty((1, 0), np.int32)
    history_ts = np.array([[20 * DAY, 13 * DAY]])
    history = np.array([[3, 8]], np.int32)
    asked = Queries(np.array([21 * DAY]), np.array([-1]), history, history_ts, none, np.zeros(ITEMS, np.int64))
    answer = fitted.retrieve(asked, ITEMS)
    similarities = similarity_matrix(fitted)
    expected = similarities[3] + 0.5 * similarities[8]
    there = answer.ids[0] >= 0
    assert set(answer.ids[0][there]) == set(np.flatnonzero(expected))
    np.testing.assert_allclose(answer.scores[0][there], expected[answer.ids[0][there]], rtol=1e-5)


def test_a_neighbour_outside_the_catalogue_is_refused():
    arrays = fit(ItemItem()).to_arrays()
    ids = arrays["ids"].copy()
    ids[0, 0] = ITEMS
    with pytest.raises(ReleaseError, match="ids"):
        ItemItemFitted.from_arrays({**arrays, "ids": ids})
    with pytest.raises(ReleaseError, match="similarities"):
        ItemItemFitted.from_arrays({**arrays, "similarities": np.ones_like(arrays["similarities"])})


def test_settings_of_nothing_are_refused():
    with pytest.raises(DesignError, match="neighbours"):
        ItemItem(neighbours=0)
    with pytest.raises(DesignError, match="shrink"):
        ItemItem(shrink=-1)
