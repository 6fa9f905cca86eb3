"""Step 2 of the report: each target beside what was measured, and what is left for the service to measure."""

from __future__ import annotations

from collections.abc import Sequence

from ..metrics.target import Target, Verdict
from ..steps import Metrics
from . import charts, wording
from .glossary import explained
from .markup import NOTHING, Html, facts, figure, header_row, joined, row_name, tag
from .review import Review, Standing, verdict_line


def section(found: Review) -> Html:
    """Targets and guardrails with verdicts, then online metrics and slices."""
    metrics = found.design.metrics
    wanted = [(f"metrics.offline[{i}]", target, "offline") for i, target in enumerate(metrics.offline)]
    wanted += [(f"metrics.guardrails[{i}]", target, "guardrail") for i, target in enumerate(metrics.guardrails)]
    rows = [_row(target, role, found.standing(path)) for path, target, role in wanted]
    named = {str(target.metric): target.metric for _, target, _ in wanted}
    return joined(_table(rows), _elsewhere(metrics), explained(named))


def summary(found: Review) -> str:
    """The verdicts on metrics, counted."""
    mine = _standings(found)
    return verdict_line(mine).replace(" requirements", "") if mine else "no targets"


def figures(verdict: Verdict) -> Html:
    """The measured value with as many digits as its target asks for, and its interval."""
    value, target = verdict.measured, verdict.target
    if value is None:
        return joined(wording.UNKNOWN)
    places = wording.places_apart(value, [bound for bound in (target.value, target.high) if bound is not None])
    number = wording.number(value, places=places)
    if verdict.low is None or verdict.high is None:
        return joined(number)
    low, high = (wording.number(end, places=places) for end in (verdict.low, verdict.high))
    return joined(number, " ", tag("small", f"[{low}, {high}]"))


def pictured(verdict: Verdict) -> tuple[Html, Html]:
    """The measured value with its interval in numbers, and the same drawn against the target."""
    return figures(verdict), charts.against(verdict)


def _table(rows: Sequence[Html]) -> Html:
    if not rows:
        return tag("p.quiet", "The design sets no targets: nothing here can be short.")
    names = ("Metric", "Verdict", "Target", "Measured [95 %]", "Against the target", "Role")
    table = tag("table", header_row(*names, right=("Target", "Measured [95 %]")), tag("tbody", *rows))
    return figure("Targets, and what was measured on the test part of the log", table)


def _row(target: Target, role: str, standing: Standing | None) -> Html:
    verdict = None if standing is None else standing.verdict
    chip = tag("span.chip.noted", "no verdict") if standing is None else standing.chip
    number, drawing = (joined(wording.UNKNOWN), NOTHING) if verdict is None else pictured(verdict)
    name = row_name(wording.sentence(str(target.metric)))
    cells = (tag("td.n", wanted_of(target)), tag("td.n", number), tag("td.plot", drawing), tag("td.quiet", role))
    return tag("tr", name, tag("td", chip), *cells)


def _elsewhere(metrics: Metrics) -> Html:
    """What the design asks for beside targets."""
    pairs = []
    if metrics.online:
        pairs.append(("Online metrics", f"{', '.join(map(str, metrics.online))} (measured by the service, not here)"))
    if metrics.slices:
        pairs.append(("Slices", ", ".join(metrics.slices)))
    return facts(pairs) if pairs else NOTHING


def wanted_of(target: Target) -> str:
    """What a target asks for, without the metric: at least 0.75."""
    value = wording.given(target.value)
    match target.op:
        case ">=":
            return f"at least {value}"
        case "<=":
            return f"at most {value}"
        case "about":
            return f"about {value}"
        case "within":
            return f"{value} to {wording.given(target.high or 0.0)}"


def _standings(found: Review) -> list[Standing]:
    return [standing for standing in found.standings if standing.path.startswith("metrics.")]
