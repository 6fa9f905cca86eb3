"""The whole journey as two functions: `train` a design on a log into a judged release, `evaluate` a release on a log."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from . import golden
from . import release as releases
from .design import Design
from .errors import DesignError
from .estimation.quantiles import Quantiles
from .evaluation import estimates as judging
from .evaluation import slates, truth
from .evaluation.check import check
from .evaluation.evaluate import POPULARITY, Contest, Row, contest
from .evaluation.gate import Gate, gate
from .evaluation.results import Evaluation
from .events.schema import Events, concat
from .lint import lint
from .loading import checked
from .metrics.interval import Interval
from .metrics.target import Verdict
from .pipeline import Model
from .ranking.forest import Forest
from .ranking.linear import Linear
from .release import Release
from .training import estimates, run
from .training.cache import Cache
from .training.material import Material, prepare
from .training.run import Stages
from .types import Cuts

Known: TypeAlias = truth.World | judging.Oracle
"""A world that knows what slates are worth, or how long things take."""

CHAMPION = "champion"
LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Trained:
    """A release with what was measured of it, and whether the gate lets it be published."""

    release: Release
    evaluation: Evaluation
    gate: Gate


def sound(design: Design) -> Design:
    """The design, checked; raises DesignError with the linter's first error where it has one."""
    design = checked(design)
    wrong = [finding for finding in lint(design) if finding.level == "error"]
    if wrong:
        more = f" (and {len(wrong) - 1} more: 'sixfold validate' lists them)" if len(wrong) > 1 else ""
        raise DesignError(f"{wrong[0].path}: {wrong[0].message}{more}")
    return design


def quick(design: Design) -> Design:
    """The same design, learned in a fraction of the time: fewer trees, a third of the asks."""
    learning = design.learning
    ranker, estimator = learning.ranker, learning.estimator
    if isinstance(ranker, Forest):
        ranker = msgspec.structs.replace(ranker, trees=min(ranker.trees, 80), learning_rate=0.12)
    if isinstance(estimator, Quantiles):
        estimator = msgspec.structs.replace(estimator, trees=min(estimator.trees, 50), learning_rate=0.2)
    less = msgspec.structs.replace(learning, ranker=ranker, estimator=estimator, sample=min(learning.sample, 0.34))
    return msgspec.structs.replace(design, learning=less)


def train(
    design: Design,
    batches: Iterable[Events],
    *,
    into: Path | None = None,
    cache: Cache | None = None,
    champion: Release | None = None,
    world: Known | None = None,
    stages: Stages | None = None,
    row: Row = lambda name, measures: None,
) -> Trained:
    """Train a design on a log, judge it beside its baselines and write the release.

    `into` is the folder of releases (a temporary one where none is given), `champion` the release to beat, `row` is called
    with each system of the table as it is measured. Raises DesignError where the linter finds an error, DataError where the
    log cannot feed the design.
    """
    design = sound(design)
    stages = stages or Stages()
    events = list(batches)
    with stages.stage("reading the log"):
        material = prepare(design, events)
    if design.estimates:
        return _train_estimator(material, events, into, cache or Cache(), champion, world, stages, row)
    ready = run.ready(material, cache or Cache(), stages)
    entered = contest(ready, stages, row)
    entered.enter_sources()
    if champion is not None:
        with stages.stage("judging the champion"):
            _enter_champion(entered, champion, events)
    model = _enter_models(entered, stages)
    found = _finished(entered, _ranker_name(design), model, stages, world)
    with stages.stage("writing the release"):
        written = releases.write(
            into or Path(tempfile.mkdtemp(prefix="sixfold-")), model,
            items=np.array(material.ids[design.item].names()), titles=material.titles(),
            sample=golden.sample(model, concat(events)),
            digest=material.digest, cuts=material.cuts, metrics=msgspec.to_builtins(found),
        )  # fmt: skip
    return Trained(written, found, gate(found))


def evaluate(
    release: Release,
    batches: Iterable[Events],
    *,
    cache: Cache | None = None,
    world: Known | None = None,
    stages: Stages | None = None,
    row: Row = lambda name, measures: None,
) -> Evaluation:
    """Judge a release beside its baselines, on its own test part and on all that the log holds after it."""
    stages = stages or Stages()
    with stages.stage("reading the log"):
        material = prepared_for(release, batches)
    if release.design.estimates:
        timed = _contest(material, estimates.spans(material, cache or Cache(), stages), world, stages, row)
        timed.enter_served(_estimator_name(release.design), release.estimator)
        return timed.finish(_estimator_name(release.design), release.estimator, stages)
    ready = run.ready(material, cache or Cache(), stages)
    entered = contest(ready, stages, row)
    entered.enter_sources()
    entered.enter_model(LINEAR, run.fit(ready, Linear(), stages))
    name = _ranker_name(release.design)
    entered.enter_model(name, release.model)
    return _finished(entered, name, release.model, stages, world)


