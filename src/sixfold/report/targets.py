"""Step 2 of the report: each target beside what was measured, and what is left for the service to measure."""

from __future__ import annotations

from ..metrics.target import Target, Verdict
from . import strips, wording
from .glossary import explained
from .markup import NOTHING, Html, facts, figure, header_row, row_name, tag
from .review import Review, Standing, verdict_line


def section(found: Review) -> Html:
    """Targets and guardrails with verdicts, then online metrics and slices."""
    metrics = found.design.metrics
    rows = [
        *(_row(found, f"metrics.offline[{i}]", target, "offline") for i, target in enumerate(metrics.offline)),
        *(_row(found, f"metrics.guardrails[{i}]", target, "guardrail") for i, target in enumerate(metrics.guardrails)),
    ]
    head = header_row("Metric", "Role", "Target", "Measured [95 %]", "Against the target", "Verdict")
    table = figure(
        "Targets, and what was measured on the test part of the log", tag("table", head, tag("tbody", *rows))
    )
    pairs = [("Online metrics", ", ".join(map(str, metrics.online)) + " (measured by the service, not here)")]
    pairs = pairs if metrics.online else []
    if metrics.slices:
        pairs.append(("Slices", ", ".join(metrics.slices)))
    wanted = {str(target.metric): target.metric for target in (*metrics.offline, *metrics.guardrails)}
    none = tag("p.quiet", "The design sets no targets: nothing here can be short.")
    return Html((table if rows else none) + (facts(pairs) if pairs else NOTHING) + explained(wanted))


def summary(found: Review) -> str:
    """The verdicts on metrics, counted."""
    mine = _standings(found)
    return verdict_line(mine).replace(" requirements", "") if mine else "no targets"


def figures(verdict: Verdict) -> Html:
    """The measured value with as many digits as its target asks for, and its interval."""
    if verdict.measured is None:
        return Html(wording.UNKNOWN)
    bounds = [bound for bound in (verdict.target.value, verdict.target.high) if bound is not None]
    value = wording.apart(verdict.measured, bounds)
    if verdict.low is None or verdict.high is None:
        return tag("span", value)
    places = wording.decimals(verdict.measured, verdict.low, verdict.high)
    low, high = (wording.number(x, places=places) for x in (verdict.low, verdict.high))
    return tag("span", value, " ", tag("small", f"[{low}, {high}]"))


def _row(found: Review, path: str, target: Target, role: str) -> Html:
    standing = found.standing(path) or Standing(path, "not measured", "no verdict was given")
    verdict = standing.verdict
    note = tag("small", f" {standing.note}") if standing.note else NOTHING
    return tag(
        "tr",
        row_name(wording.sentence(str(target.metric))),
        tag("td", role),
        tag("td.n", wanted(target)),
        tag("td.n", figures(verdict) if verdict else wording.UNKNOWN),
        tag("td.plot", strips.against(verdict) if verdict else NOTHING),
        tag("td", standing.chip, note),
    )


def wanted(target: Target) -> str:
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
