"""What is trained: the heads and their formula, how many candidates, and how time is cut."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from .. import formula
from ..design import Design
from ..errors import DesignError
from ..retrieval import EASE
from .finding import Finding, Rule, error, spaced, warning

LEAST_SHARE = 0.05
"""A part of time with less than this share of the events says little, whatever it is for."""


def readable_value(design: Design) -> Iterator[Finding]:
    """The formula is applied after the last head is trained, which is late to learn that it has none."""
    try:
        formula.parse(design.value, design.heads)
    except DesignError as mistake:
        yield error("learning.value", str(mistake))


def guarded_label(design: Design) -> Iterator[Finding]:
    """Slates ordered by more than the label can have more of the other and less of the label.

    Haldar et al. 2018, "Applying Deep Learning to Airbnb Search": long views rose, bookings did not.
    """
    label = design.requirements.label.name
    try:
        used = formula.parse(design.value, design.heads).names
    except DesignError:
        return
    others = [name for name in used if design.heads[name].stream.name != label]
    if others and not any(
        _is_about(target.metric.name, target.metric.of, label) for target in design.metrics.guardrails
    ):
        yield warning(
            "metrics.guardrails",
            f"slates are ordered by {', '.join(others)} too, but no guardrail is on the label {label!r}, which may "
            f"fall as they rise; add one such as rate({label!r}) >= 0.01",
        )


def _is_about(metric: str, of: str | None, label: str) -> bool:
    return metric == "positive_rate" or (metric in ("rate", "mean") and of == label)


def enough_candidates(design: Design) -> Iterator[Finding]:
    """One retriever alone has to fill a slate: the others may give the same items, or be down."""
    if design.estimates:
        return
    candidates, size = design.learning.candidates, design.slate.size
    if candidates < size:
        yield error(
            "learning.candidates",
            f"each retriever gives {candidates} candidates, fewer than a slate of {size} shows; "
            "raise learning.candidates",
        )


def filled_quotas(design: Design) -> Iterator[Finding]:
    """A retriever that can never fill its quota is said to have less recall than it has."""
    candidates = design.learning.candidates
    if candidates > design.scale.items:
        yield warning(
            "learning.candidates",
            f"each retriever gives {candidates} candidates of {spaced(design.scale.items)} items, "
            "which is all of them; lower learning.candidates or correct scale.items",
        )
    for i, retriever in enumerate(design.learning.retrievers):
        if isinstance(retriever, EASE) and retriever.items < candidates:
            yield warning(
                f"learning.retrievers[{i}]",
                f"EASE knows {retriever.items} items and cannot give {candidates} candidates; raise items",
            )


def fair_split(design: Design) -> Iterator[Finding]:
    """Each of the four parts of time has to be large enough for what it is for."""
    shares: dict[str, float] = msgspec.structs.asdict(design.learning.split)
    total = sum(shares.values())
    for name, share in shares.items():
        if share / total < LEAST_SHARE:
            yield warning(
                f"learning.split.{name}",
                f"{name} gets {100 * share / total:.2g} % of the events, less than {100 * LEAST_SHARE:g} %; "
                "raise its share",
            )


RULES: tuple[Rule, ...] = (readable_value, guarded_label, enough_candidates, filled_quotas, fair_split)
