"""What an experiment found, and which alternative is recommended: a rule that reads intervals, and never a clock."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..evaluation.results import Measure, Measures

AS_DESIGNED = "as designed"
"""The name of the design as it is, where it is none of the alternatives."""


WORTH = 0.01
"""The share of its error by which the best may surely be better and nothing be lost. Intervals are over rows and not over
trainings, and these differ by as much: see docs/questions.md."""


class Tried(msgspec.Struct, frozen=True):
    """One alternative. measures: on the rows by which one is chosen; behind: how much more error it has than the best,
    paired, None of the best itself; level: whether it is no worse than the best (`is_level`). columns: of its table.
    training_s; estimate_us: the scoring of one row, the best of many; model_bytes; state_bytes: what is kept of one key of
    each kind. current: whether it has the design's own features.
    """

    name: str
    measures: Measures
    behind: Measure | None
    level: bool
    columns: int
    training_s: float
    estimate_us: float
    model_bytes: int
    state_bytes: int
    current: bool

    @property
    def cost(self) -> tuple[int, int, int]:
        """What alternatives are ordered by where they are equally good; no clock, so that the answer is always the same."""
        return self.state_bytes, self.columns, self.model_bytes


class Answer(msgspec.Struct, frozen=True):
    """An answered question of a design, on the log of a digest. rows: learned from, made to cover on, chosen on, judged on.

    recommended: the alternative, None where the log cannot tell. gain: how much less error it has than the design as it
    is, paired, on the test part (below 0 it has more); None where it is the design as it is.
    """

    question: str
    text: str
    design: str
    digest: str
    yardstick: str
    rows: dict[str, int]
    tried: list[Tried]
    recommended: str | None
    said: str
    gain: Measure | None = None


def is_level(behind: Measure | None, error: float) -> bool:
    """Whether an alternative is no worse than the best, whose error is given: by more than its interval, and than `WORTH`.

    >>> from sixfold.metrics.spec import mae
    >>> [is_level(Measure(mae(), 0.2, low, 0.3, 100, 9), 5.0) for low in (-0.1, 0.04, 0.06)]
    [True, True, False]
    """
    return behind is None or behind.low is None or behind.low <= WORTH * error


def recommend(tried: Sequence[Tried]) -> tuple[str | None, str]:
    """The cheapest alternative that is level with the best, and the reason.

    Where that holds of all of them there is nothing to recommend.
    """
    level = [one for one in tried if one.level]
    cheapest = min(level, key=lambda one: one.cost)
    if len(level) == len(tried):
        return None, (
            f"cannot tell: no alternative is surely more than {100 * WORTH:g} % worse than the best; a longer log may tell "
            f"them apart, and until then {cheapest.name!r} costs least"
        )
    best = next(one for one in tried if one.behind is None)
    others = [one.name for one in level if one is not cheapest]
    if not others:
        return cheapest.name, f"{cheapest.name!r}: every other one is surely more than {100 * WORTH:g} % worse"
    if cheapest is best:
        return cheapest.name, f"{cheapest.name!r}: it has the least error, and of those level with it the least cost"
    return cheapest.name, (
        f"{cheapest.name!r}: it costs least of the {len(level)} that are level with the best, {best.name!r}, which means not "
        f"surely worse by more than {100 * WORTH:g} % of its error"
    )


def verdict(found: Answer) -> list[str]:
    """What is recommended, and what it gains on rows that had no say in the choice; a sentence each."""
    if found.recommended is None:
        return [found.said]
    recommended = f"recommended: {found.said}"
    if found.gain is None or found.gain.value is None:
        return [recommended, "the design has these features already"]
    gain, value = found.gain, found.gain.value
    less, low, high = ("less", gain.low, gain.high) if value >= 0 else ("more", _turned(gain.high), _turned(gain.low))
    ends = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    text = f"on the test part it has {abs(value):.2f}{ends} minutes {less} {found.yardstick} than the design as it is"
    unsure = gain.low is None or gain.high is None or gain.low <= 0 <= gain.high
    return [recommended, f"{text}, which is no more than its interval" if unsure else text]


def _turned(end: float | None) -> float | None:
    return None if end is None else -end
