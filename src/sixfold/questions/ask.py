"""The experiment: alternatives of a design, each trained on the same rows and judged on the same rows.

Which one is best is asked of the last part of the training span, so that the calibrating and the test part stay unseen by the
choice. The best of many is partly the luckiest, so intervals are as wide as makes all of them hold at once (Bonferroni; Hsu
1981, "Simultaneous confidence intervals for all distances from the best"). Only then the chosen one is trained as a release
would be, and judged on the test part beside the design as it is. So the gain that is reported is not the luck of having been
the best of many.

Features are computed once, of all alternatives together, and kept by content (`training.cache`): the table of one alternative
is some columns of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from ..design import Design
from ..errors import DataError
from ..estimate import Estimated, Estimator, estimated
from ..evaluation import estimates as judging
from ..evaluation.results import Measure, Measures, measure
from ..events.schema import Events
from ..features.table import Fitted
from ..journey import sound
from ..metrics.interval import interval, paired
from ..metrics.spec import crps, mae, promise_cost
from ..training import estimates
from ..training.cache import Cache
from ..training.estimates import Spans, Timed
from ..training.material import Material, prepare
from ..training.run import Stages
from . import cost, question
from .answer import AS_DESIGNED, Answer, Tried, is_level, recommend
from .edits import with_features

LEARNED, COVERED = 0.7, 0.8
"""Of the training span: up to where an alternative learns, and up to where it is made to cover; the rest chooses."""
LEAST_ROWS = 50
"""Chosen by fewer rows, nothing would be."""
_REPLICATES = 2000
"""So many that the ends of a wide interval are those of several draws."""
_MEASURED = (mae(), crps(), promise_cost())


@dataclass(frozen=True, slots=True)
class _Entered:
    """An alternative with what its model says of the rows that choose."""

    name: str
    model: Estimator
    given: Estimated
    tried: Tried


def ask(
    name: str,
    design: Design,
    batches: Iterable[Events],
    *,
    cache: Cache | None = None,
    stages: Stages | None = None,
    row: Callable[[Tried], None] = lambda tried: None,
) -> Answer:
    """The answer to a question by its name, on a log. `row` is called with each alternative as it is judged.

    Raises DesignError where the question is not for such a design, DataError where the log cannot feed it.
    """
    design, asked, stages = sound(design), question(name), stages or Stages()
    edits = _with_current(asked.alternatives(design, batches), design)
    everything = (feature for edit in edits.values() for feature in edit.learning.features)
    with stages.stage("reading the log"):
        material = prepare(with_features(design, everything), batches)
    made = estimates.spans(material, cache or Cache(), stages)
    inner = _choosing(made)
    judge = judging.judge_of(design, inner.test)
    entered = []
    for title, edit in edits.items():
        with stages.stage(title):
            entered.append(_enter(title, edit, material, inner, judge))
        row(entered[-1].tried)
    tried = _compared(entered, judge)
    chosen, said = recommend(tried)
    gain = None if chosen is None else _gain(material, made, edits[chosen], design, stages)
    rows = {
        "learned from": len(inner.training), "made to cover on": len(inner.calibrating), "chosen on": len(inner.test),
        "judged on": len(made.test),
    }  # fmt: skip
    return Answer(name, asked.text, design.name, material.digest, str(mae()), rows, tried, chosen, said, gain)


def _with_current(edits: Mapping[str, Design], design: Design) -> dict[str, Design]:
    """The edits, and the design as it is where none of them is it."""
    same = any(_same(edit, design) for edit in edits.values())
    return dict(edits) if same else {**edits, AS_DESIGNED: design}


def _same(one: Design, other: Design) -> bool:
    return set(one.learning.features) == set(other.learning.features)


def _of(material: Material, edit: Design) -> Material:
    """The material as an alternative sees it: its own features of all that were fitted."""
    fitted = msgspec.structs.replace(material.features, features=edit.learning.features)
    return replace(material, design=edit, features=fitted)


def _enter(name: str, edit: Design, material: Material, inner: Spans, judge: judging.Judge) -> _Entered:
    """An alternative, trained and judged on the rows that choose."""
    mine, stages = _of(material, edit), Stages()
    spans = narrowed(inner, material.features, mine.features)
    model = estimates.fit(mine, spans, edit.learning.estimator, stages)
    given = estimated(model, spans.test.table)
    tried = Tried(
        name, _measures(judge, given, model), None, False, len(model.columns), sum(stages.seconds.values()),
        cost.scoring_us(model, spans.test.table), cost.model_bytes(model), cost.state_bytes(model.features),
        _same(edit, judge.design),
    )  # fmt: skip
    return _Entered(name, model, given, tried)


def _compared(entered: list[_Entered], judge: judging.Judge) -> list[Tried]:
    """What was tried, each held against the best of them."""
    best = min(entered, key=_error)
    level = 1 - 0.05 / max(len(entered) - 1, 1)
    out = []
    for one in entered:
        behind = None if one is best else _behind(one, best, judge, level)
        out.append(msgspec.structs.replace(one.tried, behind=behind, level=is_level(behind, _error(best))))
    return out


def _behind(one: _Entered, best: _Entered, judge: judging.Judge, level: float) -> Measure:
    """How much more error an alternative has than the best."""
    both = (judge.statistic(mae(), each.given, each.model.levels) for each in (one, best))
    rng = np.random.default_rng(judge.seed)
    return measure(mae(), paired(*both, cluster=judge.cluster, rng=rng, replicates=_REPLICATES, level=level))


def _error(one: _Entered) -> float:
    value = one.tried.measures[str(mae())].value
    return np.inf if value is None else value


def _gain(material: Material, made: Spans, chosen: Design, design: Design, stages: Stages) -> Measure | None:
    """How much less error the chosen one has than the design as it is, on the test part; None where it is the same."""
    if _same(chosen, design):
        return None
    given = []
    for edit in (chosen, design):
        mine = _of(material, edit)
        spans = narrowed(made, material.features, mine.features)
        model = estimates.fit(mine, spans, edit.learning.estimator, stages)
        given.append(estimated(model, spans.test.table))
    judge = judging.judge_of(design, made.test)
    return measure(mae(), judge.ahead(given[0], given[1], model.levels))


def _measures(judge: judging.Judge, given: Estimated, model: Estimator) -> Measures:
    rng = np.random.default_rng(judge.seed)
    found = {
        one: interval(judge.statistic(one, given, model.levels), cluster=judge.cluster, rng=rng) for one in _MEASURED
    }
    return {str(metric): measure(metric, one) for metric, one in found.items()}


def _choosing(made: Spans) -> Spans:
    """The training span in three, by time: the last one chooses."""
    rows = len(made.training)
    first, second = int(LEARNED * rows), int(COVERED * rows)
    if rows - second < LEAST_ROWS:
        raise DataError(
            f"{rows - second} rows are left to choose by; a question needs {LEAST_ROWS}, so ingest a longer log"
        )
    return Spans(*(_part(made.training, start, stop) for start, stop in ((0, first), (first, second), (second, rows))))


def _part(timed: Timed, start: int, stop: int) -> Timed:
    rows = slice(start, stop)
    seconds = {name: taken[rows] for name, taken in timed.seconds.items()}
    return Timed(timed.decision[rows], timed.frame.take(np.arange(start, stop)), timed.table[rows], seconds, timed.lost)


def narrowed(made: Spans, whole: Fitted, part: Fitted) -> Spans:
    """The same rows with the columns of some of the features."""
    # By the feature and not by its name, which two of unlike priors share.
    widths = [len(msgspec.structs.replace(whole, features=(one,)).columns) for one in whole.features]
    parts = dict(zip(whole.features, np.split(np.arange(sum(widths)), np.cumsum(widths)[:-1]), strict=True))
    at = np.concatenate([parts[feature] for feature in part.features] or [np.arange(0)])
    spans = (made.training, made.calibrating, made.test)
    return Spans(*(replace(timed, table=timed.table[:, at]) for timed in spans))
