import pytest
from tests.designs import WATCHED, edited, good

from sixfold.language import (
    Amount,
    Assume,
    Happens,
    auc,
    average_precision,
    brier,
    calibration,
    coverage,
    grouped_auc,
    log_loss,
    ndcg,
    normalised_entropy,
    outcome,
    positive_rate,
    rate,
    recall,
)  # fmt: skip
from sixfold.lint import lint
from sixfold.metrics.spec import bias, mae, mape, rmse


def of_targets(*targets, guardrails=()):
    return lint(edited("metrics", offline=targets, guardrails=guardrails))


@pytest.mark.parametrize("metric", [rmse(), mae(), mape(), bias()])
def test_an_error_of_estimates_does_not_judge_a_slate(metric):
    (finding,) = of_targets(metric <= 3)
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")
    assert "estimate" in finding.message


@pytest.mark.parametrize("metric", [log_loss(), normalised_entropy(), brier()])
def test_an_amount_has_no_probability(metric):
    design = edited("learning", heads={"seconds": Amount(WATCHED)}, value="seconds")
    design = edited("metrics", of=edited("problem", of=design, assumes=()), offline=(metric <= 0.9,))
    (finding,) = lint(design)
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")
    assert "a probability" in finding.message and "'seconds'" in finding.message


@pytest.mark.parametrize("target", [auc() >= 0.7, average_precision() >= 0.1, positive_rate().about(0.1)])
def test_an_amount_has_no_classes(target):
    design = edited("learning", heads={"seconds": Amount(WATCHED)}, value="seconds")
    design = edited("metrics", of=edited("problem", of=design, assumes=()), offline=(target,))
    assert [(f.level, f.path) for f in lint(design)] == [("error", "metrics.offline[0]")]


def test_a_formula_that_is_no_probability_is_fine_since_the_head_is_judged():
    assert "seconds" in good().value
    assert of_targets(calibration().within(0.97, 1.03), log_loss() <= 0.1) == []


def test_the_first_head_is_the_one_that_is_judged():
    heads = {"click": Happens(outcome("click")), "watch": Happens(WATCHED)}
    design = edited("metrics", of=edited("learning", heads=heads, value="watch"), offline=(auc() >= 0.7,))
    (assumed, offline) = lint(design)
    assert (assumed.level, assumed.path) == ("warning", "problem.assumes[0].target")
    assert (offline.level, offline.path) == ("warning", "metrics.offline[0]")
    assert "'click'" in offline.message and "watch>=30" in offline.message


@pytest.mark.parametrize("target", [normalised_entropy().within(0, 0.9), normalised_entropy() <= 0.99])
def test_a_ratio_of_entropies_may_be_bounded_anywhere_between(target):
    assert of_targets(target) == []


@pytest.mark.parametrize("target", [recall(at=10) >= 60, ndcg(at=10) >= -0.1, coverage(of="video").within(0.1, 20)])
def test_shares_are_between_0_and_1(target):
    (finding,) = of_targets(target)
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")
    assert "between 0 and 1" in finding.message


@pytest.mark.parametrize(("target", "op"), [(auc() <= 0.7, ">="), (ndcg(at=5) <= 0.7, ">="), (log_loss() >= 0.7, "<=")])
def test_a_bound_on_the_wrong_side(target, op):
    (finding,) = of_targets(guardrails=(target,))
    assert (finding.level, finding.path) == ("warning", "metrics.guardrails[0]")
    assert f"write {op}" in finding.message


def test_an_assumption_may_bound_on_either_side():
    assert lint(edited("problem", assumes=(Assume("it is hard", auc() <= 0.8), Assume("no target")))) == []


def test_no_metric_looks_beyond_the_candidates():
    assert of_targets(recall(at=300) >= 0.2) == []
    (finding,) = of_targets(ndcg(at=301) >= 0.2)
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")
    assert "301" in finding.message and "at most 300" in finding.message


@pytest.mark.parametrize("target", [coverage(of="member") >= 0.1, grouped_auc(by="video") >= 0.6])
def test_metrics_of_what_is_not_measured(target):
    (finding,) = of_targets(target)
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")


def test_a_rate_may_be_a_guardrail():
    assert of_targets(guardrails=(rate("watch") >= 0.01,)) == []


@pytest.mark.parametrize(
    ("path", "hint"), [("video.gener", "video.genre"), ("member.country", "known are"), ("genre", "video.genre")]
)
def test_slices_are_features(path, hint):
    (finding,) = lint(edited("metrics", slices=("video.genre", path)))
    assert (finding.level, finding.path) == ("warning", "metrics.slices[1]")
    assert hint in finding.message
