"""What a live run found, as data: `reports/live.json`."""

from __future__ import annotations

import msgspec

LOOP, FROZEN, POPULARITY, ORACLE = "loop", "frozen", "popularity", "oracle"


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """What `sixfold train` made of the log after a day: the release, whether the gate let it pass, and why."""

    release: str
    passed: bool
    reasons: list[str]
    seconds: float


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day. utility: by system, the mean over requests of what its slate was really worth; ahead: that of the loop less that
    of the frozen release, of the same requests, with its interval by member. releases: how many requests each answered.
    training: that of the night before, on all that the service had written; None on the first day.
    """

    day: int
    shifted: bool
    requests: int
    unanswered: int
    degraded: int
    outcomes: int
    explored: float
    """Share of the places that were given to chance."""
    utility: dict[str, float]
    ahead: tuple[float, float, float]
    releases: dict[str, int]
    seconds: float
    training: Training | None = None

    def closed(self, system: str) -> float:
        """The share of the gap from popularity to the oracle that a system closes."""
        gap = self.utility[ORACLE] - self.utility[POPULARITY]
        return (self.utility[system] - self.utility[POPULARITY]) / gap if gap else float("nan")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A live run: its first release, which is the frozen one, the day of the shift (None: none), the days."""

    world: str
    seed: int
    explore: float
    shift_day: int | None
    frozen: str
    days: list[Day]
    last: Training | None = None
    """The training after the last day."""
