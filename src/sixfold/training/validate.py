"""What the log says against the design, before an hour is spent on training it.

The rules mirror those of `sixfold.lint`, but have data: each looks at all events at once and says how many are meant.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import durations
from ..design import Design
from ..errors import DesignError, nearest
from ..features.fit import field_of
from ..features.parts import asked, entity_of
from ..features.spec import ASKED, CONTEXT, SHOWN, Accumulating, Position, name_of
from ..lint.features import paths_of, streams_of
from ..lint.finding import Finding, error, spaced, warning
from ..lint.targets import judged, stated
from ..metrics.interval import Interval
from . import integrity, timely
from .evidence import Evidence, Question, in_seconds, within
from .leaks import written_by_label
from .material import Material

LEAST_POSITIVES = 100
"""With fewer, the rate of positives itself is known no better than within 10 %."""

OFF = 1.10
"""A measured load or rate this factor off what the design states contradicts it."""


def lint_data(design: Design, material: Material) -> list[Finding]:
    """Everything in which the log contradicts the design, each with its count; empty where it does not.

    Columns that give the label away need the rows of training: see `leaks.suspicious`.
    """
    evidence = Evidence(design, material)
    questions = (*ALWAYS, *timely.QUESTIONS) if design.estimates else (*ALWAYS, *OF_SLATES)
    return [finding for question in questions for finding in question(evidence)]


def known_streams(evidence: Evidence) -> Iterator[Finding]:
    """A label or a count of an outcome that never comes is 0 everywhere, or ends training halfway."""
    log = evidence.material.log
    for path, stream in streams_of(evidence.design):
        if stream.name == SHOWN and not log.has(stream):
            yield warning(path, "counts what was shown, but the log has 0 impressions; ingest some or drop it")
        elif stream.name not in (SHOWN, ASKED) and not log.has(stream):
            yield error(path, f"the log has no outcome {stream.name!r}; {nearest(stream.name, log.outcomes)}")


def known_cells(evidence: Evidence) -> Iterator[Finding]:
    """An outcome that does not say of which item or member it is cannot be counted by it."""
    log = evidence.material.log
    for i, feature in enumerate(evidence.design.learning.features):
        if not isinstance(feature, Accumulating):
            continue
        for stream in dict.fromkeys(one for one in feature.streams() if one.name in log.outcomes):
            carried = log.stream(stream).keys
            for part in sorted({entity for entity in map(entity_of, feature.by) if entity} - set(carried)):
                yield error(
                    f"learning.features[{i}]",
                    f"{name_of(feature)} is kept by {part!r}, but outcomes {stream.name!r} do not carry it; "
                    f"{nearest(part, carried)}",
                )


def known_fields(evidence: Evidence) -> Iterator[Finding]:
    """An attribute that no entity ever had is a misspelt one."""
    for path, attribute in paths_of(evidence.design):
        try:
            field_of(evidence.material.log, attribute)
        except DesignError as mistake:
            yield error(path, str(mistake))


def known_contexts(evidence: Evidence) -> Iterator[Finding]:
    """The context of a request is known only from logged decisions."""
    log = evidence.material.log
    known = [name.removeprefix(CONTEXT) for name in log.decisions if name.startswith(CONTEXT)]
    for i, feature in enumerate(evidence.design.learning.features):
        for name in (one for one in asked((feature,)) if one not in known):
            why = "decisions have no such context" if evidence.material.has_decisions else "the log has no decisions"
            hint = nearest(name, known)
            yield error(f"learning.features[{i}]", f"context {name!r} cannot be read: {why}; {hint}")


def needs_position(evidence: Evidence) -> Iterator[Finding]:
    """Where the first place gets most outcomes whatever is there, a model without the place takes that for worth."""
    position = evidence.material.log.shown["position"]
    features = evidence.design.learning.features
    if len(position) and position.max() > 1 and not any(isinstance(feature, Position) for feature in features):
        yield warning(
            "learning.features",
            f"{spaced(len(position))} impressions were shown at up to {position.max()} positions, but position() is no "
            "feature, so its effect is taken for the items' worth; add position()",
        )


def measurable(evidence: Evidence) -> Iterator[Finding]:
    """A target that cannot be measured is easily taken for one that was met."""
    if evidence.material.has_decisions:
        return
    for path, target in judged(evidence.design):
        if target.metric.over == "impressions":
            yield warning(
                path,
                f"{target.metric} is over impressions, of which the log has 0; ingest impressions or take a metric "
                "over slates, such as ndcg(at=10)",
            )


def enough_positives(evidence: Evidence) -> Iterator[Finding]:
    """What is fitted or judged on a handful of positives is chance."""
    if not evidence.has_label:
        return
    for part in evidence.parts:
        path = f"learning.split.{part.name}"
        if part.positives == 0 or part.negatives == 0:
            kind = "positives" if part.positives == 0 else "negatives"
            # Without both kinds there is nothing to learn; calibration and metrics are merely undefined.
            level = error if part.name == "ranker" else warning
            yield level(
                path,
                f"the {part.name} part has 0 {kind} ({evidence.design.requirements.label}), so one class only; "
                "ingest a longer log or change the label",
            )
        elif part.positives < LEAST_POSITIVES:
            yield warning(
                path,
                f"the {part.name} part has {part.positives} positives ({evidence.design.requirements.label}), fewer "
                f"than {LEAST_POSITIVES}; ingest a longer log or raise its share",
            )


def long_enough(evidence: Evidence) -> Iterator[Finding]:
    """A part of time shorter than the attribution window holds the effects of decisions from before it."""
    window = durations.parse(evidence.design.requirements.window)
    for part in evidence.parts:
        if part.stop - part.start < window:
            yield warning(
                f"learning.split.{part.name}",
                f"the {part.name} part is {durations.text(part.stop - part.start)} long, shorter than the window of "
                f"{evidence.design.requirements.window}; ingest a longer log or shorten requirements.window",
            )


def stated_rates(evidence: Evidence) -> Iterator[Finding]:
    """Sampling, thresholds and load are planned from the rate of positives; assumptions are there to be tested."""
    n = int(evidence.complete.sum())
    if not n or not evidence.has_label:
        return
    positives = int((evidence.positive & evidence.complete).sum())
    rate, wanted = positives / n, evidence.design.scale.positive_rate
    measured = f"{positives} of {spaced(n)} complete impressions have the label, a rate of {rate:.3g}"
    if wanted is not None and _contradicts(rate, wanted) and abs(positives - wanted * n) > 3 * (wanted * n) ** 0.5:
        yield warning("scale.positive_rate", f"positive_rate is {wanted:g}, but {measured}; correct it")
    for path, target in stated(evidence.design):
        if target.metric.name == "positive_rate":
            verdict = target.judge(Interval(rate, rate, rate, n, n))
            if verdict.status == "short":
                yield warning(path, f"{target} is contradicted: {measured}; correct it and what was planned from it")


def stated_slates(evidence: Evidence) -> Iterator[Finding]:
    """Rows, bytes and the ranker's training time all go with how much a request shows."""
    log, wanted = evidence.material.log, evidence.design.scale.shown_per_request
    if wanted is None or not evidence.material.has_decisions:
        return
    shown = len(log.shown["ts"]) / len(log.decisions["ts"])
    if _contradicts(shown, wanted):
        yield warning(
            "scale.shown_per_request",
            f"shown_per_request is {wanted:g}, but {spaced(len(log.decisions['ts']))} decisions show {shown:.3g} each; "
            "correct it",
        )


