"""Step 3 of the report: what training and inference must respect, and what of it was measured."""

from __future__ import annotations

from . import wording
from .markup import NOTHING, Html, header_row, joined, row_name, tag
from .review import Review, Standing
from .targets import figures

_MINUTES_A_MONTH = 30 * 24 * 60


def section(found: Review) -> Html:
    """Each requirement with its value, what it means, and its verdict."""
    wants = found.design.requirements
    down = wording.number(_MINUTES_A_MONTH * (1 - wants.availability))
    rows = [
        ("label", "Label", str(wants.label), "the outcome that makes a positive"),
        (
            "window",
            "Attribution window",
            wording.spelled(wants.window),
            "younger decisions are not known yet",
        ),
        ("retrain", "Retrained every", wording.spelled(wants.retrain), ""),
        ("p99_ms", "Latency, 99th percentile", f"{wording.given(wants.p99_ms)} ms", "at most, of a whole request"),
        (
            "availability",
            "Availability",
            _percent(wants.availability),
            f"at most {down} minutes a month down",
        ),
        ("requests_per_s", "Load", f"{wording.given(wants.requests_per_s)} requests/s", ""),
        (
            "fresh_ms",
            "Freshness",
            f"{wording.given(wants.fresh_ms)} ms",
            "at most, for 99 of 100 events, until requests see them",
        ),
        ("timezone", "Time zone", wants.timezone, ""),
    ]
    body = (_row(found.standing(f"requirements.{field}"), *texts) for field, *texts in rows)
    return tag("div.scroll", tag("table", header_row("Requirement", "Value", "Verdict"), tag("tbody", *body)))


def summary(found: Review) -> str:
    """What a service must hold."""
    wants = found.design.requirements
    return f"p99 {wording.given(wants.p99_ms)} ms at {wording.given(wants.requests_per_s)} requests/s"


def _row(standing: Standing | None, name: str, value: str, note: str) -> Html:
    verdict = NOTHING if standing is None else standing.chip
    if standing is not None and standing.verdict is not None and standing.verdict.measured is not None:
        verdict = joined(verdict, " ", figures(standing.verdict))
    return tag("tr", row_name(name, tag("small.under", note)), tag("td", value), tag("td", verdict))


def _percent(share: float) -> str:
    return f"{wording.given(float(f'{100 * share:.9g}'))}{wording.THIN}%"
