"""What each metric says and which way is better, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..evaluation.results import Measure
from ..metrics.target import Metric
from .markup import Html, tag

Better = Literal["higher", "lower", "near 1", "near 0", ""]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A metric in words; `better` is empty where neither way is."""

    better: Better
    text: str


MEANINGS: dict[str, Meaning] = {
    "log_loss": Meaning("lower", "mean surprise of the outcomes under the predictions, in nats"),
    "normalised_entropy": Meaning("lower", "log loss over that of the base rate; at 1 nothing was learned"),
    "brier": Meaning("lower", "mean squared error of the probabilities"),
    "auc": Meaning("higher", "how often a positive is scored above a negative; 0.5 is chance"),
    "grouped_auc": Meaning("higher", "AUC within the rows of one of them, then averaged: the order that each one sees"),
    "average_precision": Meaning("higher", "area under precision and recall; chance is the positive rate"),
    "calibration": Meaning("near 1", "predicted over observed; above 1 promises too much"),
    "rmse": Meaning("lower", "root of the mean squared error, in the unit of the value"),
    "mae": Meaning("lower", "mean absolute error, in the unit of the value"),
    "mape": Meaning("lower", "mean absolute error relative to the value"),
    "bias": Meaning("near 0", "mean of predicted less observed"),
    "over_estimate": Meaning("", "mean of what estimates are above the truth; the rest of the absolute error is below"),
    "covered": Meaning("", "share between the outermost quantiles: as much as lies between their levels is right"),
    "width": Meaning("lower", "mean distance of the outermost quantiles, minutes; worth something where they cover"),
    "crps": Meaning("lower", "error of the whole distribution, minutes; of a single value it is the absolute error"),
    "late_share": Meaning("lower", "share that came later than promised by more than so many minutes"),
    "promise_cost": Meaning("lower", "mean cost of promises, as the design prices late and early minutes"),
    "ndcg": Meaning("higher", "how near the top the relevant items are; 1 is the best order"),
    "recall": Meaning("higher", "share of the relevant items among the first k"),
    "precision": Meaning("higher", "share of the first k that is relevant"),
    "hit_rate": Meaning("higher", "share of slates with any relevant item among the first k"),
    "map": Meaning("higher", "mean precision at the places of the relevant items"),
    "mrr": Meaning("higher", "mean of one over the place of the first relevant item"),
    "novelty": Meaning("", "how rare the shown items are, in bits; neither way is better in itself"),
    "new_share": Meaning("", "share of the shown items that are young"),
    "coverage": Meaning("higher", "share of the catalogue that is shown to anyone"),
    "positive_rate": Meaning("", "share of impressions with the label: of the log, the same for every system"),
    "rate": Meaning("higher", "share of impressions with the outcome, online"),
    "mean": Meaning("higher", "mean value of the outcome, online"),
}


def best(column: Mapping[str, Measure]) -> frozenset[str]:
    """The systems with the best value of one metric; none where neither way is better.

    `column` maps systems to their measures of the same metric.
    """
    losses = {name: found for name, measure in column.items() if (found := loss(measure)) is not None}
    least = min(losses.values(), default=None)
    return frozenset(name for name, found in losses.items() if found == least)


def loss(measure: Measure) -> float | None:
    """The value turned so that less is better; None where there is no value or neither way is better."""
    if measure.value is None:
        return None
    match MEANINGS[measure.metric.name].better:
        case "higher":
            return -measure.value
        case "lower":
            return measure.value
        case "near 1":
            return abs(measure.value - 1)
        case "near 0":
            return abs(measure.value)
        case _:
            return None


def explained(metrics: Mapping[str, Metric]) -> Html:
    """The meaning of each of these metrics, one entry per kind."""
    by_kind: dict[str, list[str]] = {}
    for text, metric in metrics.items():
        by_kind.setdefault(metric.name, []).append(text)
    entries = []
    for name, texts in by_kind.items():
        meaning = MEANINGS[name]
        better = f" Better: {meaning.better}." if meaning.better else ""
        entries.append(tag("div", tag("dt", ", ".join(texts)), tag("dd", f"{meaning.text}.{better}")))
    return tag("dl.glossary", *entries)
