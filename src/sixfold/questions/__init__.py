"""How should it be built? Questions about a design, answered by an experiment on the user's own log.

A question is a set of named edits of a frozen design. `ask` trains each of them, judges all on the same rows and recommends
the cheapest of those that are no worse than the best, or says that the log cannot tell.

Read next: geo.py and ids.py (edits), ask.py (the experiment), answer.py (what is recommended, and why), kept.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from ..design import Design
from ..errors import DataError, nearest
from ..events.schema import Events
from . import geo, ids


class Question(NamedTuple):
    """A question in words, and its alternatives of a design by name; these raise DesignError where it cannot be asked, by
    what the log has."""

    text: str
    alternatives: Callable[[Design, Iterable[Events]], Mapping[str, Design]]


QUESTIONS: dict[str, Question] = {
    "geo": Question("How should latitude and longitude enter?", geo.alternatives),
    "ids": Question("Should an id be a feature?", ids.alternatives),
}


def question(name: str) -> Question:
    """A question by its name; raises DataError where there is none of it."""
    if name not in QUESTIONS:
        raise DataError(f"there is no question {name!r}; {nearest(name, QUESTIONS)}")
    return QUESTIONS[name]
