import math

import msgspec
import pytest

from sixfold.errors import DesignError
from sixfold.metrics.interval import Interval
from sixfold.metrics.spec import auc, calibration, coverage, grouped_auc, map_, mean, ndcg, new_share, positive_rate
from sixfold.metrics.target import Target, Verdict


def measured(value, low, high):
    return Interval(value, low, high, 100, 10)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (ndcg(at=10) >= 0.3, "nDCG@10 >= 0.30"),
        (0.3 <= ndcg(at=10), "nDCG@10 >= 0.30"),  # noqa: SIM300
        (ndcg(at=5, gain="exponential", over="impressions") <= 1, "nDCG@5 (exponential gain) over impressions <= 1.00"),
        (calibration().within(0.97, 1.03), "calibration within 0.97 to 1.03"),
        (positive_rate().about(0.005), "positive rate about 0.005"),
        (coverage(of="video") >= 0.2, "coverage of video >= 0.20"),
        (grouped_auc(by="member") >= 0.6, "grouped AUC by member >= 0.60"),
        (mean("watch_s") >= 1 / 3, "mean of watch_s >= 0.333333"),
        (map_(at=10, divisor="reachable") >= 0.1, "MAP@10 (of reachable) >= 0.10"),
        (new_share("7d") >= 0.1, "share of new (younger than 7d) >= 0.10"),
    ],
)
def test_it_reads_as_it_is_written_and_survives_json(target, text):
    assert str(target) == text
    assert msgspec.json.decode(msgspec.json.encode(target), type=Target) == target


@pytest.mark.parametrize(
    ("target", "interval", "status", "sure"),
    [
        (auc() >= 0.7, measured(0.75, 0.72, 0.78), "met", True),
        (auc() >= 0.7, measured(0.7, 0.65, 0.75), "met", False),
        (auc() >= 0.7, measured(0.69, 0.65, 0.75), "short", False),
        (auc() >= 0.7, measured(0.6, 0.55, 0.65), "short", True),
        (auc() <= 0.7, measured(0.6, 0.55, 0.65), "met", True),
        (auc().within(0.6, 0.7), measured(0.65, 0.61, 0.69), "met", True),
        (auc().within(0.6, 0.7), measured(0.65, 0.59, 0.69), "met", False),
        (auc().within(0.6, 0.7), measured(0.8, 0.75, 0.85), "short", True),
        (positive_rate().about(0.02), measured(0.0219, 0.021, 0.0225), "met", False),
        (positive_rate().about(0.02), measured(0.0221, 0.0219, 0.0225), "short", False),
        (positive_rate().about(-2), measured(-2.1, -2.15, -2.05), "met", True),
        (auc() >= 0.7, measured(0.75, math.nan, math.nan), "met", False),
        (auc() >= 0.7, measured(0.6, math.nan, math.nan), "short", False),
    ],
)
def test_the_verdict_goes_by_the_value_and_is_sure_by_the_interval(target, interval, status, sure):
    verdict = target.judge(interval)
    assert (verdict.status, verdict.sure, verdict.measured) == (status, sure, interval.value)
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


@pytest.mark.parametrize("interval", [None, measured(math.nan, math.nan, math.nan)])
def test_what_is_not_measured_is_never_met(interval):
    verdict = (auc() >= 0.0).judge(interval)
    assert (verdict.status, verdict.measured, verdict.sure) == ("not measured", None, False)
    assert verdict.note


def test_a_metric_without_meaning_says_why():
    verdict = (calibration() >= 0.9).not_applicable("the log has only clicks")
    assert (verdict.status, verdict.note) == ("not applicable", "the log has only clicks")
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_a_chained_comparison_is_refused_and_not_halved():
    with pytest.raises(TypeError, match="within"):
        0.97 <= calibration() <= 1.03  # noqa: B015


def test_targets_and_metrics_compare_and_hash_as_values():
    assert ndcg(at=10) == ndcg(at=10) != ndcg(at=5)
    assert len({auc() >= 0.7, auc() >= 0.7, auc() <= 0.7}) == 2


@pytest.mark.parametrize(
    "target",
    [
        lambda: auc() >= math.nan,
        lambda: auc() <= math.inf,
        lambda: auc().within(0.7, 0.6),
        lambda: auc().about(0),
        lambda: Target(auc(), "within", 0.5),
        lambda: Target(auc(), ">=", 0.5, 0.6),
    ],
)
def test_numbers_that_make_no_target_are_refused(target):
    with pytest.raises(DesignError, match="target of AUC is"):
        target()
