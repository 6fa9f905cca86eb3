"""Is the released system ahead of its baselines? In a sentence each, and as charts; a loss is said first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..evaluation.estimates import TRUTH
from ..evaluation.results import Evaluation, Measure, Truth
from ..metrics.spec import auc
from . import wording
from .charts import Row, bars, intervals
from .markup import NOTHING, Html, joined, tag
from .systems import column


@dataclass(frozen=True, slots=True)
class Split:
    """The systems that the chosen one is surely behind, level with (the interval includes 0), and surely ahead of."""

    behind: tuple[str, ...]
    level: tuple[str, ...]
    ahead: tuple[str, ...]


def split(differences: Mapping[str, Measure]) -> Split:
    """Paired differences chosen - system, sorted by what their intervals say; without one they are level."""
    behind = tuple(name for name, d in differences.items() if d.high is not None and d.high < 0)
    ahead = tuple(name for name, d in differences.items() if d.low is not None and d.low > 0)
    return Split(behind, tuple(name for name in differences if name not in behind + ahead), ahead)


def findings(evaluation: Evaluation) -> Html:
    """What the comparisons say, in words; nothing where there was nothing to compare with."""
    chosen, texts = evaluation.chosen, []
    rivals = _rivals(evaluation)
    if rivals:
        texts.append(_sentence(chosen, _yardstick(evaluation), split(rivals)))
    if TRUTH in evaluation.ahead:
        texts.append(_short_of(evaluation.yardstick, evaluation.ahead[TRUTH]))
    if evaluation.ahead_shown:
        texts.append(_sentence(chosen, f"{auc()} over impressions", split(evaluation.ahead_shown)))
    if evaluation.ahead_explored:
        texts.append(_sentence(chosen, f"{auc()} over impressions left to chance", split(evaluation.ahead_explored)))
    if evaluation.truth is not None:
        texts.append(_true(evaluation, evaluation.truth))
    lost = bool(split(rivals).behind or split(evaluation.ahead_shown).behind)
    return tag("div.callout.warn" if lost else "div.callout", *(tag("p", text) for text in texts)) if texts else NOTHING


def figures(evaluation: Evaluation) -> Html:
    """The yardstick of each system, the paired differences, those without history, and the truth where it is known."""
    chosen, yardstick = evaluation.chosen, evaluation.yardstick
    return tag(
        "div.pair",
        _by_system(f"{yardstick} by system", yardstick, column(evaluation, yardstick), chosen),
        _differences(_caption(evaluation), evaluation.ahead),
        _by_system(f"{auc()} over impressions by system", str(auc()), column(evaluation, str(auc())), chosen),
        _differences(f"{chosen} less each system: {auc()} over impressions, paired by member", evaluation.ahead_shown),
        _cold(evaluation),
        NOTHING if evaluation.truth is None else _worth(evaluation.truth, chosen),
    )


def summary(evaluation: Evaluation) -> str:
    """How many systems the chosen one is behind on the yardstick, or ahead of where it is behind none."""
    rivals = _rivals(evaluation)
    found, n = split(rivals), len(rivals)
    if not n:
        return f"{evaluation.chosen}, compared with none"
    how = f"behind {len(found.behind)}" if found.behind else f"ahead of {len(found.ahead)}"
    return f"{evaluation.chosen} {how} of {n} on {evaluation.yardstick}"


def _rivals(evaluation: Evaluation) -> dict[str, Measure]:
    """The paired differences to all that could be released: the truth is no system."""
    return {name: difference for name, difference in evaluation.ahead.items() if name != TRUTH}


def _short_of(yardstick: str, difference: Measure) -> Html:
    less = wording.number(None if difference.value is None else -difference.value, places=2)
    text = f"who knows each distribution itself has {less} minutes less {yardstick}, and nobody can have less, but by luck."
    return joined(tag("strong", "By the truth of the simulated world: "), text)


def _of_estimates(evaluation: Evaluation) -> bool:
    """Whether it is estimates that were compared: of these, less error is better."""
    return any(difference.metric.over == "estimate" for difference in evaluation.ahead.values())


def _yardstick(evaluation: Evaluation) -> str:
    return f"{evaluation.yardstick} over {'estimates' if _of_estimates(evaluation) else 'slates'}"


def _caption(evaluation: Evaluation) -> str:
    if _of_estimates(evaluation):
        return f"How much less {evaluation.yardstick} {evaluation.chosen} has than each system, minutes, paired by row"
    return f"{evaluation.chosen} less each system: {evaluation.yardstick}, paired by member"


def _by_system(caption: str, text: str, found: Mapping[str, Measure], chosen: str) -> Html:
    rows = [Row(name, measure, "chosen" if name == chosen else "") for name, measure in found.items()]
    return intervals(caption, rows, unit=text) if rows else NOTHING


def _differences(caption: str, differences: Mapping[str, Measure]) -> Html:
    behind = split(differences).behind
    rows = [Row(name, measure, "behind" if name in behind else "") for name, measure in differences.items()]
    caption += "; left of 0 the other one is better"
    return intervals(caption, rows, unit="Difference", reference=0.0) if rows else NOTHING


def _cold(evaluation: Evaluation) -> Html:
    text = evaluation.yardstick
    found = {name: measures[text] for name, measures in evaluation.cold.items() if text in measures}
    members = wording.number(max((measure.n for measure in found.values()), default=0))
    return _by_system(f"{text} for the {members} members without history", text, found, evaluation.chosen)


def _worth(found: Truth, chosen: str) -> Html:
    rows = [(name, value, wording.number(value)) for name, value in found.value.items()]
    gap = wording.share(found.gap_closed)
    caption = f"True value of a slate's items, which only a simulated world knows; {chosen} closes {gap} of the gap"
    return bars(caption, ("System", "Mean true value", "Value"), rows, strong=chosen)


def _sentence(chosen: str, metric: str, found: Split) -> Html:
    parts = (
        ("behind", found.behind, ""),
        ("level with", found.level, " (the interval includes 0)"),
        ("ahead of", found.ahead, ""),
    )
    said = [f"{how} {wording.listed(names)}{note}" for how, names, note in parts if names]
    opening = f"On {metric}, a baseline wins: " if found.behind else f"On {metric}: "
    return joined(tag("strong", opening), f"{chosen} is {', '.join(said)}.")


def _true(evaluation: Evaluation, found: Truth) -> Html:
    chosen = evaluation.chosen
    worth = {name: value for name, value in found.value.items() if name in evaluation.systems}
    leader = max(worth, key=worth.__getitem__, default=chosen)
    leads = f"{chosen} leads" if leader == chosen else f"{leader} leads, not {chosen}"
    gap = f"{chosen} closes {wording.share(found.gap_closed)} of the gap between the baseline and the oracle."
    turned = wording.listed(_turned(split(evaluation.ahead), worth, chosen))
    against = f" {evaluation.yardstick} says the opposite of the truth about {turned}." if turned else ""
    return joined(tag("strong", "By the truth of the simulated world: "), f"{leads}; {gap}{against}")


def _turned(found: Split, worth: Mapping[str, float], chosen: str) -> list[str]:
    """The systems that the yardstick surely puts on the other side of the chosen one than the truth does."""
    ours = worth.get(chosen, float("nan"))
    wrong = [name for name in found.behind if worth.get(name, ours) < ours]
    return wrong + [name for name in found.ahead if worth.get(name, ours) > ours]
