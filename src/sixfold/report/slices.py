"""For whom is the released system better or worse than on the whole? Each slice beside the overall value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..evaluation.results import Evaluation, Measure, Measures
from . import strips, wording
from .axis import Axis, around
from .glossary import MEANINGS
from .markup import NOTHING, Html, figure, joined, row_name, tag

NAMED = 8
"""Differences that the sentence names; the table marks all of them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One metric over all slices, on one axis, beside its value over everything (None where that is not known)."""

    text: str
    overall: float | None
    axis: Axis
    places: int

    def differs(self, measure: Measure) -> bool:
        """Whether the interval of a slice leaves out the overall value, of a metric that can be better or worse.

        A slice with more positives than the whole is no fault of the system.
        """
        if not self.judges(measure) or measure.low is None or measure.high is None or self.overall is None:
            return False
        return not measure.low <= self.overall <= measure.high

    def judges(self, measure: Measure) -> bool:
        """Whether there is a better, and a whole to compare with."""
        return bool(MEANINGS[measure.metric.name].better) and self.overall is not None


def section(evaluation: Evaluation) -> Html:
    """What differs, in a sentence, and the table; nothing where there are no slices."""
    found = columns(evaluation)
    if not found:
        return NOTHING
    groups = [_group(path, values, found) for path, values in evaluation.slices.items()]
    names = [tag("th", wording.sentence(one.text), at={"scope": "col"}) for one in found]
    head = tag("tr", tag("th", "Slice", at={"scope": "col"}), tag("th.n", "Rows", at={"scope": "col"}), *names)
    foot = tag("tr", tag("td"), tag("td"), *(tag("td.plot", strips.scale(one.axis)) for one in found))
    table = tag("table.slices", tag("thead", head), *groups, tag("tfoot", foot))
    caption = f"{evaluation.chosen} by slice, with 95 % intervals; the upright line is the value over all rows"
    return joined(tag("p", said(evaluation)), figure(caption, table))


def columns(evaluation: Evaluation) -> list[Column]:
    """The metrics that slices have."""
    by_text: dict[str, list[Measure]] = {}
    for _, _, text, measure in _each(evaluation):
        by_text.setdefault(text, []).append(measure)
    return [_column(evaluation, text, measures) for text, measures in by_text.items()]


def said(evaluation: Evaluation) -> str:
    """The slices whose interval leaves out the overall value, and how many would by chance."""
    found = {one.text: one for one in columns(evaluation)}
    compared = [each for each in _each(evaluation) if found[each[2]].judges(each[3])]
    different = [
        f"{text} where {path} is {value} ({wording.number(measure.value, places=found[text].places)})"
        for path, value, text, measure in compared
        if found[text].differs(measure)
    ]
    chance = wording.number(round(0.05 * len(compared)))
    opening = f"{len(different)} of {len(compared)} values differ from the whole by more than their interval"
    named = "; ".join([*different[:NAMED], *([f"and {len(different) - NAMED} more"] if len(different) > NAMED else [])])
    return f"{opening}, where chance alone gives about {chance}{': ' if different else ''}{named}."


def _each(evaluation: Evaluation) -> Iterator[tuple[str, str, str, Measure]]:
    """(slice, its value, metric, measure) of all of them."""
    for path, values in evaluation.slices.items():
        for value, measures in values.items():
            for text, measure in measures.items():
                yield path, value, text, measure


def _column(evaluation: Evaluation, text: str, measures: Sequence[Measure]) -> Column:
    whole = evaluation.systems[evaluation.chosen].get(text)
    overall = None if whole is None else whole.value
    axis = around([overall, *(end for m in measures for end in (m.value, m.low, m.high))])
    return Column(text, overall, axis, wording.shared_places(measures))


def _group(path: str, values: Mapping[str, Measures], found: Sequence[Column]) -> Html:
    heading = tag("th", tag("code", path), at={"scope": "rowgroup", "colspan": str(2 + len(found))})
    # The largest first: what most members meet.
    ordered = sorted(values.items(), key=lambda pair: -_rows(pair[1]))
    return tag("tbody", tag("tr.group", heading), *(_row(value, measures, found) for value, measures in ordered))


def _row(value: str, measures: Measures, found: Sequence[Column]) -> Html:
    cells = (_cell(value, one, measures.get(one.text)) for one in found)
    return tag("tr", row_name(value), tag("td.n", wording.number(_rows(measures))), *cells)


def _cell(value: str, column: Column, measure: Measure | None) -> Html:
    if measure is None:
        return tag("td.none", wording.UNKNOWN)
    whole = NOTHING if column.overall is None else strips.mark(column.axis.at(column.overall))
    shape = strips.span(column.axis, measure.value, measure.low, measure.high)
    drawn = strips.strip(f"{value}, {column.text}: {wording.measured(measure)}", whole, shape)
    number = tag("span.n", wording.number(measure.value, places=column.places))
    return tag("td.plot.differs" if column.differs(measure) else "td.plot", tag("div.cell", drawn, number))


def _rows(measures: Measures) -> int:
    return max((measure.n for measure in measures.values()), default=0)
