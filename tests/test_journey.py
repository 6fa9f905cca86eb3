"""From a log to a judged release, a second time against the champion, and later on a longer log."""

from __future__ import annotations

import msgspec
import pytest

from sixfold import journey
from sixfold.errors import DataError, DesignError
from sixfold.events.schema import Events
from sixfold.language import Forest, Linear, outcome
from sixfold.training.cache import Cache
from sixfold.training.run import Stages
from tests.designs import edited
from tests.tiny import WORLD, design


def test_the_gate_let_the_first_release_through(tiny):
    assert tiny.trained.gate.passed
    assert any("ahead of popularity" in reason for reason in tiny.trained.gate.reasons)
    assert not any("champion" in reason for reason in tiny.trained.gate.reasons)


def test_a_release_carries_its_evaluation(tiny):
    assert journey.evaluation_of(tiny.trained.release) == tiny.trained.evaluation
    judged = dict(journey.verdicts(tiny.trained.release))
    measured = ["problem.assumes[0]", "metrics.offline[0]", "metrics.offline[1]", "metrics.guardrails[0]"]
    assert [path for path, verdict in judged.items() if verdict.status in ("met", "short")] == measured


def test_the_second_time_the_champion_is_to_beat(tiny, tmp_path):
    again = journey.train(
        tiny.design, tiny.batches, into=tmp_path, cache=Cache(tiny.workspace.cache), champion=tiny.trained.release
    )
    assert again.release.id == tiny.trained.release.id, "the same design on the same log is the same release"
    found = again.evaluation
    champion, forest = found.systems["champion"], found.systems["forest"]
    assert {name: m for name, m in champion.items() if ":" not in name} == {
        name: m for name, m in forest.items() if ":" not in name
    }
    assert found.ahead["champion"].value == found.ahead_shown["champion"].value == 0.0
    assert again.gate.passed and any("champion by 0.0000 AUC" in reason for reason in again.gate.reasons)


def test_a_champion_of_another_label_is_judged_on_the_challengers(tiny, tmp_path):
    """It was trained for watches of 30 s; now those of 200 s count, of which other members have any."""
    longer = outcome("watch", at_least=200)
    changed = edited("requirements", of=design(heads={}, value=None), label=longer)
    changed = msgspec.structs.replace(
        changed, learning=msgspec.structs.replace(changed.learning, history=outcome("watch"))
    )
    found = journey.train(changed, tiny.batches, into=tmp_path, champion=tiny.trained.release).evaluation
    assert found.systems["champion"]["nDCG@10"].n == found.systems["forest"]["nDCG@10"].n
    assert found.systems["champion"]["AUC"].n == found.systems["forest"]["AUC"].n


def test_a_worse_challenger_is_stopped(tiny, tmp_path):
    worse = design(ranker=Forest(trees=1, depth=1, learning_rate=0.01), retrievers=design().learning.retrievers[:1])
    done = journey.train(worse, tiny.batches, into=tmp_path, champion=tiny.trained.release)
    assert not done.gate.passed
    assert done.release.path is not None and done.release.path.exists(), "written all the same"


def test_evaluating_what_was_published_gives_what_was_published(tiny):
    found = journey.evaluate(tiny.trained.release, tiny.batches, cache=Cache(tiny.workspace.cache), world=WORLD.truth())
    assert found.systems == tiny.trained.evaluation.systems
    assert found.truth == tiny.trained.evaluation.truth


def test_evaluating_on_a_longer_log_tests_on_all_that_came_after(tiny):
    cuts = tiny.trained.release.manifest.cuts
    some = [events.before(cuts.third + (cuts.end - cuts.third) * 3 // 4) for events in tiny.batches]
    held = journey.evaluate(tiny.trained.release, some)
    longer = journey.evaluate(tiny.trained.release, tiny.batches)
    assert held.counts["test rows"] < longer.counts["test rows"]


def test_a_linear_ranker_is_its_own_baseline(tiny, tmp_path):
    done = journey.train(design(ranker=Linear()), tiny.batches, into=tmp_path)
    assert done.evaluation.chosen == "linear" and "forest" not in done.evaluation.systems
    assert done.evaluation.importance == {}


def test_stages_are_told_and_timed(tiny, tmp_path):
    told = []
    stages = Stages(tell=lambda stage, done, total: told.append(stage))
    rows = []
    journey.train(
        tiny.design, tiny.batches, into=tmp_path, cache=Cache(tiny.workspace.cache), stages=stages,
        row=lambda name, measures: rows.append(name),
    )  # fmt: skip
    assert rows == ["popularity", "recent", "ease", "linear", "forest"]
    assert {"reading the log", "retriever ease", "rows for training", "ranker forest", "writing the release"} <= set(
        told
    )
    assert set(stages.seconds) == set(told)


def test_quick_is_the_same_design_with_less_learning():
    quick = journey.quick(design(ranker=Forest(trees=300)))
    assert quick.learning.ranker.trees == 80 and quick.learning.sample == 0.34
    assert journey.quick(design(ranker=Linear())).learning.ranker == Linear()
    assert msgspec.structs.replace(quick, learning=design().learning) == design()


def test_a_design_with_an_error_is_not_trained(tiny):
    wrong = edited("problem.decides", of=tiny.design, to="membr")
    with pytest.raises(DesignError, match="membr"):
        journey.train(wrong, tiny.batches)


def test_a_log_that_cannot_feed_the_design_is_refused(tiny):
    with pytest.raises(DataError, match="the log is empty"):
        journey.train(tiny.design, [])
    with pytest.raises(DataError, match="has no outcome 'watch'"):
        journey.train(tiny.design, [Events(decisions=tiny.batches[1].decisions)])
    with pytest.raises(DataError, match=r"too little to cut time in four|shorter than the attribution window"):
        journey.train(tiny.design, tiny.batches[:2])
