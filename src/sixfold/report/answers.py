"""What else was tried? The answers to design questions, as experiments on the log gave them (`sixfold ask`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..evaluation.results import Measure
from ..questions.answer import AS_DESIGNED, Answer, Tried, verdict
from . import strips, wording
from .axis import Axis, around
from .markup import NOTHING, Html, figure, header_row, joined, row_name, tag


def section(answers: Sequence[Answer], digest: str | None) -> Html:
    """Each answer, with a note where it is of another log than the release."""
    return joined(*(_answer(one, digest) for one in answers))


def _answer(found: Answer, digest: str | None) -> Html:
    said = [tag("p", tag("strong", found.text), " ", ". ".join(_sentences(found)), ".")]
    if digest not in (None, found.digest):
        again = f"'sixfold ask {found.question}' asks again."
        said.append(tag("p.quiet", f"Asked of another state of the log ({found.digest[:12]}): {again}"))
    axis = around([0.0, *(end for one in found.tried for end in _ends(one.behind))])
    names = (f"More {found.yardstick} than the best, minutes [95 %, all at once]", "", f"{found.yardstick}", "Columns",
             "Training", "Scoring", "Model", "State of a key")  # fmt: skip
    rows = [_row(found, one, axis) for one in found.tried]
    foot = tag("tfoot", tag("tr", tag("td"), tag("td", strips.scale(axis)), *(tag("td") for _ in names[1:])))
    table = tag("table.chart.answers", header_row("Alternative", *names, right=names[2:]), tag("tbody", *rows), foot)
    counted = wording.listed([f"{what} {wording.number(n)}" for what, n in found.rows.items()])
    return joined(*said, figure(f"Alternatives judged on the same rows; rows: {counted}", table))


def _sentences(found: Answer) -> list[str]:
    return [wording.sentence(text) for text in verdict(found)]


def _row(found: Answer, one: Tried, axis: Axis) -> Html:
    behind, value = one.behind, one.measures[found.yardstick].value
    span = NOTHING if behind is None else strips.span(axis, behind.value, behind.low, behind.high)
    text = "the best" if behind is None else _apart(behind)
    cells = (
        wording.number(value, places=2), wording.number(one.columns), f"{wording.number(one.training_s, places=1)} s",
        f"{wording.number(one.estimate_us, places=0)} \N{MICRO SIGN}s", f"{wording.number(one.model_bytes / 1024, places=0)} KiB",
        f"{wording.number(one.state_bytes)} B",
    )  # fmt: skip
    chosen = one.name == found.recommended
    kinds = (("recommended", chosen), (AS_DESIGNED, one.current and one.name != AS_DESIGNED))
    notes = [note for note, holds in kinds if holds]
    name = row_name(one.name, tag("small.under", wording.listed(notes)) if notes else NOTHING)
    drawn = strips.strip(f"{one.name}: {text}", strips.mark(axis.at(0.0)), span)
    return tag(
        "tr.chosen" if chosen else "tr", name, tag("td", drawn), tag("td.n", text), *(tag("td.n", c) for c in cells)
    )


def _apart(measure: Measure) -> str:
    return f"{wording.number(measure.value, places=2)} {wording.ends(measure, places=2)}".rstrip()


def _ends(measure: Measure | None) -> tuple[float | None, ...]:
    return () if measure is None else (measure.value, measure.low, measure.high)
