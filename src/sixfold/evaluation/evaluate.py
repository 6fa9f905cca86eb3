"""The table of an evaluation: the design's model beside its baselines, on the test part of a log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import pipeline
from ..design import Design
from ..features.spec import CONTEXT, entity_field
from ..metrics import binary
from ..metrics.interval import paired
from ..metrics.kernel import Doubles
from ..metrics.spec import auc
from ..metrics.target import Metric
from ..pipeline import Model
from ..ranking.blend import FittedBlend
from ..ranking.trees import FittedForest
from ..steps import Amount
from ..training.examples import ranks_of
from ..training.leaks import suspicious
from ..training.material import Material
from ..training.run import Ready, Stages
from ..types import DAY, Floats, Rows
from . import explored, impressions, slates
from .results import Evaluation, Measure, Measures, measure

POPULARITY = "popularity"
MOST_ASKS = 20_000
"""Members that slates are judged on at most."""

Row = Callable[[str, Measures], None]
"""Called with each system's measures as they are known."""


@dataclass(frozen=True, slots=True)
class Contest:
    """An evaluation in the making: systems are entered one by one, so that their rows show as they finish."""

    ready: Ready
    test: slates.Test
    systems: dict[str, Measures]
    cold: dict[str, Measures]
    shown: dict[str, Rows]
    predicted: dict[str, Floats]
    row: Row
    seed: int

    def enter(self, name: str, given: Rows, over_impressions: Measures) -> None:
        """Measure a system by its slates (asks, size), beside what was measured over impressions."""
        metrics = _metrics(self.ready.material.design, slates.standard(self.ready.material.design.item))
        warm = slates.Judge(self.ready.material, self.test, ~self.test.cold)
        cold = slates.Judge(self.ready.material, self.test, self.test.cold)
        self.systems[name] = over_impressions | warm.measures(metrics, given, self._rng())
        self.cold[name] = cold.measures(metrics, given, self._rng())
        self.shown[name] = given
        self.row(name, self.systems[name])

    def enter_sources(self) -> None:
        """Every retriever alone; popularity is the first baseline, under that name."""
        rows = self.ready.test
        for i, name in enumerate(self.ready.sources):
            given = slates.of_source(self.test, i, self._size())
            over: Measures = {}
            if name == "popular" and self.ready.material.has_decisions:
                order = -np.nan_to_num(rows.table[:, len(self.ready.material.features.columns) + i], nan=1e6)
                self.predicted[POPULARITY] = order
                metrics = [m for m in self._over_impressions() if m.name in impressions.ORDER]
                over = impressions.judge(metrics, self._label(), order, rows.examples.member, self._rng())
            self.enter(POPULARITY if name == "popular" else name, given, over)

    def enter_model(self, name: str, model: Model) -> None:
        """A two-stage model on the candidates of the test."""
        rows, over = self.ready.test, Measures()
        if self.ready.material.has_decisions and len(rows.examples):
            predicted = model.heads.columns(rows.table)
            first = next(iter(predicted))
            self.predicted[name] = predicted[first]
            over = impressions.judge(
                self._over_impressions(), self._label(), predicted[first], rows.examples.member, self._rng()
            )
            for head, label in rows.examples.labels.items():
                if isinstance(model.design.heads[head], Amount):
                    errors = impressions.amounts(label, predicted[head], rows.examples.member, self._rng())
                    over |= {f"{head}: {text}": found for text, found in errors.items()}
        value = slates.ranked(model, self.ready.material, self.test)
        self.enter(name, pipeline.slates(self.test.pool, value, self._size()), over)

    def enter_other(self, name: str, model: Model, material: Material, test: slates.Test) -> None:
        """A model with sources and features of its own, on the same asks and the same test rows."""
        over: Measures = {}
        rows = self.ready.test.examples
        if material.has_decisions and len(rows):
            pool = rows.pool
            ranks = ranks_of(material, model.sources, pool.asks, pool.ask, pool.item)
            theirs = pipeline.Pool(pool.asks, pool.ask, pool.item, ranks, {})
            table = pipeline.table(model.design, model.features, model.sources, material.known, theirs, rows.position)
            predicted = next(iter(model.heads.columns(table).values()))
            self.predicted[name] = predicted
            over = impressions.judge(self._over_impressions(), self._label(), predicted, rows.member, self._rng())
        value = slates.ranked(model, material, test)
        self.enter(name, pipeline.slates(test.pool, value, self._size()), over)

    def finish(self, chosen: str, model: Model, stages: Stages) -> Evaluation:
        """The evaluation, with the system that is released."""
        material = self.ready.material
        rows = self.ready.test
        bins = {}
        by_slice: dict[str, dict[str, Measures]] = {}
        if material.has_decisions and len(rows.examples):
            predicted = model.heads.columns(rows.table)
            first = next(iter(predicted))
            bins[first] = impressions.tenths(self._label(), predicted[first])
            by_slice = self._slices(predicted[first])
        return Evaluation(
            chosen=chosen, systems=self.systems, yardstick=str(slates.YARDSTICK), slices=by_slice,
            leaks=self._leaks(model),
            ahead=self._ahead(chosen), ahead_shown=self._ahead_shown(chosen), ahead_explored=self._ahead_explored(chosen),
            cold=self.cold, bins=bins, funnel=slates.funnel(self.test, tuple(self.ready.sources), self.shown[chosen]),
            importance=_importance(model), counts=self._counts(), notes=self._notes(), seconds=dict(stages.seconds),
        )  # fmt: skip

    def _ahead(self, chosen: str) -> dict[str, Measure]:
        warm = slates.Judge(self.ready.material, self.test, ~self.test.cold)
        if not warm.over.any():
            return {}
        return {
            name: measure(slates.YARDSTICK, warm.ahead(slates.YARDSTICK, self.shown[chosen], theirs, self._rng()))
            for name, theirs in self.shown.items()
            if name != chosen
        }

    def _ahead_shown(self, chosen: str, weight: Doubles | None = None) -> dict[str, Measure]:
        if chosen not in self.predicted:
            return {}
        label, member = self._label(), self.ready.test.examples.member
        ours = binary.auc.of(label, self.predicted[chosen], weight=weight)
        return {
            name: measure(
                auc(), paired(ours, binary.auc.of(label, theirs, weight=weight), cluster=member, rng=self._rng())
            )
            for name, theirs in self.predicted.items()
            if name != chosen
        }

    def _ahead_explored(self, chosen: str) -> dict[str, Measure]:
        """The same over what was left to chance, weighted; nothing where that is too little."""
        if not self.ready.material.has_decisions:
            return {}
        weight = explored.weights(explored.propensities(self.ready.material, self.ready.test.examples))
        return self._ahead_shown(chosen, weight) if explored.enough(self._label(), weight) else {}

    def _label(self) -> Floats:
        return next(iter(self.ready.test.examples.labels.values()))

    def _over_impressions(self) -> tuple[Metric, ...]:
        design = self.ready.material.design
        return _metrics(design, impressions.standard(design.member), over="impressions")

    def _size(self) -> int:
        design = self.ready.material.design
        metrics = _metrics(design, slates.standard(design.item))
        return max([design.slate.size, *(metric.at or 0 for metric in metrics)])

    def _slices(self, predicted: Floats) -> dict[str, dict[str, Measures]]:
        rows = self.ready.test.examples
        metrics = [
            m
            for m in self._over_impressions()
            if m.name in ("normalised_entropy", "auc", "calibration", "positive_rate")
        ]
        return {
            path: impressions.by_slice(metrics, self._label(), predicted, rows.member, values, self._rng())
            for path in self.ready.material.design.metrics.slices
            if (values := self._slice_values(path)) is not None
        }

    def _slice_values(self, path: str) -> NDArray[np.str_] | None:
        """The value of a slice for each row of the test."""
        material, rows = self.ready.material, self.ready.test.examples
        entity, field = entity_field(path)
        if field == "is_new" and entity == material.design.member:
            asks = rows.pool.asks
            new = (material.known.queries(asks).history < 0).all(axis=1)
            return np.where(new, "new", "known")[rows.pool.ask]
        at = rows.member if entity == material.design.member else rows.pool.item
        if field == "age" and entity == material.design.item:
            # In float64: of what was always known, born is int64's minimum, and the difference would overflow.
            days = (rows.ts - material.known.born[at].astype(np.float64)) / DAY
            return np.select([days < 1, days < 7, days < 30], ["under 1 day", "1 to 7 days", "7 to 30 days"], "older")
        if path not in material.features.labels:
            return None
        if path.startswith(CONTEXT):
            held = rows.pool.asks.context[path][rows.pool.ask]
        else:
            held = material.known.attribute(path, at, rows.ts)[:, 0]
        names = material.features.labels[path]
        out = np.full(len(rows), "other", dtype=f"<U{max(map(len, [*names, 'other']))}")
        for hashed, name in zip(material.features.vocabularies[path], names, strict=True):
            out[held == np.uint64(hashed)] = name
        return out

    def _counts(self) -> dict[str, int]:
        material = self.ready.material
        return {
            "members": len(material.ids[material.design.member]),
            "items": len(material.ids[material.design.item]),
            "decisions": len(material.log.decisions["ts"]),
            "impressions": len(material.log.shown["ts"]),
            "training rows": len(self.ready.training.examples),
            "calibration rows": len(self.ready.calibrating.examples),
            "test rows": len(self.ready.test.examples),
            "test members with history": int((~self.test.cold).sum()),
            "test members without history": int(self.test.cold.sum()),
        }

    def _notes(self) -> list[str]:
        material, notes = self.ready.material, []
        if not material.has_decisions:
            notes.append(
                "the log has no decisions: negatives are candidates that the member did not take up, and metrics over "
                "impressions (calibration, AUC, log loss) do not apply"
            )
        else:
            notes.append(
                "over slates an item counts only if the member took it up, and members were shown what an earlier policy chose: "
                "systems like that policy look better than they are; an exploration slice or a world's truth is the fairer judge"
            )
        if self.test.cold.any():
            notes.append(
                f"{int(self.test.cold.sum())} members of the test have no history before it; they are judged apart"
            )
        skipped = [
            path
            for path in material.design.metrics.slices
            if material.has_decisions and self._slice_values(path) is None
        ]
        notes += [
            f"slice {path} was left out: it is neither a category or context among the features, is_new nor age"
            for path in skipped
        ]
        return notes

    def _leaks(self, model: Model) -> list[str]:
        """What the training rows know of their label that no request could."""
        rows = self.ready.training
        label = next(iter(rows.examples.labels.values()))
        known = ~np.isnan(label)
        return [finding.message for finding in suspicious(rows.table[known], model.columns, label[known])]

    def _rng(self) -> np.random.Generator:
        # Every system is drawn the same resamples, so that their intervals compare.
        return np.random.default_rng(self.seed)


def contest(ready: Ready, stages: Stages, row: Row = lambda name, measures: None) -> Contest:
    """An empty contest on the test part of what was made ready."""
    seed = ready.material.design.learning.seed
    with stages.stage("candidates for the test"):
        test = slates.test(ready.material, ready.sources, most=MOST_ASKS, rng=np.random.default_rng(seed))
    return Contest(ready, test, {}, {}, {}, {}, row, seed)


def _metrics(design: Design, always: tuple[Metric, ...], *, over: str = "slate") -> tuple[Metric, ...]:
    """The standard metrics and those that the design wants, each once."""
    wanted = [target.metric for target in (*design.metrics.offline, *design.metrics.guardrails)]
    wanted += [assume.target.metric for assume in design.problem.assumes if assume.target is not None]
    return tuple(dict.fromkeys([*always, *(metric for metric in wanted if metric.over == over)]))


def _importance(model: Model) -> dict[str, float]:
    scorer = next(iter(model.heads.heads.values())).scorer
    if not isinstance(scorer, FittedForest | FittedBlend):
        return {}
    shares: Mapping[str, float] = dict(zip(model.columns, scorer.importance.tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))
