from typing import get_args

import msgspec
import pytest

from sixfold.errors import DesignError
from sixfold.metrics import binary, calibration, catalogue, distribution, promise, ranking, regression, spec
from sixfold.metrics.target import Metric, Name

NAMED = [
    spec.log_loss(),
    spec.normalised_entropy(),
    spec.brier(),
    spec.auc(),
    spec.grouped_auc(by="member"),
    spec.average_precision(),
    spec.calibration(),
    spec.positive_rate(),
    spec.rate("watch"),
    spec.mean("watch_s"),
    spec.rmse(),
    spec.mae(),
    spec.mape(),
    spec.bias(),
    spec.over_estimate(),
    spec.covered(),
    spec.width(),
    spec.crps(),
    spec.late_share(by_min=10),
    spec.promise_cost(),
    spec.ndcg(at=10, gain="exponential"),
    spec.map_(at=10, divisor="reachable"),
    spec.mrr(at=10),
    spec.recall(at=500),
    spec.precision(at=10),
    spec.hit_rate(at=10, over="impressions"),
    spec.coverage(of="video"),
    spec.novelty(),
    spec.new_share("7d"),
]
ELSEWHERE = {
    "calibration", "map", "mrr", "positive_rate", "rate", "mean", "over_estimate", "covered", "width", "crps", "late_share",
    "promise_cost",
}  # fmt: skip


def test_every_name_has_one_constructor():
    assert sorted(metric.name for metric in NAMED) == sorted(get_args(Name))


@pytest.mark.parametrize("metric", NAMED, ids=str)
def test_a_name_is_that_of_its_kernel(metric):
    home = {"impressions": binary, "estimate": regression, "slate": catalogue}[metric.over]
    home = ranking if metric.at else home
    assert metric.name in ELSEWHERE or callable(getattr(home, metric.name))


@pytest.mark.parametrize("metric", NAMED, ids=str)
def test_a_metric_survives_json(metric):
    assert msgspec.json.decode(msgspec.json.encode(metric), type=Metric) == metric


def test_kernels_with_another_name():
    assert callable(calibration.calibration_ratio)
    assert callable(ranking.average_precision)
    assert callable(ranking.reciprocal_rank)
    assert callable(regression.over)
    assert all(map(callable, (distribution.coverage, distribution.width, distribution.crps)))
    assert all(map(callable, (promise.late_share, promise.promise_cost)))


@pytest.mark.parametrize("wrong", [b'{"name": "auk", "over": "slate"}', b'{"name": "ndcg", "over": "slate", "at": 0}'])
def test_a_metric_that_does_not_exist_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(wrong, type=Metric)


def test_a_duration_that_is_none_is_refused():
    with pytest.raises(DesignError, match="duration"):
        spec.new_share("a week")
