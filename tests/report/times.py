"""A small evaluation of estimates with round numbers, and the design it is of."""

from __future__ import annotations

from tests.report.sample import _CUTS, by_text, measure

from sixfold.design import Design
from sixfold.evaluation.check import check
from sixfold.evaluation.estimates import TRUTH
from sixfold.evaluation.results import Bin, Cell, Cost, Evaluation, Level, Map, Picture, Tenth, Told
from sixfold.language import distance, hour, mean, outcome
from sixfold.metrics import spec
from sixfold.questions.answer import Answer, Tried
from sixfold.release import Manifest
from sixfold.report import review
from sixfold.steps import Estimate, Learning, Metrics, Problem, Requirements, Scale

MAE = spec.mae()
DESIGN = Design(
    name="orders",
    problem=Problem(goal="How long", decides=Estimate(of="order", legs=("ready", "there"), void=("cancelled",))),
    metrics=Metrics(offline=(spec.covered().within(0.87, 0.93), spec.bias().within(-1, 1))),
    requirements=Requirements(label=outcome("done")),
    learning=Learning(features=(hour(), distance("store", "context.drop"), mean("done", by="store", half_life="7d"))),
    scale=Scale(users=1e6, items=2e6),
)


def _measured(mae, bias):
    return by_text(measure(MAE, mae, 0.2), measure(spec.bias(), bias, 0.3), measure(spec.covered(), 0.9, 0.01))


PICTURE = Picture(
    levels=[Level(0.05, 0.05, 0.04, 0.06), Level(0.5, 0.42, 0.40, 0.44), Level(0.95, 0.95, 0.94, 0.96)],
    tail=[Tenth(50, 10.0 + 5 * i, 20.0 + 2 * i, 0.1, float(i), i / 3, 9.0 - i) for i in range(10)],
    costs=[
        Cost(1.0, 5.0, 5.5, 0.5, 0.2, 30.0, False),
        Cost(3.0, 10.0, 10.5, 0.25, 0.1, 36.0, True),
        Cost(9.0, 15.0, 16.5, 0.1, 0.04, 44.0, False),
    ],
    told=[Told(0.5, 6.0, 18.0, -1.0), Told(0.75, 8.0, 11.0, 5.0)],
    map=Map("context.drop", 14, [Cell(0, 0, 100, -4.0, 1.0), Cell(0, 3, 25, 2.0, 1.0), Cell(2, 3, 9, 9.0, 12.0),
                                 Cell(1, 1, 1, 30.0, None)], 12),
)  # fmt: skip
EVALUATION = Evaluation(
    chosen="quantiles",
    systems={"mean of all": _measured(9.0, 1.0), TRUTH: _measured(5.0, 0.0), "quantiles": _measured(6.0, -1.0)},
    yardstick="MAE",
    baseline="mean of all",
    ahead={"mean of all": measure(MAE, 3.0, 0.2), TRUTH: measure(MAE, -1.0, 0.2)},
    slices={}, cold={}, bins={"minutes": [Bin(50, 10.0 + i, 11.0 + i) for i in range(10)]}, funnel=[],
    importance={"hour.sin": 2.0, "hour.cos": 1.0},
    counts={"decisions": 600, "training rows": 400, "test rows": 500},
    notes=["errors are minutes"], seconds={"quantiles of ready": 3.0}, picture=PICTURE,
)  # fmt: skip
MANIFEST = Manifest(1, "3f9a2c41d07e", "orders", "ab" * 32, _CUTS, {}, {"ready": "quantiles"}, {})


def _tried(name, mae, behind, state, *, current=False):
    level = behind is None or behind.low <= 0
    return Tried(name, by_text(measure(MAE, mae)), behind, level, 5, 2.0, 300.0, 4096, state, current)


ANSWER = Answer(
    "geo", "How should latitude and longitude enter?", "orders", "cd" * 32, "MAE", {"learned from": 300, "chosen on": 90},
    [_tried("none", 7.0, measure(MAE, 1.0, 0.2), 0), _tried("distance", 6.01, measure(MAE, 0.01, 0.2), 16),
     _tried("all", 6.0, None, 99, current=True)],
    "distance", "'distance': it costs least of the 2 that are level with the best, 'all'", measure(MAE, -0.02, 0.1),
)  # fmt: skip


def reviewed(design=DESIGN, evaluation=EVALUATION, manifest=MANIFEST, answers=(ANSWER,)):
    verdicts = check(design, evaluation)
    return review.review(design, evaluation, verdicts=verdicts, manifest=manifest, findings=(), answers=answers)
