"""The metrics a design can name: `ndcg(at=10) >= 0.30`, `auc() >= 0.75`.

Each constructor gives the `Metric` of its name, and each name stands for one kernel:

    log_loss, normalised_entropy, brier, auc, grouped_auc, average_precision     the same in `binary`
    calibration                                                                  calibration.calibration_ratio
    rmse, mae, mape, bias                                                        the same in `regression`
    over_estimate                                                                regression.over
    covered, width, crps                                                         coverage, width, crps in `distribution`
    late_share, promise_cost                                                     the same in `promise`
    ndcg, recall, precision, hit_rate                                            kernel.mean of the same in `ranking`
    map, mrr                                             kernel.mean of ranking.average_precision, .reciprocal_rank
    novelty, new_share                                                           kernel.mean of the same in `catalogue`
    coverage                                                                     catalogue.coverage
    positive_rate, rate, mean                                                    kernel.mean of labels, outcomes, values
"""

from __future__ import annotations

from .. import durations
from .target import Divisor, Gain, Metric, Over


def log_loss() -> Metric:
    return Metric("log_loss", "impressions")


def normalised_entropy() -> Metric:
    return Metric("normalised_entropy", "impressions")


def brier() -> Metric:
    return Metric("brier", "impressions")


def auc() -> Metric:
    return Metric("auc", "impressions")


def grouped_auc(by: str) -> Metric:
    """AUC among the rows of one entity: grouped_auc(by="member") judges the order each member sees."""
    return Metric("grouped_auc", "impressions", of=by)


def average_precision() -> Metric:
    """The area under the precision-recall curve; of slates see `map_`."""
    return Metric("average_precision", "impressions")


def calibration() -> Metric:
    return Metric("calibration", "impressions")


def positive_rate() -> Metric:
    return Metric("positive_rate", "impressions")


def rate(of: str) -> Metric:
    """The share of impressions with this outcome, measured online."""
    return Metric("rate", "impressions", of=of)


def mean(of: str) -> Metric:
    """The mean of this value per impression, measured online."""
    return Metric("mean", "impressions", of=of)


def rmse() -> Metric:
    return Metric("rmse", "estimate")


def mae() -> Metric:
    return Metric("mae", "estimate")


def mape() -> Metric:
    return Metric("mape", "estimate")


def bias() -> Metric:
    return Metric("bias", "estimate")


def over_estimate() -> Metric:
    """The mean of what estimates are above: with MAE of the mean it tells over from under."""
    return Metric("over_estimate", "estimate")


def covered() -> Metric:
    """The share between the outermost quantiles: 90 % of them where the levels run from 5 % to 95 %."""
    return Metric("covered", "estimate")


def width() -> Metric:
    """The mean distance of the outermost quantiles, minutes."""
    return Metric("width", "estimate")


def crps() -> Metric:
    return Metric("crps", "estimate")


def late_share(*, by_min: int) -> Metric:
    """The share that comes later than promised by more than so many minutes."""
    return Metric("late_share", "estimate", at=by_min)


def promise_cost() -> Metric:
    """The mean cost of what was promised, as the design prices late and early minutes."""
    return Metric("promise_cost", "estimate")


def ndcg(*, at: int, gain: Gain = "linear", over: Over = "slate") -> Metric:
    return Metric("ndcg", over, at, gain=gain)


def map_(*, at: int | None = None, divisor: Divisor = "relevant", over: Over = "slate") -> Metric:
    """Mean average precision; divisor as `over` in ranking.average_precision."""
    return Metric("map", over, at, divisor=divisor)


def mrr(*, at: int | None = None, over: Over = "slate") -> Metric:
    return Metric("mrr", over, at)


def recall(*, at: int, over: Over = "slate") -> Metric:
    return Metric("recall", over, at)


def precision(*, at: int, over: Over = "slate") -> Metric:
    return Metric("precision", over, at)


def hit_rate(*, at: int, over: Over = "slate") -> Metric:
    return Metric("hit_rate", over, at)


def coverage(of: str) -> Metric:
    """The share of the items of this type that are shown to anyone."""
    return Metric("coverage", "slate", of=of)


def novelty() -> Metric:
    return Metric("novelty", "slate")


def new_share(younger_than: str) -> Metric:
    """The share of items younger than a duration such as "7d"."""
    durations.parse(younger_than)
    return Metric("new_share", "slate", younger_than=younger_than)
