"""The world of the benchmark, at a small dial, and the workspace that Sixfold makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.peers import ours
from benchmarks.peers.data import COLUMNS, EACH, HISTORY, Data, Size, exact, make, recall
from benchmarks.peers.design import als, queries

from sixfold import pipeline
from sixfold.types import Asks

SMALL = Size(3_000, 200, 6_000)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    return make(tmp_path_factory.mktemp("world"), SMALL, "spread")


def test_the_norms_are_what_they_are_called(data, tmp_path):
    spread = np.log(np.linalg.norm(data.vectors, axis=1))
    assert abs(spread.std() - 1) < 0.05
    equal = make(tmp_path, SMALL, "equal")
    np.testing.assert_allclose(np.linalg.norm(equal.vectors, axis=1), 1, atol=1e-5)
    assert (equal.history == data.history).all(), "nothing else differs"


def test_the_newest_watches_make_a_history(data):
    watched = data.outcome_kind == 0
    member = int(data.outcome_member[watched][-1])
    mine = data.outcome_item[watched & (data.outcome_member == member)][::-1][:HISTORY]
    assert data.history[member].tolist() == mine.tolist() + [-1] * (HISTORY - len(mine))


def test_members_ask_with_what_the_source_solves_for(data):
    solved = als(data.vectors).fold_in(queries(data.history[:20], SMALL.items))
    np.testing.assert_allclose(data.member_vectors[:20], solved, rtol=1e-4, atol=1e-6)


def test_exact_and_recall(data):
    query = data.member_vectors[data.asked[0]]
    best = np.sort(data.vectors @ query)[::-1][:EACH]
    np.testing.assert_allclose(data.vectors[data.exact[0]] @ query, best, rtol=1e-6)
    assert recall(data.exact[:5], data.exact[:5]) == 1
    assert recall(np.array([[1, 2]]), np.array([[2, 3]])) == 0.5
    assert exact(data.vectors, query[None], 3).tolist() == [data.exact[0][:3].tolist()]


def test_a_decision_of_the_workspace_is_the_work_that_is_claimed(data):
    workspace = ours.build(data)
    release = workspace.current()
    state = workspace.state(release)
    assert len(release.model.columns) == COLUMNS
    assert state.ids["video"].names()[[0, -1]].tolist() == [b"v0", b"v2999"]
    row = state.ids["member"].rows(np.array([b"m7"]))
    asks = Asks(row, np.array([state.now() + 1]), {"context.device": np.zeros(1, np.uint64)})
    decided = pipeline.decide(release.model, state, asks)
    watched = data.history[7][data.history[7] >= 0]
    assert 1.2 * EACH < len(decided.pool) <= 2 * EACH
    assert len(set(decided.slate[0].tolist())) == 20 and not np.isin(decided.pool.item, watched).any()
    nearest = decided.pool.item[decided.pool.ranks[:, 0] == 0]
    free = ~np.isin(np.arange(SMALL.items), watched)
    assert nearest[0] == np.argmax(np.where(free, data.vectors @ data.member_vectors[7], -np.inf))
    assert ours.build(data).current_id() == release.id, "what is there is not built again"
