"""The table of an evaluation: every system on the same rows, slices, and what is left out and said."""

from __future__ import annotations

import numpy as np
import pytest
from tests.training.logs import without_decisions

from sixfold.evaluation.evaluate import POPULARITY, Contest, contest
from sixfold.evaluation.results import Evaluation
from sixfold.events.schema import concat
from sixfold.journey import LINEAR
from sixfold.metrics import binary
from sixfold.training import run
from sixfold.training.cache import Cache
from sixfold.training.material import prepare
from sixfold.training.run import Stages


@pytest.fixture(scope="module")
def entered(tiny) -> Contest:
    made = contest(tiny.ready, Stages())
    made.enter_sources()
    made.enter_model("forest", tiny.trained.release.model)
    return made


@pytest.fixture(scope="module")
def found(tiny) -> Evaluation:
    return tiny.trained.evaluation


def test_every_source_and_model_has_a_row(tiny, found):
    assert list(found.systems) == [POPULARITY, "recent", "ease", LINEAR, "forest"]
    assert (found.chosen, found.yardstick) == ("forest", "nDCG@10")
    for measures in found.systems.values():
        assert {"nDCG@10", "recall@10", "coverage of video", "novelty"} <= set(measures)


def test_only_models_have_probabilities(found):
    assert "AUC" in found.systems[POPULARITY] and "log loss" not in found.systems[POPULARITY]
    assert not {"AUC", "log loss"} & set(found.systems["recent"])
    assert {"log loss", "normalised entropy", "calibration", "AUC"} <= set(found.systems["forest"])
    assert {"seconds: RMSE", "seconds: MAE", "seconds: bias"} <= set(found.systems["forest"])


def test_what_the_design_wants_is_measured(tiny, found):
    for target in (*tiny.design.metrics.offline, *tiny.design.metrics.guardrails):
        assert found.find(target.metric) is not None, str(target)


def test_rows_entered_alone_give_the_released_numbers(tiny, entered, found):
    assert entered.systems["forest"] == found.systems["forest"]
    assert entered.systems[POPULARITY] == found.systems[POPULARITY]


def test_auc_is_that_of_all_test_rows_at_the_logged_position(tiny, found):
    rows = tiny.ready.test
    assert rows.examples.position.max() > 1
    predicted = tiny.trained.release.model.heads.columns(rows.table)["watch"]
    measured = found.systems["forest"]["AUC"]
    assert measured.value == pytest.approx(binary.auc(rows.examples.labels["watch"], predicted))
    assert measured.n == len(rows.examples) == found.counts["test rows"]
    assert measured.low < measured.value < measured.high


def test_differences_are_paired_and_sum_up(found):
    for name in (POPULARITY, "recent", "ease", LINEAR):
        ours, theirs = found.systems["forest"]["nDCG@10"].value, found.systems[name]["nDCG@10"].value
        assert found.ahead[name].value == pytest.approx(ours - theirs)
    gap = found.systems["forest"]["AUC"].value - found.systems[LINEAR]["AUC"].value
    assert found.ahead_shown[LINEAR].value == pytest.approx(gap)
    assert set(found.ahead_shown) == {POPULARITY, LINEAR}


def test_slices_part_the_test(tiny, found):
    assert set(found.slices) == {"member.is_new", "video.age", "context.device"}
    for values in found.slices.values():
        assert sum(measures["AUC"].n for measures in values.values()) == found.counts["test rows"]
    rows = tiny.ready.test.examples
    history = tiny.material.known.queries(rows.pool.asks).history
    new = (history < 0).all(axis=1)[rows.pool.ask]
    assert found.slices["member.is_new"]["new"]["AUC"].n == new.sum()


def test_tenths_hold_all_rows(found):
    assert sum(one.n for one in found.bins["watch"]) == found.counts["test rows"]
    assert all(0 <= one.predicted <= 1 and 0 <= one.observed <= 1 for one in found.bins["watch"])


def test_importance_is_by_column_and_sums_to_a_hundred(tiny, found):
    assert set(found.importance) == set(tiny.trained.release.model.columns)
    assert sum(found.importance.values()) == pytest.approx(100, abs=0.1)
    assert list(found.importance.values()) == sorted(found.importance.values(), reverse=True)


def test_counts_are_those_of_the_log(tiny, found):
    log = concat(tiny.batches)
    assert found.counts["decisions"] == len(log.decisions["ts"])
    assert found.counts["impressions"] == len(log.shown["item"])
    assert found.counts["test members with history"] + found.counts["test members without history"] == len(
        np.unique(slate_members(tiny))
    )


def slate_members(tiny) -> np.ndarray:
    cuts, watch = tiny.material.cuts, tiny.material.log.outcomes["watch"]
    return watch["member"][(watch["ts"] >= cuts.third) & (watch["ts"] < cuts.end) & (watch["value"] >= 30)]


def test_the_funnel_never_gains(found):
    stages = {one.stage: one for one in found.funnel}
    whole = stages["all sources, filtered"]
    assert all(stages[name].recall <= whole.recall for name in ("popular", "recent", "ease", "slate"))
    assert stages["slate"].candidates <= whole.candidates


def test_rows_are_told_as_they_come(tiny):
    told = []
    contest(tiny.ready, Stages(), lambda name, measures: told.append(name)).enter_sources()
    assert told == [POPULARITY, "recent", "ease"]


def test_a_log_of_interactions_has_slates_only_and_says_so(tiny):
    design = tiny_without_impressions(tiny)
    material = prepare(design, [without_decisions(concat(tiny.batches))])
    ready = run.ready(material, Cache(), Stages())
    made = contest(ready, Stages())
    made.enter_sources()
    model = run.fit(ready, design.learning.ranker, Stages())
    made.enter_model("forest", model)
    found = made.finish("forest", model, Stages())
    assert "AUC" not in found.systems["forest"] and "nDCG@10" in found.systems["forest"]
    assert (found.slices, found.bins, found.ahead_shown, found.counts["decisions"]) == ({}, {}, {}, 0)
    assert any("the log has no decisions" in note for note in found.notes)


def tiny_without_impressions(tiny):
    from tests.tiny import design

    from sixfold.language import age, attribute, count, outcome

    features = (attribute("video.genre"), age("video.published"), count("watch", by="video", window="1d"))
    return design(features=features, history=outcome("watch"), heads={}, value=None)
