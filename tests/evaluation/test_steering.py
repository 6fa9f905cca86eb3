"""What is judged is what would have been served: the same log, gone through offline and by the service's own state."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pytest
from tests.tiny_times import WORLD, TinyTimes

from sixfold import journey
from sixfold.errors import DesignError
from sixfold.estimate import Estimated, Estimator, estimated
from sixfold.estimation.adaptive import Adaptive
from sixfold.estimation.open import Open
from sixfold.evaluation.estimates import UNSTEERED
from sixfold.evaluation.steering import as_served
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import ESTIMATE, Events, concat
from sixfold.features.store import Store
from sixfold.following import forecast, steered, watched
from sixfold.metrics.spec import covered
from sixfold.training import estimates
from sixfold.training.estimates import Timed
from sixfold.training.material import Material

BOTH = Adaptive(steps=(0.02, 0.1), by="store", by_steps=(0.05,))


@dataclass(frozen=True)
class Judged:
    material: Material
    test: Timed
    model: Estimator
    given: Estimated

    def by(self, adaptive: Adaptive | None) -> Estimator:
        """The model, of a design that steers so."""
        learning = msgspec.structs.replace(self.model.design.learning, adaptive=adaptive)
        return replace(self.model, design=msgspec.structs.replace(self.model.design, learning=learning))


@pytest.fixture(scope="module")
def judged(timed: TinyTimes) -> Judged:
    release = timed.trained.release
    material = journey.prepared_for(release, WORLD.events())
    test = estimates.rows(material, material.cuts.third, material.cuts.end)
    return Judged(material, test, release.estimator, estimated(release.estimator, test.table))


def only(given: Estimated, row: int) -> Estimated:
    return Estimated(*(getattr(given, name)[row : row + 1] for name in Estimated.__slots__))


def logged(judged: Judged, model: Estimator) -> Events:
    """The log of the test as a service would have it: its decisions carry what was forecast, before any steering."""
    log = concat(list(WORLD.events())).between(judged.material.cuts.third, judged.material.cuts.end)
    rows = {one: row for row, one in enumerate(judged.test.decision.tolist())}
    nothing = np.zeros(len(model.levels))
    at = [rows.get(one) for one in hash_strings(log.decisions["id"]).tolist()]
    told = [{} if row is None else forecast(model, only(judged.given, row), nothing) for row in at]
    columns = {
        ESTIMATE + name: np.array([one.get(name, np.nan) for one in told]) for name in watched(model.design).forecast
    }
    return Events(log.entities, log.decisions | columns, outcomes=log.outcomes)


@pytest.mark.parametrize("adaptive", [Adaptive(), BOTH])
def test_judged_is_what_the_state_of_a_service_would_have_told(judged: Judged, adaptive: Adaptive):
    model = judged.by(adaptive)
    log, state = logged(judged, model), Open(watched(model.design), Store())
    ids = hash_strings(log.decisions["id"])
    found = as_served(judged.material, judged.test, model, judged.given)
    since, far = judged.material.cuts.third, 0.0
    for row, (decision, ts) in enumerate(zip(judged.test.decision, judged.test.frame.ts.tolist(), strict=True)):
        if ts > since:
            state.apply(concat([log.between(since, ts), tick(ts - 1)]))
            since = ts
        entity = log.decisions["store"][ids == decision][0].decode()
        offset = state.offset({"store": entity})
        assert offset is not None
        told = steered(model, only(judged.given, row), offset)
        np.testing.assert_allclose(found.quantiles[row], told.quantiles[0], rtol=1e-6)
        assert found.promised_s[row] == told.promised_s[0]
        assert found.mean[row] == pytest.approx(told.mean[0], rel=1e-6)
        far = max(far, float(np.abs(offset).max()))
    assert far > 0.02, "nothing was steered, so nothing was tested"


def tick(ts: int) -> Events:
    """An event that says how late it is, and no more."""
    table = {"id": np.array([str(ts).encode()]), "ts": np.array([ts]), "decision": np.array([b""]), "value": np.ones(1)}
    return Events(outcomes={"clock": table})


def test_without_steering_nothing_changes(judged: Judged):
    assert as_served(judged.material, judged.test, judged.by(None), judged.given) is judged.given


def test_an_outcome_steers_nobody_who_asked_before_it_was_settled(judged: Judged):
    """Leaks would show: had the last half of the orders taken ten times as long, the first half would be told the same."""
    label = judged.material.design.requirements.label.name
    middle = int(np.median(judged.test.frame.ts))
    table = judged.material.log.outcomes[label]
    slower = table | {"value": np.where(table["ts"] >= middle, table["value"] * 10, table["value"])}
    log = replace(judged.material.log, outcomes=judged.material.log.outcomes | {label: slower})
    model = judged.by(BOTH)
    before, after = (
        as_served(material, judged.test, model, judged.given).quantiles
        for material in (judged.material, replace(judged.material, log=log))
    )
    early = judged.test.frame.ts <= middle
    np.testing.assert_array_equal(before[early], after[early])
    assert (after[~early][-20:] > before[~early][-20:] + 1).any()


def test_an_entity_that_features_do_not_know_is_named(judged: Judged):
    with pytest.raises(DesignError, match=r"adaptive\.by is 'stor'.*did you mean 'store'"):
        as_served(judged.material, judged.test, judged.by(Adaptive(by="stor")), judged.given)


def test_an_evaluation_shows_what_steering_did(timed: TinyTimes):
    release = timed.trained.release
    learning = msgspec.structs.replace(release.design.learning, adaptive=BOTH)
    design = msgspec.structs.replace(release.design, learning=learning)
    found = journey.train(design, WORLD.events(), world=WORLD.truth()).evaluation
    plain, as_told = found.systems[f"quantiles, {UNSTEERED}"], found.systems["quantiles"]
    unsteered = timed.trained.evaluation.systems
    design_steers = timed.design.learning.adaptive is not None
    name = str(covered())
    same = unsteered[f"quantiles, {UNSTEERED}"] if design_steers else unsteered["quantiles"]
    assert plain[name].value == same[name].value
    assert as_told[name].value != plain[name].value
    assert found.systems["the truth"] == unsteered["the truth"]
