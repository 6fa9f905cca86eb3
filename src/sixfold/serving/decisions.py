"""What was decided, as events: the next model learns from it.

Decisions are held as they come and handed to the writer together every few milliseconds. While the writer is away they wait,
up to a limit; what is beyond it is dropped, oldest first, and counted. An answer never waits for its own log entry.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..events.schema import ESTIMATE, Events
from ..features.served import Served
from ..features.spec import CONTEXT
from ..types import Floats

HELD = 20_000
"""Decisions that wait for the writer at most."""


def _no_items() -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    return np.empty(0, "S1")


def _no_scores() -> Floats:
    return np.empty(0, np.float32)


@dataclass(frozen=True, slots=True)
class Decision:
    """One answered request: of whom and what it was by `keys`, and a slate or a forecast.

    items (n,) S, scores and propensities (n,) float32. forecast: what was estimated, in seconds, by name.
    """

    id: str
    ts: int
    release: str
    keys: Mapping[str, str]
    context: Mapping[str, str | float]
    items: np.ndarray[tuple[int], np.dtype[np.bytes_]] = field(default_factory=_no_items)
    scores: Floats = field(default_factory=_no_scores)
    propensities: Floats = field(default_factory=_no_scores)
    forecast: Mapping[str, float] = field(default_factory=dict)
    served: Served | None = None
    """The feature values, of a sample of decisions."""


class Decisions:
    """Decisions that are not yet in the log."""

    def __init__(self) -> None:
        self._held: deque[Decision] = deque(maxlen=HELD)
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, decision: Decision) -> None:
        if len(self._held) == HELD:
            self.dropped += 1
        self._held.append(decision)

    def back(self, decisions: list[Decision]) -> None:
        """Hold decisions again that could not be handed over; the oldest go where there is no room."""
        room = HELD - len(self._held)
        self.dropped += max(len(decisions) - room, 0)
        self._held.extendleft(reversed(decisions[max(len(decisions) - room, 0) :]))

    def take(self) -> list[Decision]:
        """All that is held, which is then held no more."""
        taken = list(self._held)
        self._held.clear()
        return taken

    def events(self, decisions: list[Decision]) -> Events:
        """Decisions as a batch of events."""
        table = {
            "id": _text([one.id for one in decisions]),
            "ts": np.array([one.ts for one in decisions], np.int64),
            "release": _text([one.release for one in decisions]),
        }
        for name in dict.fromkeys(name for one in decisions for name in one.keys):
            table[name] = _text([one.keys.get(name, "") for one in decisions])
        for name in dict.fromkeys(name for one in decisions for name in one.forecast):
            table[ESTIMATE + name] = np.array([one.forecast.get(name, np.nan) for one in decisions], np.float64)
        for name in dict.fromkeys(name for one in decisions for name in one.context):
            values = [one.context.get(name) for one in decisions]
            if any(isinstance(value, str) for value in values):
                table[CONTEXT + name] = _text([_written(value) for value in values])
            else:
                table[CONTEXT + name] = np.array([np.nan if value is None else value for value in values], np.float64)
        sizes = [len(one.items) for one in decisions]
        shown = {
            "decision": np.repeat(np.arange(len(decisions), dtype=np.int32), sizes),
            "item": np.concatenate([one.items for one in decisions]),
            "position": np.concatenate([np.arange(1, size + 1, dtype=np.int16) for size in sizes]),
            "score": np.concatenate([one.scores for one in decisions]),
            "propensity": np.concatenate([one.propensities for one in decisions]),
        }
        return Events(decisions=table, shown=shown)


def _written(value: str | float | None) -> str:
    """A context as text: a number among texts is kept as it is written."""
    return value if isinstance(value, str) else "" if value is None else f"{value:g}"


def _text(values: list[str]) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
    return np.array([value.encode() for value in values])
