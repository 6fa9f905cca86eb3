"""Step 1 of the report: what is decided, for whom, and what of the assumptions the data says."""

from __future__ import annotations

from ..steps import Estimate, Slate
from . import wording
from .markup import NOTHING, Html, facts, header_row, joined, row_name, tag
from .review import Review, Standing, tally
from .targets import pictured


def section(found: Review) -> Html:
    """The goal, the decision and the assumptions with what was measured of them."""
    problem = found.design.problem
    decides = _estimate(problem.decides) if isinstance(problem.decides, Estimate) else _slate(problem.decides)
    return joined(facts([("Goal", problem.goal), *decides]), _assumptions(found))


def _slate(slate: Slate) -> list[tuple[str, str]]:
    again = "never" if slate.seen_again_after is None else f"after {wording.spelled(slate.seen_again_after)}"
    pairs = [
        ("Decides", f"a ranked slate of {slate.size} items of type {slate.of}"),
        ("For", f"each {slate.to}"),
        ("Seen items return", again),
    ]
    return [*pairs, ("Left out where 0", slate.available)] if slate.available is not None else pairs


def _estimate(estimate: Estimate) -> list[tuple[str, str]]:
    promise = estimate.promise
    return [
        ("Decides", f"how long each {estimate.of} takes"),
        ("Legs", ", ".join(estimate.legs) or "one"),
        ("A minute late costs", f"{promise.late_per_min:g}, a minute early {promise.early_per_min:g}"),
        ("Promised", f"the {promise.level:.0%} quantile, rounded up to {promise.round_to_min} minutes"),
    ]


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
    rows = [_row(text, found.standing(f"problem.assumes[{i}]")) for i, text in enumerate(one.text for one in assumes)]
    head = header_row("Assumption", "Verdict", "As a target", "Measured [95 %]", "", right=("Measured [95 %]",))
    return tag("div.scroll", tag("table", head, tag("tbody", *rows)))


def _row(text: str, standing: Standing | None) -> Html:
    chip = tag("span.chip.noted", "assumed") if standing is None else standing.chip
    verdict = None if standing is None else standing.verdict
    target, number, drawing = (
        (wording.UNKNOWN, NOTHING, NOTHING) if verdict is None else (str(verdict.target), *pictured(verdict))
    )
    return tag("tr", row_name(text), tag("td", chip), tag("td", target), tag("td.n", number), tag("td.plot", drawing))
