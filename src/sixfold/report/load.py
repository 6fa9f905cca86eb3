"""Step 6 of the report: the load that is planned for, beside what this log held."""

from __future__ import annotations

import msgspec

from ..metrics.spec import positive_rate
from . import wording
from .markup import Html, header_row, joined, row_name, tag
from .review import Review

_MONTH_S = 30 * 86_400


def section(found: Review) -> Html:
    """Each number that the design states, what the log held of it, and the rates that follow."""
    seen = _in_the_log(found)
    stated = {name: value for name, value in msgspec.structs.asdict(found.design.scale).items() if value is not None}
    rows = [
        tag("tr", row_name(wording.sentence(name.replace("_", " "))), tag("td.n", wording.given(value)),
            tag("td.n", wording.number(seen.get(name))))
        for name, value in stated.items()
    ]  # fmt: skip
    table = tag(
        "table",
        header_row("Number", "Planned for", "In this log", right=("Planned for", "In this log")),
        tag("tbody", *rows),
    )
    return joined(tag("div.scroll", table), tag("p", _follows(found)))


def summary(found: Review) -> str:
    """The users and items planned for."""
    scale = found.design.scale
    return f"{wording.given(scale.users)} users, {wording.given(scale.items)} items"


def _in_the_log(found: Review) -> dict[str, float | None]:
    counts = found.evaluation.counts
    positives = found.evaluation.find(positive_rate())
    decisions = counts.get("decisions", 0)
    return {
        "users": counts.get("members"),
        "items": counts.get("items"),
        "positive_rate": None if positives is None else positives.value,
        "shown_per_request": counts.get("impressions", 0) / decisions if decisions else None,
    }


def _follows(found: Review) -> str:
    scale, wants = found.design.scale, found.design.requirements
    text = f"The service is required to take {wording.given(wants.requests_per_s)} requests/s"
    if scale.requests_per_month is None:
        return text + "; the design states no requests per month to hold that against."
    mean = scale.requests_per_month / _MONTH_S
    peak = wording.number(mean * scale.peak_over_mean)
    return f"{text}; the month's requests are {wording.number(mean)} requests/s on the mean and {peak} at the peak."
