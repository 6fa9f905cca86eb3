"""A log of times replayed online against batch, and what is under way against a count by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
from msgspec import structs

from sixfold import golden, upkeep
from sixfold.evaluation.skew import verify_log
from sixfold.events.places import Area
from sixfold.events.schema import concat
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


def test_a_place_outside_the_area_is_unknown_to_training_and_service_alike(timed):
    events = list(timed.workspace.batches())
    north = float(np.median(concat(events).decisions["context.drop_lat"]))
    area = Area(north - 1, -179, north, 179)
    problem = structs.replace(timed.design.problem, decides=structs.replace(timed.design.estimate, area=area))
    design = structs.replace(timed.design, problem=problem)
    material = prepare(design, events)
    lat = concat(events).decisions["context.drop_lat"]
    assert (np.isnan(material.log.decisions["context.drop_lat"]) == (lat > north)).all()
    assert material.features.area == area
    outside = material.features.asked({"drop_lat": north + 0.1, "drop_lon": 4.9})
    assert np.isnan([outside[f"context.drop_{end}"][0] for end in ("lat", "lon")]).all()
    assert not verify_log(design, events, most=120)
    model = timed.trained.release.estimator
    served = dataclasses.replace(model, features=structs.replace(model.features, area=area))
    kept = golden.sample(served, concat(events))
    far = kept.rows[:, model.columns.index("distance(store, context.drop)")]
    assert np.isnan(far).any() and not np.isnan(far).all()
    golden.check(served, kept)
    assert upkeep.signature(served.features, None) != upkeep.signature(model.features, None)
