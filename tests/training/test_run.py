"""The journey from a log made ready to a model, end to end on a tiny world."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.language import Linear
from sixfold.metrics import binary
from sixfold.training import run
from sixfold.training.cache import Cache
from sixfold.training.run import Stages


def test_three_spans_of_rows_with_their_tables(tiny):
    ready, cuts = tiny.ready, tiny.material.cuts
    spans = {
        "training": (cuts.first, cuts.second),
        "calibrating": (cuts.second, cuts.third),
        "test": (cuts.third, cuts.censored),
    }
    for name, (start, stop) in spans.items():
        rows = getattr(ready, name)
        assert len(rows.examples) and ((rows.examples.ts >= start) & (rows.examples.ts < stop)).all()
        assert rows.table.shape == (len(rows.examples), len(tiny.trained.release.model.columns))


def test_only_training_rows_are_sampled(tiny):
    rates = {
        name: getattr(tiny.ready, name).examples.labels["watch"].mean() for name in ("training", "calibrating", "test")
    }
    assert rates["training"] > 1.4 * max(rates["calibrating"], rates["test"])


def test_the_same_model_with_and_without_a_cache(tiny):
    bare = run.ready(tiny.material, Cache(), Stages())
    for part in ("training", "calibrating", "test"):
        np.testing.assert_array_equal(getattr(bare, part).table, getattr(tiny.ready, part).table)
    model = run.fit(bare, tiny.design.learning.ranker, Stages())
    released = tiny.trained.release.model
    np.testing.assert_array_equal(model.heads.score(bare.test.table), released.heads.score(bare.test.table))


def test_it_learned_something_about_what_it_never_saw(tiny):
    label = tiny.ready.test.examples.labels["watch"]
    for ranker in (Linear(), tiny.design.learning.ranker):
        model = run.fit(tiny.ready, ranker, Stages())
        predicted = model.heads.columns(tiny.ready.test.table)["watch"]
        assert binary.auc(label, predicted) > 0.58
        assert predicted.mean() / label.mean() == pytest.approx(1, abs=0.25)


def test_sources_are_fitted_on_their_own_part(tiny):
    cuts = tiny.material.cuts
    fitted = run.fit_sources(tiny.material, cuts.first, Cache(), Stages())
    did = tiny.material.interactions(tiny.design.history).before(cuts.first)
    weight = np.exp2(-(did.ts.max() - did.ts) / (2 * 86_400e6))
    expected = np.bincount(did.item, weight, minlength=did.items)
    np.testing.assert_allclose(fitted["popular"].counts, expected, rtol=1e-6)


def test_stages_add_up_what_is_done_twice():
    told = []
    stages = Stages(tell=lambda *progress: told.append(progress))
    for _ in range(2):
        with stages.stage("a"):
            pass
    assert list(stages.seconds) == ["a"] and stages.seconds["a"] >= 0
    assert told == [("a", 0, 1), ("a", 1, 1)] * 2
