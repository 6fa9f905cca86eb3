"""The table of systems: the released one beside its baselines, the best value of each metric in bold."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files

from ..evaluation.results import Evaluation, Measure
from ..metrics.target import Metric, Name, Over
from . import wording
from .glossary import MEANINGS, best
from .markup import NOTHING, Html, figure, header_row, row_name, tag

KEY: frozenset[Name] = frozenset({"ndcg", "recall", "coverage", "normalised_entropy", "auc", "calibration"})
"""Kinds of metric that tell systems apart in one look; all others are in the table of everything."""

_OVER: dict[Over, str] = {
    "impressions": "Over impressions: what was shown",
    "slate": "Over slates: the whole catalogue against what came next",
    "estimate": "Over estimates",
}


def table(evaluation: Evaluation) -> str:
    """The systems with their key metrics as one HTML fragment with its own style, for a notebook."""
    style = tag("style", Html(stylesheet("base.css")))
    return tag("div.sixfold", style, overview(evaluation))


def stylesheet(name: str) -> str:
    """A style sheet of the report, by the name of its file."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def overview(evaluation: Evaluation, *, roles: Mapping[str, str] = {}, also: Collection[str] = ()) -> Html:
    """Systems as rows, key metrics as columns; `also` names further metrics, `roles` says what a system is there for."""
    metrics = {text: metric for text, metric in every(evaluation).items() if metric.name in KEY or text in also}
    groups = [(over, [text for text in metrics if metrics[text].over == over]) for over in _OVER]
    groups = [(over, texts) for over, texts in groups if texts]
    columns = [text for _, texts in groups for text in texts]
    bold = {text: best(column(evaluation, text)) for text in columns}
    rows = [_row(evaluation, name, columns, bold=bold, role=roles.get(name, "")) for name in evaluation.systems]
    return figure(
        "Systems by key metrics, with 95 % intervals over members; the best of each metric in bold",
        tag("table.systems", _head(groups), tag("tbody", *rows)),
    )


def everything(evaluation: Evaluation) -> Html:
    """Every metric as a row, systems as columns."""
    names = list(evaluation.systems)
    rows = [_metric_row(evaluation, text, names) for text in every(evaluation)]
    return figure(
        "Every metric of every system", tag("table.systems", header_row("Metric", *names), tag("tbody", *rows))
    )


def every(evaluation: Evaluation) -> dict[str, Metric]:
    """The metrics that any system has, by their text: those of the chosen system first."""
    chosen = evaluation.systems.get(evaluation.chosen, {})
    found = {text: measure.metric for text, measure in chosen.items()}
    for measures in evaluation.systems.values():
        found |= {text: measure.metric for text, measure in measures.items() if text not in found}
    return found


def column(evaluation: Evaluation, text: str) -> dict[str, Measure]:
    """One metric of all the systems that have it."""
    return {name: measures[text] for name, measures in evaluation.systems.items() if text in measures}


def _head(groups: Sequence[tuple[Over, Sequence[str]]]) -> Html:
    over = [
        tag("th.group", _OVER[over], at={"scope": "colgroup", "colspan": str(len(texts))}) for over, texts in groups
    ]
    names = [tag("th", wording.sentence(text), at={"scope": "col"}) for _, texts in groups for text in texts]
    corner = tag("th", "System", at={"scope": "col", "rowspan": "2"})
    return tag("thead", tag("tr", corner, *over), tag("tr", *names))


def _row(
    evaluation: Evaluation, name: str, columns: Sequence[str], *, bold: Mapping[str, frozenset[str]], role: str
) -> Html:
    measures = evaluation.systems[name]
    chosen = name == evaluation.chosen
    role = role or ("released" if chosen else "")
    cells = (cell(measures.get(text), strong=name in bold[text]) for text in columns)
    note = tag("small", role) if role else NOTHING
    return tag("tr.chosen" if chosen else "tr", row_name(name, note), *cells)


def _metric_row(evaluation: Evaluation, text: str, names: Sequence[str]) -> Html:
    found = column(evaluation, text)
    bold = best(found)
    any_metric = next(iter(found.values())).metric
    better = MEANINGS[any_metric.name].better
    note = tag("small", f"{better} is better" if better in ("higher", "lower") else better)
    return tag(
        "tr", row_name(wording.sentence(text), note), *(cell(found.get(name), strong=name in bold) for name in names)
    )


def cell(measure: Measure | None, *, strong: bool) -> Html:
    """A measure as a cell: the value above its interval."""
    if measure is None:
        return tag("td.n.none", wording.UNKNOWN)
    value = wording.value_of(measure)
    return tag("td.n", tag("b", value) if strong else tag("span", value), tag("small", wording.ends(measure)))
