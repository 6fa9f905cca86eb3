"""Where things go: relevant items along the funnel, importance by feature, training time by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..evaluation.results import Funnel
from . import charts, wording
from .markup import NOTHING, Html, figure, header_row, joined, row_name, tag

TOP = 15
"""Features shown one by one; the rest is summed."""


def funnel(stages: Sequence[Funnel]) -> Html:
    """Candidates per request and the recall at each stage."""
    if not stages:
        return NOTHING
    most = max(stage.candidates for stage in stages) or 1
    rows = [_stage(stage, most) for stage in stages]
    head = header_row("Stage", "Candidates per request", "", "Recall of what came next", "")
    return figure("The funnel: what each stage keeps of the items that members then took up",
                  tag("table.chart.two", head, tag("tbody", *rows)))  # fmt: skip


def importance(shares: Mapping[str, float], head: str) -> Html:
    """The most important columns, and all others as one."""
    total = sum(shares.values())
    if not total:
        return NOTHING
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    rows = [(name, value / total, wording.share(value / total)) for name, value in ordered[:TOP]]
    rest = sum(value for _, value in ordered[TOP:]) / total
    if ordered[TOP:]:
        rows.append((f"{len(ordered) - TOP} others together", rest, wording.share(rest)))
    chart = charts.bars(f"What the forest of {head} splits on: share of its importance", ("Column", "", "Share"), rows)
    position = tag(
        "p.quiet", "position is 1 for every candidate in serving: its share describes the log, not a preference."
    )
    return joined(chart, position if "position" in dict(ordered[:TOP]) else NOTHING)


def seconds(spent: Mapping[str, float]) -> Html:
    """Training time by stage, the longest first."""
    ordered = sorted(spent.items(), key=lambda pair: -pair[1])
    if not ordered:
        return NOTHING
    total = wording.number(sum(spent.values()))
    rows = [(name, value, f"{wording.number(value, places=1)} s") for name, value in ordered]
    return charts.bars(f"Where the {total} s of training and judging went", ("Stage", "", "Time"), rows)


def _stage(stage: Funnel, most: float) -> Html:
    candidates, recall = wording.number(stage.candidates, places=0), wording.number(stage.recall, places=3)
    return tag(
        "tr",
        row_name(stage.stage),
        tag("td", charts.bar(stage.stage, f"{candidates} candidates", stage.candidates / most)),
        tag("td.n", candidates),
        tag("td", charts.bar(stage.stage, f"recall {recall}", stage.recall)),
        tag("td.n", recall),
    )
