"""Impressions left to chance: which they are, what they weigh, and that they undo what the log's policy chose."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from sixfold.evaluation import explored
from sixfold.evaluation.evaluate import contest
from sixfold.metrics import binary
from sixfold.policy.exploration import explore
from sixfold.training.run import Stages


def test_what_was_chosen_counts_nothing_and_the_rest_by_how_unlikely_it_was():
    weight = explored.weights(np.array([1.0, 0.9, 0.5, 0.25, 0.1, np.nan, 0.0], np.float32))
    assert weight[[0, 1, 2, 5, 6]].tolist() == [0] * 5
    np.testing.assert_allclose(weight[3:5], [4, 10])


def test_a_weight_is_at_most_ten_medians():
    weight = explored.weights(np.array([0.1, 0.1, 0.1, 1e-8]))
    np.testing.assert_allclose(weight, [10, 10, 10, 100])


def test_without_exploration_there_is_nothing():
    assert not explored.weights(np.ones(5)).any() and not explored.weights(np.empty(0)).any()
    assert not explored.enough(np.zeros(5, np.float32), np.zeros(5))


def test_enough_is_counted_by_what_weights_are_worth():
    label = np.repeat([1.0, 0.0], 30).astype(np.float32)
    assert explored.enough(label, np.ones(60))
    lopsided = np.ones(60)
    lopsided[0] = 1000
    assert not explored.enough(label, lopsided)
    assert not explored.enough(np.zeros(60, np.float32), np.ones(60))


def test_it_tells_who_knows_more_where_the_slates_themselves_mislead():
    """The champion's own choices are all it likes, so they flatter it: truth is told by the places left to chance."""
    rng = np.random.default_rng(0)
    items, size, share = 60, 8, 0.3
    label, ours, champion, propensity = [], [], [], []
    for _ in range(1500):
        truth, blind = rng.normal(size=items), rng.normal(size=items)
        better, worse = truth + rng.normal(size=items), truth + 2 * blind
        ranked = np.argsort(-worse).astype(np.int32)
        places, chance = explore(ranked, size, share=share, rng=rng)
        shown = ranked[places]
        label.append(rng.random(size) < 1 / (1 + np.exp(2 - truth[shown])))
        ours.append(better[shown])
        champion.append(worse[shown])
        propensity.append(chance)
    y, a, b, p = (np.concatenate(one) for one in (label, ours, champion, propensity))
    weight = explored.weights(p)
    everyone_a, everyone_b = rng.normal(size=200_000), rng.normal(size=200_000)
    liked = rng.random(200_000) < 1 / (1 + np.exp(2 - everyone_a))
    known = [
        binary.auc(liked, everyone_a + scale * noise)
        for scale, noise in ((1, rng.normal(size=200_000)), (2, everyone_b))
    ]
    assert binary.auc(y, a, weight=weight) == pytest.approx(known[0], abs=0.025)
    assert binary.auc(y, b, weight=weight) == pytest.approx(known[1], abs=0.025)
    # Over all that was shown the better one seems to know less than it does.
    assert binary.auc(y, a) < known[0] + 0.01


def test_propensities_are_those_of_the_test_rows(tiny):
    rows = tiny.ready.test.examples
    found = explored.propensities(tiny.material, rows)
    shown = tiny.material.log.shown
    columns = (shown[name].tolist() for name in ("ts", "member", "video", "position"))
    by_key = dict(zip(zip(*columns, strict=True), shown["propensity"].tolist(), strict=True))
    keys = zip(*(column.tolist() for column in (rows.ts, rows.member, rows.pool.item, rows.position)), strict=True)
    assert found.tolist() == [by_key[key] for key in keys]


def test_rows_that_are_not_the_logs_are_refused(tiny):
    rows = tiny.ready.test.examples
    with pytest.raises(ValueError, match="not the impressions"):
        explored.propensities(tiny.material, rows.take(np.arange(1, len(rows) - 1)[::-1]))


def test_systems_are_compared_on_it(tiny):
    found = tiny.trained.evaluation
    assert set(found.ahead_explored) == set(found.ahead_shown)
    weight = explored.weights(explored.propensities(tiny.material, tiny.ready.test.examples))
    rows = tiny.ready.test
    predicted = tiny.trained.release.model.heads.columns(rows.table)["watch"]
    entered = contest(tiny.ready, Stages())
    entered.enter_sources()
    label = rows.examples.labels["watch"]
    gap = binary.auc(label, predicted, weight=weight) - binary.auc(
        label, entered.predicted["popularity"], weight=weight
    )
    assert found.ahead_explored["popularity"].value == pytest.approx(gap)
    assert found.ahead_explored["popularity"].n == int((weight > 0).sum())


def test_a_log_whose_propensities_are_not_known_is_compared_as_a_whole(tiny):
    blind = dict(tiny.material.log.shown) | {
        "propensity": np.full(len(tiny.material.log.shown["ts"]), np.nan, np.float32)
    }
    material = replace(tiny.material, log=replace(tiny.material.log, shown=blind))
    entered = contest(replace(tiny.ready, material=material), Stages())
    entered.enter_sources()
    entered.enter_model("forest", tiny.trained.release.model)
    found = entered.finish("forest", tiny.trained.release.model, Stages())
    assert found.ahead_explored == {} and found.ahead_shown
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
