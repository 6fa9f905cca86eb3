"""A ranker of one head or several: score, undo the sampling, calibrate, and join by the formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..formula import Formula
from ..types import Floats
from .sampling import Sampling


class Scorer(Protocol):
    """Anything fitted that scores rows."""

    def score(self, features: Floats) -> Floats:
        """One value (n,) float32 per row of (n, f)."""
        ...


class Calibrator(Protocol):
    """Anything fitted that maps scores to frequencies."""

    def apply(self, scores: Floats) -> Floats:
        """The calibrated value (n,) float32 of each score."""
        ...


@dataclass(frozen=True, slots=True)
class FittedHead:
    """One predicted quantity: a scorer, the sampling it was trained with, and its calibration.

    A head that predicts a value and no probability takes `KeepAll` and `FittedIdentity`.
    """

    scorer: Scorer
    sampling: Sampling
    calibrator: Calibrator

    def score(self, features: Floats) -> Floats:
        """The calibrated score (n,) float32 of each row of (n, f)."""
        return self.calibrator.apply(self.sampling.correct(self.scorer.score(features)))


@dataclass(frozen=True, slots=True)
class FittedHeads:
    """Heads by name and the formula that makes one value of them."""

    heads: Mapping[str, FittedHead]
    formula: Formula

    def score(self, features: Floats) -> Floats:
        """The value (n,) float32 of each row of (n, f)."""
        return self.formula(self.columns(features))

    def columns(self, features: Floats) -> dict[str, Floats]:
        """Each head's own score (n,) float32, by name: what a log keeps beside the value."""
        return {name: head.score(features) for name, head in self.heads.items()}
