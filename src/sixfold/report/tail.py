"""Who waits longest, and what is made of it: the tenths of all rows by how long they really took."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.results import Tenth, Told
from ..steps import Estimate
from . import charts, wording
from .markup import NOTHING, Html, figure, header_row, joined, row_name, tag


def section(tail: Sequence[Tenth], estimate: Estimate, told: Sequence[Told] = ()) -> Html:
    """What the last tenth holds and what the promise makes of it, the table, and what a skew loss would do."""
    return joined(tag("p", said(tail, estimate)), _table(tail), _skewed(told) if told else NOTHING)


def said(tail: Sequence[Tenth], estimate: Estimate) -> str:
    """The last tenth in words."""
    last, rest = tail[-1], tail[:-1]
    promise = estimate.promise
    early = sum(one.promised_early * one.n for one in rest) / max(sum(one.n for one in rest), 1)
    return (
        f"The tenth that took longest holds {wording.share(last.error_share)} of all absolute error. Were the estimate "
        f"promised, it would be {_minutes(last.late)} late in the mean; as late minutes cost "
        f"{wording.given(float(f'{promise.late_per_min / promise.early_per_min:.3g}'))} times early ones, it is "
        f"{_minutes(last.promised_late)}, for which all others come {_minutes(early)} early. Part of it is chance that no "
        "estimate can know: rows are sorted by what became of them."
    )


def _table(tail: Sequence[Tenth]) -> Html:
    worst, most = (max(*values, 1e-9) for values in zip(*((one.late, one.error_share) for one in tail), strict=True))
    names = ("Took", "Estimated", "Share of all error", "", "Late, were the estimate promised", "", "Late", "Early")
    head = header_row("Tenth", *names, right=("Took", "Estimated", "Late", "Early"))
    rows = [_row(str(i), one, worst, most) for i, one in enumerate(tail, start=1)]
    caption = "Tenths by how long it took, the last one longest; means in minutes; last, late and early as was promised"
    return figure(caption, tag("table.chart.tail", head, tag("tbody", *rows)))


def _skewed(told: Sequence[Told]) -> Html:
    """What the estimate would be, had it been learned by a loss that prices too short and too long unlike."""
    names = ("Too short : too long", "Mean absolute error", "Of the last tenth", "Bias")
    rows = [
        tag("tr", row_name(wording.share(one.level)), *(tag("td.n", text) for text in _prices(one))) for one in told
    ]
    table = tag("table", header_row("Quantile told", *names, right=names), tag("tbody", *rows))
    caption = "What a skew loss buys: the error of the last tenth, minutes, against that of all and the bias"
    return figure(caption, table)


def _prices(one: Told) -> tuple[str, ...]:
    ratio = wording.given(float(f"{one.level / (1 - one.level):.2g}"))
    minutes = (wording.number(value, places=2) for value in (one.error, one.tail_error, one.bias))
    return f"{ratio} : 1", *minutes


def _row(name: str, one: Tenth, worst: float, most: float) -> Html:
    share, late = wording.share(one.error_share), wording.number(one.late, places=1)
    return tag(
        "tr",
        row_name(name),
        tag("td.n", wording.number(one.took, places=1)),
        tag("td.n", wording.number(one.estimated, places=1)),
        tag("td.plot", charts.bar(f"tenth {name}", f"{share} of all error", one.error_share / most)),
        tag("td.n", share),
        tag("td.plot", charts.bar(f"tenth {name}", f"{late} minutes late", one.late / worst)),
        tag("td.n", late),
        tag("td.n", wording.number(one.promised_late, places=1)),
        tag("td.n", wording.number(one.promised_early, places=1)),
    )


def _minutes(value: float) -> str:
    return f"{wording.number(value, places=1)} minutes"
