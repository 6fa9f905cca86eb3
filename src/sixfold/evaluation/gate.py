"""Whether a challenger may become the release that is served.

The first one must beat the baseline: popularity, or the mean of all. A later one must not lose to the champion; nor to the
baseline, unless the champion is beaten:
to hold a challenger back is to go on with the champion, which may be worse than both, as on the day after tastes have changed.

Compared are the same test rows, paired by member. Where the log has impressions that its policy left to chance, it is their
order that counts (`explored`): the others were chosen by the champion, and to be judged by them is to be judged by it. Else it
is the order of all impressions, and where the log has none, whole slates.
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
    champion = _ahead(found, "champion")
    for name, ahead in ((found.baseline, _ahead(found, found.baseline)), ("champion", champion)):
        if ahead is None or ahead.value is None:
            continue
        first = champion is None
        fine = _won(ahead) if first else not _lost(ahead) or (champion is not None and _won(champion))
        passed &= fine
        over = f" over {ahead.n:,} explored impressions" if ahead is found.ahead_explored.get(name) else ""
        word = "ahead of" if (ahead.value > 0) else "behind"
        reasons.append(
            f"{'passed' if fine else 'failed'}: {word} {name} by {abs(ahead.value):.4f} {ahead.metric}{over} "
            f"[{ahead.low or 0:.4f}, {ahead.high or 0:.4f}]"
        )
    reasons += [f"failed: {leak}" for leak in found.leaks]
    passed &= not found.leaks
    if not reasons:
        reasons.append("passed: there was nothing to compare with")
    return Gate(passed, tuple(reasons))


def _ahead(found: Evaluation, name: str) -> Measure | None:
    """The difference to a system that counts, the first that is defined: AUC is not, where a test has one class only."""
    candidates = (found.ahead_explored.get(name), found.ahead_shown.get(name), found.ahead.get(name))
    return next((one for one in candidates if one is not None and one.value is not None), None)


def _won(ahead: Measure) -> bool:
    return ahead.low is not None and ahead.low > 0


def _lost(ahead: Measure) -> bool:
    return ahead.high is not None and ahead.high < 0
