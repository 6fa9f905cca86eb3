"""Every word that a design may use: `from sixfold.language import *` at the top of a `design.py`."""

from __future__ import annotations

from typing import overload

from .design import Design
from .estimation.adaptive import Adaptive
from .estimation.baselines import ByKey, LinearQuantiles, Overall
from .estimation.conformal import Conformal
from .estimation.promise import Promise
from .estimation.quantiles import Quantiles
from .events.places import Area
from .features import words as _features
from .features.spec import SHOWN as _SHOWN
from .features.spec import Expected as _Expected
from .features.spec import Rate as _Rate
from .features.spec import Stream as _Stream
from .features.words import (
    age,
    at_least,
    attribute,
    bearing,
    bucket,
    context,
    count,
    distance,
    expected,
    expression,
    hour,
    offsets,
    position,
    similarity,
    taste,
    under_way,
    weekday,
)
from .metrics import spec as _metrics
from .metrics.spec import (
    auc,
    average_precision,
    bias,
    brier,
    calibration,
    coverage,
    covered,
    crps,
    grouped_auc,
    hit_rate,
    late_share,
    log_loss,
    mae,
    map_,
    mape,
    mrr,
    ndcg,
    new_share,
    normalised_entropy,
    novelty,
    positive_rate,
    precision,
    promise_cost,
    recall,
    rmse,
    width,
)
from .metrics.target import Metric
from .ranking.calibration import Identity, Isotonic, Platt
from .ranking.forest import Forest
from .ranking.linear import Linear
from .ranking.sampling import Downsample, KeepAll, Reweight
from .retrieval import ALS, EASE, ItemItem, Popular, Recent
from .steps import (
    Amount,
    Assume,
    Components,
    Estimate,
    Happens,
    Learning,
    Metrics,
    Problem,
    Requirements,
    Scale,
    Service,
    Slate,
    Split,
    outcome,
)


@overload
def rate(of: str | _Stream) -> Metric: ...


@overload
def rate(
    of: str | _Stream,
    *,
    per: str | _Stream = _SHOWN,
    by: str | tuple[str, ...] = (),
    half_life: str,
    prior: float = 20.0,
) -> _Rate: ...


def rate(
    of: str | _Stream,
    *,
    per: str | _Stream = _SHOWN,
    by: str | tuple[str, ...] = (),
    half_life: str | None = None,
    prior: float = 20.0,
) -> _Rate | Metric:
    """With a half-life the feature, a decayed rate as of the request; without one the online metric."""
    if half_life is None:
        return _metrics.rate(str(of))
    return _features.rate(of, per=per, by=by, half_life=half_life, prior=prior)


@overload
def mean(of: str | _Stream) -> Metric: ...


@overload
def mean(
    of: str | _Stream,
    *,
    by: str | tuple[str, ...] = (),
    half_life: str,
    prior: float = 20.0,
    over: _Expected | None = None,
) -> _Rate: ...


def mean(
    of: str | _Stream,
    *,
    by: str | tuple[str, ...] = (),
    half_life: str | None = None,
    prior: float = 20.0,
    over: _Expected | None = None,
) -> _Rate | Metric:
    """With a half-life the feature, a decayed mean value as of the request; without one the online metric."""
    if half_life is None:
        return _metrics.mean(str(of))
    return _features.mean(of, by=by, half_life=half_life, prior=prior, over=over)


__all__ = [
    "ALS", "EASE", "Adaptive", "Amount", "Area", "Assume", "ByKey", "Components", "Conformal", "Design", "Downsample",
    "Estimate", "Forest", "Happens", "Identity", "Isotonic", "ItemItem", "KeepAll", "Learning", "Linear",
    "LinearQuantiles", "Metrics", "Overall", "Platt", "Popular", "Problem", "Promise", "Quantiles", "Recent",
    "Requirements", "Reweight", "Scale", "Service", "Slate", "Split", "age", "at_least", "attribute", "auc",
    "average_precision", "bearing", "bias", "brier", "bucket", "calibration", "context", "count", "coverage", "covered",
    "crps", "distance", "expected", "expression", "grouped_auc", "hit_rate", "hour", "late_share", "log_loss", "mae",
    "map_", "mape", "mean", "mrr", "ndcg", "new_share", "normalised_entropy", "novelty", "offsets", "outcome", "position",
    "positive_rate", "precision", "promise_cost", "rate", "recall", "rmse", "similarity", "taste", "under_way", "weekday",
    "width",
]  # fmt: skip
