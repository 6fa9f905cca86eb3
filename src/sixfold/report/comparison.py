"""Is the released system ahead of its baselines? In a sentence each, and as charts; a loss is said first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..evaluation.results import Evaluation, Measure, Truth
from ..metrics.spec import auc
from . import strips, wording
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
    """What the comparisons say, in words."""
    yardstick = evaluation.yardstick
    pairs = [(yardstick, "over slates", evaluation.ahead), (str(auc()), "over impressions", evaluation.ahead_shown)]
    texts = [_sentence(evaluation.chosen, *pair) for pair in pairs if pair[2]]
    if evaluation.truth is not None:
        texts.append(_true(evaluation, evaluation.truth))
    lost = bool(split(evaluation.ahead).behind or split(evaluation.ahead_shown).behind)
    items = [tag("p", text) for text in texts]
    return tag("div.callout.warn" if lost else "div.callout", *items) if items else NOTHING


def charts(evaluation: Evaluation) -> Html:
    """The yardstick of each system beside the paired differences."""
    found = column(evaluation, evaluation.yardstick)
    chosen = evaluation.chosen
    parts = [
        strips.chart(
            f"{evaluation.yardstick} by system",
            [strips.Row(name, measure, name == chosen) for name, measure in found.items()],
            unit=evaluation.yardstick,
        )
        if found
        else NOTHING,
        _differences(evaluation.ahead, f"{chosen} less each system, {evaluation.yardstick}, paired by member"),
        _differences(evaluation.ahead_shown, f"{chosen} less each system, {auc()} over impressions, paired"),
        _cold(evaluation),
    ]
    return tag("div.pair", *parts)


def truth(found: Truth, chosen: str) -> Html:
    """The true value of each system's slates, up to the oracle's."""
    rows = [(name, value, wording.number(value)) for name, value in found.value.items()]
    caption = f"True value of a slate's items, known to the simulated world; {chosen} closes {wording.share(found.gap_closed)} of the gap"
    return strips.bars(caption, ("System", "Mean true value", "Value"), rows)


def summary(evaluation: Evaluation) -> str:
    """How many systems the chosen one is behind on the yardstick."""
    found = split(evaluation.ahead)
    if not evaluation.ahead:
        return f"{evaluation.chosen}, compared with none"
    if found.behind:
        return f"{evaluation.chosen} behind {len(found.behind)} of {len(evaluation.ahead)} on {evaluation.yardstick}"
    return f"{evaluation.chosen} ahead of {len(found.ahead)} of {len(evaluation.ahead)} on {evaluation.yardstick}"


def _differences(differences: Mapping[str, Measure], caption: str) -> Html:
    if not differences:
        return NOTHING
    behind = split(differences).behind
    rows = [strips.Row(name, measure, name in behind) for name, measure in differences.items()]
    return strips.chart(caption + "; left of 0 the baseline is better", rows, unit="Difference", reference=0.0)


def _cold(evaluation: Evaluation) -> Html:
    text = evaluation.yardstick
    found = {name: measures[text] for name, measures in evaluation.cold.items() if text in measures}
    if not found:
        return NOTHING
    members = wording.number(next(iter(found.values())).n)
    rows = [strips.Row(name, measure, name == evaluation.chosen) for name, measure in found.items()]
    return strips.chart(f"{text} for the {members} members without history", rows, unit=text)


def _sentence(chosen: str, metric: str, over: str, differences: Mapping[str, Measure]) -> Html:
    found = split(differences)
    parts: Sequence[tuple[str, tuple[str, ...], str]] = (
        ("behind", found.behind, ""), ("level with", found.level, " (the interval includes 0)"), ("ahead of", found.ahead, "")
    )  # fmt: skip
    said = [f"{how} {wording.listed(names)}{note}" for how, names, note in parts if names]
    opening = f"On {metric} {over}, a baseline wins: " if found.behind else f"On {metric} {over}: "
    return joined([tag("strong", opening), f"{chosen} is {', '.join(said)}."])


def _true(evaluation: Evaluation, found: Truth) -> Html:
    contenders = {name: value for name, value in found.value.items() if name in evaluation.systems}
    leader = max(contenders, key=contenders.__getitem__, default=evaluation.chosen)
    leads = f"{evaluation.chosen} leads" if leader == evaluation.chosen else f"{leader} leads, not {evaluation.chosen}"
    text = f"{leads}; {evaluation.chosen} closes {wording.share(found.gap_closed)} of the gap between the baseline and the oracle."
    against = _turned(evaluation, contenders)
    if against:
        text += f" The order by {evaluation.yardstick} is the other way round against {wording.listed(against)}."
    return joined([tag("strong", "By the truth of the simulated world: "), text])


def _turned(evaluation: Evaluation, worth: Mapping[str, float]) -> list[str]:
    """The systems that the yardstick and the truth order differently against the chosen one, surely by the yardstick."""
    found, ours = split(evaluation.ahead), worth.get(evaluation.chosen)
    if ours is None:
        return []
    return [
        name for name, value in worth.items()
        if (name in found.behind and value < ours) or (name in found.ahead and value > ours)
    ]  # fmt: skip
