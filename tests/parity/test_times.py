"""A log of times replayed online against batch, and what is under way against a count by hand."""

from __future__ import annotations

import numpy as np

from sixfold.evaluation.skew import verify_log
from sixfold.features import words
from sixfold.features.batch import Batch
from sixfold.features.indexed import Frame
from sixfold.features.source import Wanted, look
from sixfold.training.material import prepare
from sixfold.types import SECOND


def test_online_is_batch(timed):
    """Places, what is under way, and cells of what decisions were asked with, of a day's last orders."""
    found = verify_log(timed.design, list(timed.workspace.batches()), most=120)
    assert not found, [str(difference) for difference in found.differences]
    assert found.rows == 120


def test_what_is_under_way_is_what_a_count_finds(timed):
    """With a half-life of centuries an order counts 1 until it ends, and nothing after."""
    material = prepare(timed.design, timed.workspace.batches())
    log = material.log
    feature = words.under_way("delivered", "cancelled", by="store", half_life="50000d")
    at = np.sort(np.random.default_rng(0).choice(len(log.decisions["ts"]), 60, replace=False))
    ts, store = log.decisions["ts"][at], log.decisions["store"][at]
    frame = Frame(ts, {"store": store}, {}, np.ones(len(at), np.int16))
    batch = Batch(log, material.ids, None)
    got = feature.combine(list(batch.totals(Wanted(feature.accumulators()), look(batch, frame))))
    ended = {}
    for name in ("delivered", "cancelled"):
        table = log.outcomes[name]
        ended |= dict(zip(table["decision"].tolist(), table["ts"].tolist(), strict=True))
    never = np.iinfo(np.int64).max
    end = np.array([ended.get(one, never) for one in log.decisions["id"].tolist()])
    asked, of = log.decisions["ts"], log.decisions["store"]
    expected = [
        int(((of == row) & (asked < now) & (end >= now)).sum())
        for now, row in zip(ts.tolist(), store.tolist(), strict=True)
    ]
    assert max(expected) > 1
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_an_order_that_never_ends_is_forgotten_in_the_end(timed):
    feature = words.under_way("delivered", "cancelled", half_life="2h")
    material = prepare(timed.design, timed.workspace.batches())
    last = int(material.log.decisions["ts"].max()) + 10 * 86_400 * SECOND
    frame = Frame(np.array([last]), {}, {}, np.ones(1, np.int16))
    batch = Batch(material.log, material.ids, None)
    assert feature.combine(list(batch.totals(Wanted(feature.accumulators()), look(batch, frame))))[0] == 0