def _train_estimator(
    material: Material,
    events: list[Events],
    into: Path | None,
    cache: Cache,
    champion: Release | None,
    world: Known | None,
    stages: Stages,
    row: Row,
) -> Trained:
    """The same journey for a design that decides an estimate."""
    design = material.design
    made = estimates.spans(material, cache, stages)
    entered = _contest(material, made, world, stages, row)
    if champion is not None:
        with stages.stage("judging the champion"):
            theirs = prepared_for(champion, events)
            frame = estimates.frame_of(theirs, made.test.decision)
            entered.enter_served(CHAMPION, champion.estimator, champion.features.matrix(theirs.known, frame), frame)
    model = estimates.fit(material, made, design.learning.estimator, stages)
    entered.enter_served(_estimator_name(design), model)
    found = entered.finish(_estimator_name(design), model, stages)
    with stages.stage("writing the release"):
        written = releases.write(
            into or Path(tempfile.mkdtemp(prefix="sixfold-")), model, sample=golden.sample(model, concat(events)),
            digest=material.digest, cuts=material.cuts, metrics=msgspec.to_builtins(found),
        )  # fmt: skip
    return Trained(written, found, gate(found))


def _contest(
    material: Material, made: estimates.Spans, world: Known | None, stages: Stages, row: Row
) -> judging.Contest:
    """Estimates of the test part, with the baselines entered, and the truth where a world tells it."""
    entered = judging.contest(material, made, row)
    entered.enter_baselines(stages)
    if isinstance(world, judging.Oracle):
        with stages.stage("asking the world"):
            entered.enter_truth(world)
    return entered


def prepared_for(release: Release, batches: Iterable[Events]) -> Material:
    """A log made ready as a release has it: its cuts, with the test up to the end of this log, and its vocabularies."""
    design = release.design
    fresh = prepare(design, batches, features=release.features)
    cuts = release.manifest.cuts
    later = Cuts(cuts.start, cuts.first, cuts.second, cuts.third, fresh.cuts.end, fresh.cuts.censored)
    return replace(fresh, cuts=later)


def verdicts(release: Release, served: Mapping[str, Interval] | None = None) -> list[tuple[str, Verdict]]:
    """Each number of a release's design against what was measured of it, and of the service of it."""
    return check(release.design, evaluation_of(release), served)


def evaluation_of(release: Release) -> Evaluation:
    """The evaluation that a release carries."""
    return msgspec.convert(release.metrics, Evaluation)


def _enter_models(entered: Contest, stages: Stages) -> Model:
    """The linear baseline, then the design's own ranker, which is given back."""
    ranker = entered.ready.material.design.learning.ranker
    linear = run.fit(entered.ready, Linear(), stages)
    entered.enter_model(LINEAR, linear)
    if isinstance(ranker, Linear):
        return linear
    model = run.fit(entered.ready, ranker, stages)
    entered.enter_model(_ranker_name(entered.ready.material.design), model)
    return model


def _ranker_name(design: Design) -> str:
    return type(design.learning.ranker).__name__.lower()


def _estimator_name(design: Design) -> str:
    return str(design.learning.estimator.__struct_config__.tag)


def _enter_champion(entered: Contest, champion: Release, events: list[Events]) -> None:
    """The champion on the challenger's test: the same asks, with its own candidates, features and heads."""
    theirs = replace(prepared_for(champion, events), cuts=entered.ready.material.cuts)
    model = champion.model
    entered.enter_other(CHAMPION, model, theirs, slates.again(entered.test, theirs, model.sources))


def _finished(entered: Contest, name: str, model: Model, stages: Stages, world: Known | None) -> Evaluation:
    found = entered.finish(name, model, stages)
    if world is None or isinstance(world, judging.Oracle):
        return found
    material = entered.ready.material
    known = truth.judge(world, material, model.heads.formula, entered.test, entered.shown, name, POPULARITY)
    return msgspec.structs.replace(found, truth=known)
