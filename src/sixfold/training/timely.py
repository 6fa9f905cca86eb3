"""What a log of times cannot give: labels that are impossible, statuses out of order, places that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from .. import durations
from ..errors import nearest
from ..events.places import REASONS, checked_places
from ..features.parts import contexts_of
from ..features.spec import CONTEXT, Way
from ..lint.finding import Finding, error, spaced, warning
from .estimates import parts
from .evidence import Evidence, Question, in_seconds, rows_of


def possible_times(evidence: Evidence) -> Iterator[Finding]:
    """A time below 0, or none at all, is left out of training and of what is counted as a mean."""
    window = durations.parse(evidence.design.requirements.window) / 1e6
    for name in parts(evidence.design):
        value = evidence.material.log.outcomes.get(name, {}).get("value", np.empty(0))
        wrong = int((~(value >= 0)).sum())
        if wrong:
            yield warning(
                f"log.{name}", f"{wrong} of {spaced(len(value))} times are below 0 or missing; mend and ingest them"
            )
        long = int((value > window).sum())
        if long:
            yield warning(
                f"log.{name}",
                f"{long} of {spaced(len(value))} times are longer than requirements.window, {in_seconds(window * 1e6)}; "
                "they are left out: lengthen it, or mend them",
            )


def labelled(evidence: Evidence) -> Iterator[Finding]:
    """Without labels there is nothing to learn; many that never end say that an outcome of the end is missing."""
    log, design = evidence.material.log, evidence.design
    label = design.requirements.label.name
    if not len(log.decisions["ts"]):
        yield error("requirements.label", "the log has no decisions, of which an estimate learns; ingest some")
        return
    old = log.decisions["ts"] < evidence.material.cuts.censored
    ended = [log.outcomes[name]["decision"] for name in (label, *design.estimate.void) if name in log.outcomes]
    open_ = int((old & ~np.isin(log.decisions["id"], np.concatenate([np.empty(0, np.uint64), *ended]))).sum())
    if open_ > 0.1 * old.sum():
        yield warning(
            "problem.decides.void",
            f"{spaced(open_)} of {spaced(int(old.sum()))} never ended by {label!r} nor by what is in `void`; name the outcomes "
            "by which others end",
        )


def in_order(evidence: Evidence) -> Iterator[Finding]:
    """A leg that ends after the whole has is a status that came late, or a clock that is wrong."""
    log, design = evidence.material.log, evidence.design
    whole = log.outcomes.get(design.requirements.label.name)
    for name in design.estimate.legs:
        leg = log.outcomes.get(name)
        if whole is None or leg is None:
            continue
        at = rows_of(whole["decision"], leg["decision"])
        after = int((leg["ts"][at >= 0] > whole["ts"][at[at >= 0]]).sum())
        if after:
            yield warning(f"log.{name}", f"{after} came after {design.requirements.label.name!r} of the same decision")


def real_places(evidence: Evidence) -> Iterator[Finding]:
    """A place in the Gulf of Guinea is a missing one; it would make a distance of thousands of kilometres."""
    log, area = evidence.material.log, evidence.design.estimate.area
    outside = " or it is outside problem.decides.area" if area else ""
    ways = (one for one in evidence.design.learning.features if isinstance(one, Way))
    for place in sorted({end for way in ways for end in (way.start, way.stop)}):
        if names := [CONTEXT + name for name in contexts_of(f"{place}@0")]:
            held = [log.decisions.get(name) for name in names]
        else:
            table = log.entities.get(place, {})
            held = [table.get("lat"), table.get("lon")]
        if held[0] is None or held[1] is None:
            yield error("learning.features", f"{place!r} has no numbers for its latitude and longitude in the log")
            continue
        found = Counter(checked_places(held[0], held[1]).tolist())
        wrong = ", ".join(f"{count} where {REASONS[reason]}" for reason, count in sorted(found.items()) if reason)
        if wrong:
            yield warning(
                f"log.{place}",
                f"of {spaced(len(held[0]))} places: {wrong}{outside}; mend and ingest them",
            )


def steered_by(evidence: Evidence) -> Iterator[Finding]:
    """What outcomes steer apart is told apart by what decisions name, and by a row of its own among the features' entities."""
    adaptive = evidence.design.learning.adaptive
    if adaptive is None or adaptive.by is None:
        return
    known = [name for name in evidence.material.ids.types if name in evidence.material.log.decisions]
    if adaptive.by not in known:
        yield error(
            "learning.adaptive.by",
            f"{adaptive.by!r} is no entity that both decisions and features name; {nearest(adaptive.by, known)}",
        )


QUESTIONS: tuple[Question, ...] = (possible_times, labelled, in_order, real_places, steered_by)
