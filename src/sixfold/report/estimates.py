"""Step 4 of the report for a design that decides an estimate: how it is made, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Sequence

from ..estimation.adaptive import Adaptive
from ..features.spec import name_of
from . import calibration, costs, levels, places, tail, wording
from .markup import NOTHING, Html, facts
from .review import Review


def trained(found: Review) -> Html:
    """The recipe: what learns, what makes it cover, what it sees."""
    learning, estimate = found.design.learning, found.design.estimate
    steering = learning.adaptive
    return facts(
        [
            ("Estimated", ", ".join(estimate.legs) or str(found.design.requirements.label)),
            ("Left out", f"what ends as {wording.listed(estimate.void)}" if estimate.void else "nothing"),
            ("Estimator", wording.described(learning.estimator)),
            ("Coverage", wording.described(learning.coverage)),
            ("Steered by outcomes", "no" if steering is None else _steered(steering)),
            (f"Features ({len(learning.features)})", ", ".join(map(name_of, learning.features))),
        ]
    )


def _steered(by: Adaptive) -> str:
    """Who is steered, and in which steps."""
    each = "" if by.by is None else f"each {by.by} for itself (steps of {_steps(by.by_steps)}), then "
    return f"{each}all together (steps of {_steps(by.steps)} of a width)"


def _steps(steps: Sequence[float]) -> str:
    return wording.listed([wording.given(step) for step in steps])


def questions(found: Review) -> list[tuple[str, Html]]:
    """Each question that a picture answers, with the picture."""
    picture, estimate = found.evaluation.picture, found.design.estimate
    bins = [one for one in found.evaluation.bins.get("minutes", []) if one.n]
    parts = [
        ("Is the mean right?", calibration.section("the mean, in minutes", bins, happens=False) if bins else NOTHING)
    ]
    if picture is None:
        return parts
    return [
        *parts,
        ("Do quantiles hold what they say?", levels.section(picture.levels) if picture.levels else NOTHING),
        ("Where is it wrong?", places.section(picture.map) if picture.map else NOTHING),
        ("Who waits longest?", tail.section(picture.tail, estimate, picture.told) if picture.tail else NOTHING),
        ("What is a promise worth?", costs.section(picture.costs) if picture.costs else NOTHING),
    ]
