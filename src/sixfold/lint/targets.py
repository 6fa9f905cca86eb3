"""Metrics that cannot say what their target asks: of another decision, another head, out of range or too deep."""

from __future__ import annotations

from collections.abc import Iterator

from ..design import Design
from ..errors import nearest
from ..features.spec import Attribute, Context, name_of
from ..metrics.target import Target
from ..steps import Amount
from .finding import Finding, Rule, error, warning

_PROBABILITY = frozenset({"log_loss", "normalised_entropy", "brier", "calibration"})
"""Metrics that need a probability."""

_BINARY = _PROBABILITY | {"auc", "grouped_auc", "average_precision", "positive_rate"}
"""Metrics of something that happens or does not."""

_LOWER_IS_BETTER = frozenset(
    {"log_loss", "normalised_entropy", "brier", "rmse", "mae", "mape", "crps", "width", "late_share", "promise_cost"}
)

_HIGHER_IS_BETTER = frozenset(
    {"auc", "grouped_auc", "average_precision", "ndcg", "recall", "precision", "hit_rate", "map", "mrr"}
)

_SHARES = _HIGHER_IS_BETTER | {"brier", "coverage", "new_share", "positive_rate", "rate", "covered", "late_share"}
"""Metrics that lie between 0 and 1."""


def judged(design: Design) -> list[tuple[str, Target]]:
    """(path, target) of what the model has to reach: offline metrics and guardrails."""
    sections = (("offline", design.metrics.offline), ("guardrails", design.metrics.guardrails))
    return [(f"metrics.{name}[{i}]", target) for name, section in sections for i, target in enumerate(section)]


def stated(design: Design) -> list[tuple[str, Target]]:
    """(path, target) of every target: those to reach, and those that were assumed."""
    assumed = enumerate(design.problem.assumes)
    return [
        *((f"problem.assumes[{i}].target", assume.target) for i, assume in assumed if assume.target is not None),
        *judged(design),
    ]


def fits_decision(design: Design) -> Iterator[Finding]:
    """An error in minutes is nothing that an ordered list has, and a time has no order."""
    for path, target in stated(design):
        if design.estimates:
            if target.metric.over != "estimate":
                yield error(
                    path,
                    f"{target.metric} judges a slate, but the time of each {design.estimate.of!r} is decided; "
                    "take a metric of estimates, such as mae() or covered()",
                )
        elif target.metric.over == "estimate":
            yield error(
                path,
                f"{target.metric} judges an estimate, but a slate of {design.item!r} is decided; "
                "take a metric of slates or impressions, such as ndcg(at=10) or auc()",
            )


def fits_head(design: Design) -> Iterator[Finding]:
    """Metrics over impressions judge the first head: of an amount there is no probability and no class."""
    name, head = next(iter(design.heads.items()))
    for path, target in stated(design):
        if target.metric.name not in _BINARY:
            continue
        if isinstance(head, Amount):
            need = "a probability" if target.metric.name in _PROBABILITY else "something that happens or not"
            yield error(
                path,
                f"{target.metric} needs {need}, but the first head {name!r} is an amount; "
                "put a Happens head first in learning.heads or drop the metric",
            )
        elif head.stream != design.requirements.label:
            yield warning(
                path,
                f"{target.metric} is measured on the first head {name!r}, which predicts {head.stream} and not the "
                f"label {design.requirements.label}; put the label's head first in learning.heads",
            )


def entropy_is_a_ratio(design: Design) -> Iterator[Finding]:
    """Some texts print normalised entropy as log loss minus the background's; it is their ratio (He et al. 2014)."""
    for path, target in stated(design):
        limit = target.value if target.high is None else target.high
        if target.metric.name == "normalised_entropy" and (not 0 < limit < 1 or target.value < 0):
            yield error(
                path,
                f"{target} has no use: normalised entropy is the ratio of the log loss to that of always predicting "
                "the base rate, above 0 and below 1 for a model that knows something, and no difference of the two; "
                "write a target such as normalised_entropy() <= 0.9",
            )


def within_range(design: Design) -> Iterator[Finding]:
    """A share above 1 is a percentage that was written as a number."""
    for path, target in stated(design):
        odd = [bound for bound in (target.value, target.high) if bound is not None and not 0 <= bound <= 1]
        if target.metric.name in _SHARES and odd:
            yield error(path, f"{target} cannot be: {target.metric} lies between 0 and 1; write 0.6 for 60 %")


def right_way_round(design: Design) -> Iterator[Finding]:
    """A bound on the wrong side is met by a model that is broken."""
    for path, target in judged(design):
        name = target.metric.name
        if (name in _LOWER_IS_BETTER and target.op == ">=") or (name in _HIGHER_IS_BETTER and target.op == "<="):
            better, op = ("lower", "<=") if name in _LOWER_IS_BETTER else ("higher", ">=")
            yield warning(path, f"{target} is met by a bad model, since {better} is better; write {op}")


def deep_enough(design: Design) -> Iterator[Finding]:
    """Beyond the last candidate there is nothing to judge: recall@500 of 300 candidates is recall@300."""
    most = design.learning.candidates * len(design.sources)
    for path, target in stated(design):
        metric = target.metric
        if metric.over == "slate" and metric.at is not None and metric.at > most:
            yield error(
                path,
                f"{metric} looks at {metric.at} places, but {len(design.sources)} retrievers of "
                f"{design.learning.candidates} candidates give at most {most}; raise learning.candidates or lower it",
            )


def known_subject(design: Design) -> Iterator[Finding]:
    """Coverage is measured of what is shown, and grouped AUC among the items of whom they are shown to."""
    if design.estimates:
        return
    subjects = {"coverage": design.item, "grouped_auc": design.member}
    for path, target in stated(design):
        want = subjects.get(target.metric.name)
        if want is not None and target.metric.of != want:
            yield error(path, f"{target.metric} is not measured of {target.metric.of!r}; write {want!r} in its place")


def known_slices(design: Design) -> Iterator[Finding]:
    """A slice that nothing gives is left out of the report in silence."""
    if design.estimates:
        return
    given = {f"{design.member}.is_new", f"{design.member}.age", f"{design.item}.age"}
    given |= {name_of(feature) for feature in design.learning.features if isinstance(feature, Attribute | Context)}
    for i, path in enumerate(design.metrics.slices):
        if path not in given:
            yield warning(
                f"metrics.slices[{i}]",
                f"slice {path!r} is no attribute or context among the features; {nearest(path, given)}",
            )


RULES: tuple[Rule, ...] = (
    fits_decision, fits_head, entropy_is_a_ratio, within_range, right_way_round, deep_enough, known_subject,
    known_slices,
)  # fmt: skip
