"""Each number of a design: met, short, not measured or not applicable."""

from __future__ import annotations

import msgspec
from tests.designs import good

from sixfold.evaluation.check import check, failed
from sixfold.evaluation.results import Evaluation, Measure
from sixfold.metrics.interval import Interval
from sixfold.metrics.target import Metric, Verdict

SERVED = ("p99_ms", "availability", "requests_per_s", "fresh_ms")


def evaluation(measured: dict[Metric, float], *, decisions: int = 10) -> Evaluation:
    systems = {
        "forest": {str(m): Measure(m, value, value - 0.01, value + 0.01, 100, 50) for m, value in measured.items()}
    }
    return Evaluation(
        chosen="forest", systems=systems, yardstick="nDCG@10", ahead={}, slices={}, cold={}, bins={}, funnel=[],
        importance={}, counts={"decisions": decisions}, notes=[], seconds={},
    )  # fmt: skip


def targets():
    design = good()
    assumed = [assume.target for assume in design.problem.assumes]
    return [t for t in (*assumed, *design.metrics.offline, *design.metrics.guardrails) if t is not None]


def test_every_number_has_its_place_in_the_designs_order():
    paths = [path for path, _ in check(good(), evaluation({}))]
    assert paths == [
        "problem.assumes[0]", *(f"metrics.offline[{i}]" for i in range(5)), "metrics.guardrails[0]",
        *(f"requirements.{name}" for name in SERVED),
    ]  # fmt: skip


def judged_of(found: Evaluation) -> list[Verdict]:
    """The verdicts on what an evaluation measures."""
    return [verdict for path, verdict in check(good(), found) if not path.startswith("requirements.")]


def test_what_only_a_service_meets_says_what_would_measure_it():
    judged = dict(check(good(), evaluation({})))
    notes = [judged[f"requirements.{name}"].note for name in SERVED]
    load = "sixfold check --load measures it"
    assert notes == [load, "sixfold drill measures it", load, load]


def test_what_was_measured_of_a_service_is_judged():
    design = good()
    limit = design.requirements.p99_ms
    for value, status in ((limit / 2, "met"), (2 * limit, "short")):
        judged = dict(check(design, evaluation({}), {"p99_ms": Interval(value, value, value, 100, 100)}))
        assert (judged["requirements.p99_ms"].status, judged["requirements.p99_ms"].sure) == (status, True)
        assert judged["requirements.availability"].status == "not measured"


def test_met_and_short():
    design = good()
    auc, *_ = design.metrics.offline
    for value, status in ((0.75, "met"), (0.65, "short")):
        judged = dict(check(design, evaluation({auc.metric: value})))
        verdict = judged["metrics.offline[0]"]
        assert (verdict.status, verdict.measured, verdict.sure) == (status, value, True)
        assert failed(list(judged.items())) == (status == "short")


def test_what_was_not_measured_is_counted_apart():
    assert {verdict.status for verdict in judged_of(evaluation({}))} == {"not measured"}
    assert not failed(check(good(), evaluation({})))


def test_what_a_log_of_interactions_cannot_say_is_not_applicable():
    judged = judged_of(evaluation({}, decisions=0))
    for verdict, target in zip(judged, targets(), strict=True):
        expected = "not applicable" if target.metric.over == "impressions" else "not measured"
        assert verdict.status == expected, str(target)
    assert {verdict.note for verdict in judged if verdict.status == "not applicable"} == {"the log has no impressions"}


def test_only_the_chosen_system_is_judged():
    auc = good().metrics.offline[0]
    found = evaluation({auc.metric: 0.9})
    found = msgspec.structs.replace(found, chosen="linear", systems={**found.systems, "linear": {}})
    assert dict(check(good(), found))["metrics.offline[0]"].status == "not measured"
