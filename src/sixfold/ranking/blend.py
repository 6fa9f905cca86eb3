"""A forest and a linear ranker as one: their log-odds, averaged.

A slate is made of the few best of hundreds of candidates, further out than most that was ever shown. There a forest goes on
flat, at the level of its outermost leaves, and a linear ranker straight on; and the two err apart, so that their mean errs less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Arrays, Floats
from .arrays import need, read
from .linear import FittedLinear
from .links import logit, sigmoid
from .trees import FittedForest


@dataclass(frozen=True, slots=True)
class FittedBlend:
    """A probability from two; share () float64 within [0, 1] is the linear ranker's part of the log-odds."""

    forest: FittedForest
    linear: FittedLinear
    share: NDArray[np.float64]

    @property
    def importance(self) -> Floats:
        """The forest's, (f,) float32."""
        return self.forest.importance

    def score(self, features: Floats) -> Floats:
        """The probability (n,) float32 of each row of (n, f)."""
        odds = (1 - self.share) * logit(self.forest.score(features)) + self.share * logit(self.linear.score(features))
        return sigmoid(odds).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """The arrays of both, by the part's name and a dot."""
        parts = {"forest": self.forest.to_arrays(), "linear": self.linear.to_arrays()}
        named = {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}
        return named | {"share": self.share}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedBlend:
        """The blend those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        share = read(arrays, "share", np.float64, ())
        need((share >= 0) & (share <= 1), share, "share", "a share between 0 and 1")

        def part(name: str) -> Arrays:
            start = f"{name}."
            return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}

        return cls(FittedForest.from_arrays(part("forest")), FittedLinear.from_arrays(part("linear")), share)
