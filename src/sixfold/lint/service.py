"""Requirements of the service that its components cannot keep."""

from __future__ import annotations

from collections.abc import Iterator

from ..design import Design
from ..errors import nearest
from ..steps import NOTHING_KNOWN
from .finding import Finding, Rule, error

RETRIEVAL_ORDER = "retrieval order"
"""The fallback of a ranker that is down: the candidates as the sources gave them."""


def deadlines_fit(design: Design) -> Iterator[Finding]:
    """Where every stage may use up its deadline, the slowest answers take as long as all of them together."""
    deadlines = {name: stage.deadline_ms for name, stage in design.stages.items()}
    total, p99_ms = sum(deadlines.values()), design.requirements.p99_ms
    if total > p99_ms:
        parts = " + ".join(f"{name} {ms:g}" for name, ms in deadlines.items())
        yield error(
            "requirements.p99_ms",
            f"p99_ms is {p99_ms:g}, but the stages may take {total:g} ms ({parts}); raise it or cut their deadlines",
        )


def known_fallbacks(design: Design) -> Iterator[Finding]:
    """A fallback that nothing gives is found out in the outage."""
    for name, stage in design.stages.items():
        # Without candidates there is no order of them to fall back on.
        known = {*design.sources} if name == "candidates" else {*design.sources, RETRIEVAL_ORDER}
        known = {NOTHING_KNOWN} if design.estimates else known
        if stage.fallback not in known:
            yield error(
                f"components.{name}.fallback",
                f"{name} falls back on {stage.fallback!r}, which nothing here gives; {nearest(stage.fallback, known)}",
            )


RULES: tuple[Rule, ...] = (deadlines_fit, known_fallbacks)
