"""Whether a challenger may become the release that is served: it must beat popularity, and not lose to the champion.

Compared are the same test rows, paired by member: the order of impressions where the log has them, whole slates where it
has not.
"""

from __future__ import annotations

import msgspec

from .results import Evaluation, Measure


class Gate(msgspec.Struct, frozen=True):
    """The decision, and a sentence for each thing that was looked at."""

    passed: bool
    reasons: tuple[str, ...]


def gate(found: Evaluation) -> Gate:
    """The gate's decision on an evaluated challenger."""
    reasons, passed = [], True
    for name, must_win in (("popularity", True), ("champion", False)):
        ahead = _known(found.ahead_shown.get(name)) or _known(found.ahead.get(name))
        if ahead is None or ahead.value is None:
            continue
        fine = _won(ahead) if must_win else not _lost(ahead)
        passed &= fine
        word = "ahead of" if (ahead.value > 0) else "behind"
        reasons.append(
            f"{'passed' if fine else 'failed'}: {word} {name} by {abs(ahead.value):.4f} {ahead.metric} "
            f"[{ahead.low or 0:.4f}, {ahead.high or 0:.4f}]"
        )
    reasons += [f"failed: {leak}" for leak in found.leaks]
    passed &= not found.leaks
    if not reasons:
        reasons.append("passed: there was nothing to compare with")
    return Gate(passed, tuple(reasons))


def _known(ahead: Measure | None) -> Measure | None:
    """A difference that is defined: AUC is not, where the test has one class only."""
    return None if ahead is None or ahead.value is None else ahead


def _won(ahead: Measure) -> bool:
    return ahead.low is not None and ahead.low > 0


def _lost(ahead: Measure) -> bool:
    return ahead.high is not None and ahead.high < 0
