"""Where is the released system better or worse than on the whole? Each slice beside the overall value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..evaluation.results import Evaluation, Measure, Measures
from . import strips, wording
from .axis import Axis, around
from .markup import NOTHING, Html, figure, row_name, tag


def section(evaluation: Evaluation) -> Html:
    """What differs, in a sentence, and the table; nothing where there are no slices."""
    if not evaluation.slices:
        return NOTHING
    metrics = _metrics(evaluation)
    axes = {text: around(_ends(evaluation, text)) for text in metrics}
    overall = {text: evaluation.systems[evaluation.chosen].get(text) for text in metrics}
    groups = [_group(path, values, axes=axes, overall=overall) for path, values in evaluation.slices.items()]
    columns = [tag("th", wording.sentence(text), at={"scope": "col"}) for text in metrics]
    first = tag("tr", tag("th", "Slice", at={"scope": "col"}), tag("th.n", "Rows", at={"scope": "col"}), *columns)
    foot = tag("tr", tag("td"), tag("td"), *(tag("td.plot", strips.scale(axes[text])) for text in metrics))
    caption = f"{evaluation.chosen} by slice; the line is the value over all, filled where the interval leaves it out"
    table = tag("table.slices", tag("thead", first), *groups, tag("tfoot", foot))
    return Html(tag("p", said(evaluation)) + figure(caption, table))


def said(evaluation: Evaluation) -> str:
    """The slices whose interval leaves out the overall value, and how many would by chance."""
    found, compared = [], 0
    for path, values in evaluation.slices.items():
        for value, measures in values.items():
            for text, measure in measures.items():
                overall = evaluation.systems[evaluation.chosen].get(text)
                compared += overall is not None
                if differs(measure, overall):
                    found.append(f"{text} where {path} is {value} ({wording.value_of(measure)})")
    chance = wording.number(0.05 * compared, places=0)
    opening = f"{len(found)} of {compared} values differ from the whole by more than their interval, where chance alone gives about {chance}"
    return f"{opening}: {'; '.join(found)}." if found else f"{opening}."


def differs(measure: Measure, overall: Measure | None) -> bool:
    """Whether the interval of a slice leaves out the overall value."""
    if overall is None or overall.value is None or measure.low is None or measure.high is None:
        return False
    return not measure.low <= overall.value <= measure.high


def _group(
    path: str, values: Mapping[str, Measures], *, axes: Mapping[str, Axis], overall: Mapping[str, Measure | None]
) -> Html:
    heading = tag("th", tag("code", path), at={"scope": "rowgroup", "colspan": str(2 + len(axes))})
    # The largest first: what most members meet.
    ordered = sorted(values.items(), key=lambda pair: -_rows(pair[1]))
    rows = [
        tag("tr", row_name(value), tag("td.n", wording.number(_rows(measures))),
            *(_cell(measures.get(text), overall[text], axis, f"{value}, {text}") for text, axis in axes.items()))
        for value, measures in ordered
    ]  # fmt: skip
    return tag("tbody", tag("tr.group", heading), *rows)


def _cell(measure: Measure | None, overall: Measure | None, axis: Axis, label: str) -> Html:
    if measure is None:
        return tag("td.none", wording.UNKNOWN)
    behind = NOTHING if overall is None or overall.value is None else strips.mark(axis.at(overall.value))
    shape = strips.span(axis, measure.value, measure.low, measure.high)
    said = f"{label}: {wording.measured(measure)}"
    cell = "td.plot.differs" if differs(measure, overall) else "td.plot"
    return tag(cell, tag("div.cell", strips.strip(said, behind, shape), tag("span.n", wording.value_of(measure))))


def _metrics(evaluation: Evaluation) -> list[str]:
    every = (text for values in evaluation.slices.values() for measures in values.values() for text in measures)
    return list(dict.fromkeys(every))


def _ends(evaluation: Evaluation, text: str) -> Sequence[float | None]:
    """All that the axis of a metric must hold: values, not whole intervals, so that one tiny slice flattens no other."""
    slices = [m[text] for values in evaluation.slices.values() for m in values.values() if text in m]
    whole = evaluation.systems[evaluation.chosen].get(text)
    steady = [x for m in slices if m.value is not None for x in _within(m)]
    return [*steady, *(m.value for m in slices), None if whole is None else whole.value]


def _within(measure: Measure) -> tuple[float | None, float | None]:
    return measure.low, measure.high


def _rows(measures: Measures) -> int:
    return max((measure.n for measure in measures.values()), default=0)
