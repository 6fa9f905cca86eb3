"""A guess, said aloud: what was chosen, why, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["sure", "likely", "unsure"]


@dataclass(frozen=True, slots=True)
class Guess:
    """One choice made for the user; `file` is whose, `certainty` how sure."""

    file: str
    what: str
    chosen: str
    why: str
    certainty: Certainty

    def __str__(self) -> str:
        mark = {"sure": "", "likely": "", "unsure": " (unsure: check it)"}[self.certainty]
        return f"{self.what}: {self.chosen}, {self.why}{mark}"