def within_window(evidence: Evidence) -> Iterator[Finding]:
    """Outcomes that come after the window are trained on as negatives."""
    label = evidence.happened(evidence.design.requirements.label)
    at = evidence.attributed(label).decision
    delay = label["ts"][at >= 0] - evidence.material.log.decisions["ts"][at[at >= 0]]
    late = int((delay >= durations.parse(evidence.design.requirements.window)).sum())
    if late > 0.1 * len(delay):
        yield warning(
            "requirements.window",
            f"{late} of {spaced(len(delay))} labels come after the window of {evidence.design.requirements.window} and "
            f"count as negatives; nine in ten have come after {in_seconds(np.quantile(delay, 0.9))}, so widen it",
        )


def warm_test(evidence: Evidence) -> Iterator[Finding]:
    """Members without history are served the popular: a test of mostly those says little about the rest."""
    material, design, cuts = evidence.material, evidence.design, evidence.material.cuts
    table = material.log.decisions if material.has_decisions else evidence.happened(design.history)
    history = evidence.happened(design.history)
    if design.member not in table or design.member not in history:
        return
    asking = np.unique(table[design.member][within(table["ts"], cuts.third, min(cuts.end, cuts.censored))])
    cold = int((~np.isin(asking, history[design.member][history["ts"] < cuts.third])).sum())
    if cold > 0.5 * len(asking):
        yield warning(
            "learning.split.test",
            f"{cold} of {spaced(len(asking))} members of the test part have no {design.history} before it; they "
            "are judged apart, on what is popular, so ingest a longer log",
        )


def _contradicts(measured: float, wanted: float) -> bool:
    return not wanted / OFF <= measured <= wanted * OFF


ALWAYS: tuple[Question, ...] = (known_streams, known_cells, known_fields, known_contexts, integrity.in_order)
OF_SLATES: tuple[Question, ...] = (
    *integrity.QUESTIONS, needs_position, measurable, enough_positives, long_enough, stated_rates, stated_slates,
    within_window, warm_test, written_by_label,
)  # fmt: skip
