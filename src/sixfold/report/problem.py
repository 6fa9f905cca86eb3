"""Step 1 of the report: what is decided, for whom, and what of the assumptions the data says."""

from __future__ import annotations

from . import strips, wording
from .markup import NOTHING, Html, facts, header_row, row_name, tag
from .review import Review, tally
from .targets import figures


def section(found: Review) -> Html:
    """The goal, the decision and the assumptions with what was measured of them."""
    problem = found.design.problem
    slate = problem.decides
    again = "never" if slate.seen_again_after is None else f"after {wording.spelled(slate.seen_again_after)}"
    pairs = [
        ("Decides", f"a ranked slate of {slate.size} items of type {slate.of}"),
        ("For", f"each {slate.to}"),
        ("Seen items return", again),
    ]
    if slate.available is not None:
        pairs.append(("Left out where 0", slate.available))
    return Html(tag("p.goal", problem.goal) + facts(pairs) + _assumptions(found))


def summary(found: Review) -> str:
    """The assumptions, counted."""
    assumes = found.design.problem.assumes
    counted = tally([standing for standing in found.standings if standing.path.startswith("problem.")])
    if counted.get("short"):
        return f"{counted['short']} of {len(assumes)} assumptions contradicted"
    return (
        f"{len(assumes)} assumption{'' if len(assumes) == 1 else 's'}, none contradicted"
        if assumes
        else "no assumptions"
    )


def _assumptions(found: Review) -> Html:
    assumes = found.design.problem.assumes
    if not assumes:
        return tag("p.quiet", "The design names no assumptions.")
    rows = [_row(found, i, assume.text) for i, assume in enumerate(assumes)]
    table = tag("table", header_row("Assumption", "As a target", "Measured [95 %]", "", "Verdict"), tag("tbody", *rows))
    return tag("div.scroll", table)


def _row(found: Review, i: int, text: str) -> Html:
    standing = found.standing(f"problem.assumes[{i}]")
    if standing is None or standing.verdict is None:
        note = NOTHING if standing is None else tag("small", " " + standing.note)
        chip = tag("span.chip.not-measured", "assumed")
        return tag("tr", row_name(text), tag("td", wording.UNKNOWN), tag("td"), tag("td"), tag("td", chip, note))
    verdict = standing.verdict
    note = tag("small", f" {verdict.note}") if verdict.note else NOTHING
    cells = (str(verdict.target), figures(verdict), strips.against(verdict), Html(standing.chip + note))
    kinds = ("td", "td.n", "td.plot", "td")
    return tag("tr", row_name(text), *(tag(kind, cell) for kind, cell in zip(kinds, cells, strict=True)))
