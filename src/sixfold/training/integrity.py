"""Whether the log can be true: dates, clocks, joins and probabilities that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..lint.finding import Finding, error, spaced, warning
from .evidence import Evidence, Question, in_seconds, rows_of

TOLERATED = 0.01
"""Share of the outcomes that may be out of order before training on them is refused."""

FEW = 100
"""Events from which the span of nearly all can be told."""


def stray_times(evidence: Evidence) -> Iterator[Finding]:
    """A few wrong dates stretch the log, and its cut in four and every count with it."""
    log = evidence.material.log
    for name, table in (("decisions", log.decisions), *((f"outcomes.{name}", t) for name, t in log.outcomes.items())):
        ts = table["ts"]
        if len(ts) < FEW:
            continue
        low, high = np.quantile(ts, [0.01, 0.99])
        # Twice the span of nearly all: an even log reaches 1 % beyond it on either side.
        stray = int(((ts < low - 2 * (high - low)) | (ts > high + 2 * (high - low))).sum())
        if stray and high > low:
            yield warning(
                f"log.{name}.ts",
                f"{stray} of {spaced(len(ts))} lie far outside the {in_seconds(high - low)} of 98 % of them; "
                "correct their dates or leave them out",
            )


def in_order(evidence: Evidence) -> Iterator[Finding]:
    """An outcome known before its decision is a feature of it: the clocks disagree, and the label leaks."""
    decided = evidence.material.log.decisions
    for name, table in evidence.material.log.outcomes.items():
        decision = rows_of(decided["id"], table["decision"])
        some = (decision >= 0) & (table["decision"] != 0)
        early = int((table["ts"][some] < decided["ts"][decision[some]]).sum())
        if early:
            share = early / int(some.sum())
            yield (error if share > TOLERATED else warning)(
                f"log.outcomes.{name}",
                f"{early} outcomes ({share:.2%}) are dated before the decision that they name, which is then no row to learn "
                "from or to judge by; correct the clocks",
            )


def joined(evidence: Evidence) -> Iterator[Finding]:
    """An outcome that cannot be joined is a positive that training takes for a negative."""
    for name, table in evidence.material.log.outcomes.items():
        found = evidence.attributed(table)
        lost = int(((found.decision < 0) & ~found.organic).sum())
        elsewhere = int(((found.decision >= 0) & (found.shown < 0)).sum())
        path, total = f"log.outcomes.{name}", spaced(len(table["ts"]))
        if lost:
            yield warning(path, f"{lost} of {total} name a decision that never came; ingest the missing decisions")
        if elsewhere:
            yield warning(
                path, f"{elsewhere} of {total} are of an item that their decision did not show; correct the join"
            )


def shown_once(evidence: Evidence) -> Iterator[Finding]:
    """An item twice in a slate gives one outcome to two rows."""
    # Sorted, because the slots nearly are: ten times faster than np.unique on two million.
    slots = np.sort(evidence.slots, kind="stable")
    twice = int((slots[1:] == slots[:-1]).sum())
    if twice:
        yield warning("log.shown", f"{twice} impressions repeat an item of their own slate; ingest each item once")


def proper_propensities(evidence: Evidence) -> Iterator[Finding]:
    """Off-policy estimates divide by the propensity: it is a probability above 0, or not known."""
    propensity = evidence.material.log.shown["propensity"]
    odd = int(((propensity <= 0) | (propensity > 1)).sum())
    if odd:
        yield warning(
            "log.shown.propensity",
            f"{odd} of {spaced(len(propensity))} propensities are not above 0 and up to 1; log the probability of the "
            "choice, or leave it out where it is not known",
        )


QUESTIONS: tuple[Question, ...] = (stray_times, joined, shown_once, proper_propensities)
