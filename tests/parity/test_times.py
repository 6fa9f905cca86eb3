"""A log of times replayed online against batch, and what is under way against a count by hand."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
from msgspec import structs

from sixfold import golden, upkeep
from sixfold.evaluation.skew import verify_log
from sixfold.events.places import Area
from sixfold.events.schema import concat
from sixfold.features import fit, words
from sixfold.features.batch import Batch
from sixfold.features.indexed import Frame
from sixfold.features.online import State
from sixfold.features.source import Wanted, look
from sixfold.features.store import Store
from sixfold.features.table import Fitted
from sixfold.training.estimates import frame_of
from sixfold.training.material import prepare
from sixfold.types import SECOND


def test_online_is_batch(timed):
    """Places, what is under way, and cells of what decisions were asked with, of a day's last orders."""
    found = verify_log(timed.design, list(timed.workspace.batches()), most=120)
    assert not found, [str(difference) for difference in found.differences]
    assert found.rows == 120


USUAL = words.expected(
    "delivered", words.context("rain"), words.expression("items / (couriers_free + 1)"), words.hour(), words.weekday(),
    words.attribute("store.capacity"), words.distance("store", "context.drop"),
)  # fmt: skip


def over_what_is_usual(timed):
    """The design with means of what is left over an expectation, and local time."""
    over = [
        words.mean("delivered", by=by, half_life=half_life, prior=2, over=USUAL)
        for by in ("store", (), "context.drop@14", ("store", "context.rain")) for half_life in ("1h", "3d")
    ]  # fmt: skip
    learning = structs.replace(timed.design.learning, features=(USUAL, words.hour(), words.weekday(), *over))
    wants = structs.replace(timed.design.requirements, timezone="America/New_York")
    return structs.replace(timed.design, learning=learning, requirements=wants)


def test_online_is_batch_over_what_is_usual(timed):
    design, batches = over_what_is_usual(timed), list(timed.workspace.batches())
    found = verify_log(design, batches, most=150)
    assert not found, [str(difference) for difference in found.differences]
    material = prepare(design, batches)
    table = material.features.matrix(material.known, frame_of(material, material.log.decisions["id"]))
    assert np.nanstd(table[200:], axis=0).min() > 1e-4, "a constant column would make the comparison pass"


def test_one_batch_or_many_give_the_same_sums(timed):
    """Also where an outcome comes in the batch of its decision."""
    design = over_what_is_usual(timed)
    events = concat(list(timed.workspace.batches()))
    material = prepare(design, [events])
    states = [State(material.features, None, Store(), ids=material.ids) for _ in range(2)]
    states[0].apply(events)
    cuts = np.linspace(*events.span(), 9, dtype=np.int64)
    for start, stop in zip([np.iinfo(np.int64).min, *cuts.tolist()], [*cuts.tolist(), 2**62], strict=True):
        states[1].apply(events.between(start, stop))
    frame = frame_of(material, material.log.decisions["id"])
    late = Frame(np.full(len(frame), events.span()[1] + 1), frame.keys, frame.context, frame.position)
    one, many = (material.features.matrix(state, late) for state in states)
    np.testing.assert_allclose(one, many, rtol=1e-6)


def test_what_is_usual_is_learned_from_before_the_cut(timed):
    """What became known later changes nothing of it, and what was known before does."""
    design, batches = over_what_is_usual(timed), list(timed.workspace.batches())
    material = prepare(design, batches)
    log, (fitted,) = material.log, material.features.expectations.values()

    def again(changed):
        table = log.outcomes["delivered"] | {"value": np.where(changed, 60.0, log.outcomes["delivered"]["value"])}
        other = replace(log, outcomes={**log.outcomes, "delivered": table})
        found = fit.fit(
            design.learning.features, other, until=material.cuts.first, timezone=design.requirements.timezone,
            source=Batch(other, material.ids, None),
        )  # fmt: skip
        return next(iter(found.expectations.values()))

    late = log.outcomes["delivered"]["ts"] >= material.cuts.first
    assert late.any() and again(late) == fitted
    assert again(~late) != fitted


def test_a_state_over_another_expectation_is_another(timed):
    """Its sums are; a service that takes a new release builds them anew."""
    design = over_what_is_usual(timed)
    features = prepare(design, timed.workspace.batches()).features
    ((name, usual),) = features.expectations.items()
    other = {name: structs.replace(usual, base=usual.base + 1)}
    assert upkeep.signature(features, None) != upkeep.signature(structs.replace(features, expectations=other), None)
    assert upkeep.signature(features, None) == upkeep.signature(
        msgspec.json.decode(msgspec.json.encode(features), type=Fitted), None
    )


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
    served = replace(model, features=structs.replace(model.features, area=area))
    kept = golden.sample(served, concat(events))
    far = kept.rows[:, model.columns.index("distance(store, context.drop)")]
    assert np.isnan(far).any() and not np.isnan(far).all()
    golden.check(served, kept)
    assert upkeep.signature(served.features, None) != upkeep.signature(model.features, None)
