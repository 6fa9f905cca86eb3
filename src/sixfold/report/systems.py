"""The table of systems: the released one beside its baselines, the best value of each metric in bold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

from ..evaluation.results import Evaluation, Measure
from ..metrics.target import Metric, Name, Over
from . import wording
from .glossary import MEANINGS, best
from .markup import NOTHING, Html, figure, header_row, row_name, tag

KEY: tuple[Name, ...] = (
    "normalised_entropy", "auc", "calibration", "ndcg", "recall", "coverage",
    "mae", "rmse", "bias", "crps", "covered", "late_share", "promise_cost",
)  # fmt: skip
"""Kinds of metric that tell systems apart in one look, in this order; all others are in the table of everything."""

_OVER: dict[Over, str] = {
    "impressions": "Over impressions: what was shown",
    "slate": "Over slates: the whole catalogue against what came next",
    "estimate": "Over estimates, in minutes",
}


def table(evaluation: Evaluation) -> str:
    """The systems with their key metrics as one HTML fragment with its own style, for a notebook."""
    style = tag("style", Html(base_style()))
    return tag("div.sixfold", style, overview(evaluation))


def base_style() -> str:
    """The style of the report's parts, with the colours and type that all pages of the house share."""
    return files("sixfold").joinpath("palette.css").read_text(encoding="utf-8") + stylesheet("base.css")


def stylesheet(name: str) -> str:
    """A style sheet of the report, by the name of its file."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def overview(evaluation: Evaluation, *, roles: Mapping[str, str] = {}, also: Collection[str] = ()) -> Html:
    """Systems as rows, key metrics as columns; `also` names further metrics, `roles` says what a system is for."""
    metrics = {text: metric for text, metric in every(evaluation).items() if metric.name in KEY or text in also}
    texts = sorted(metrics, key=lambda text: _place(metrics[text]))
    columns = [_Column(text, column(evaluation, text)) for text in texts]
    rows = [_row(evaluation, name, columns, role=roles.get(name, "")) for name in evaluation.systems]
    caption = "Systems by key metrics, with 95 % intervals; the best of each metric in bold"
    return figure(caption, tag("table.systems", _head(columns), tag("tbody", *rows)))


def everything(evaluation: Evaluation) -> Html:
    """Every metric as a row, systems as columns."""
    names = list(evaluation.systems)
    rows = [_metric_row(evaluation, text, names) for text in every(evaluation)]
    return figure(
        "Every metric of every system",
        tag("table.systems", header_row("Metric", *names, right=names), tag("tbody", *rows)),
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


@dataclass(frozen=True, slots=True)
class _Column:
    """One metric of all the systems that have it, with what is drawn alike in all of its cells."""

    text: str
    measures: Mapping[str, Measure]

    @property
    def metric(self) -> Metric:
        return next(iter(self.measures.values())).metric

    def cells(self, names: Iterable[str]) -> list[Html]:
        """A cell for each system: the value above its interval."""
        strong, places = best(self.measures), wording.shared_places(self.measures.values())
        return [_cell(self.measures.get(name), places=places, strong=name in strong) for name in names]


def _place(metric: Metric) -> tuple[int, int, int]:
    order = KEY.index(metric.name) if metric.name in KEY else len(KEY)
    return list(_OVER).index(metric.over), order, metric.at or 0


def _head(columns: Sequence[_Column]) -> Html:
    spans = [(over, str(len(list(run)))) for over, run in groupby(columns, key=lambda one: one.metric.over)]
    over = [tag("th.group", _OVER[over], at={"scope": "colgroup", "colspan": span}) for over, span in spans]
    names = [tag("th", wording.sentence(one.text), at={"scope": "col"}) for one in columns]
    corner = tag("th", "System", at={"scope": "col", "rowspan": "2"})
    return tag("thead", tag("tr", corner, *over), tag("tr", *names))


def _row(evaluation: Evaluation, name: str, columns: Sequence[_Column], *, role: str) -> Html:
    chosen = name == evaluation.chosen
    role = role or ("released" if chosen else "")
    cells = (cell for one in columns for cell in one.cells([name]))
    return tag("tr.chosen" if chosen else "tr", row_name(name, tag("small", role) if role else NOTHING), *cells)


def _metric_row(evaluation: Evaluation, text: str, names: Sequence[str]) -> Html:
    found = _Column(text, column(evaluation, text))
    better = MEANINGS[found.metric.name].better
    note = tag("small", f"{better} is better") if better else NOTHING
    return tag("tr", row_name(wording.sentence(text), note), *found.cells(names))


def _cell(measure: Measure | None, *, places: int, strong: bool) -> Html:
    if measure is None:
        return tag("td.n.none", wording.UNKNOWN)
    value = wording.number(measure.value, places=places)
    return tag("td.n", tag("b" if strong else "span", value), tag("small", wording.ends(measure, places=places)))
