"""What a ranker learns from: features, labels and weights of one length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..types import Floats


@dataclass(frozen=True, slots=True)
class Examples:
    """n rows to fit on; make one with `Examples.of`, which checks it.

    features (n, f) float32, NaN where missing; labels (n,) float32, finite; weights (n,) float32,
    finite and not negative, some of them positive.
    """

    features: Floats
    labels: Floats
    weights: Floats

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, features: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Examples:
        """Checked examples of anything array-like; weights are 1 unless given. Raises DataError."""
        x = np.ascontiguousarray(features, dtype=np.float32)
        if x.ndim != 2 or x.size == 0:
            raise DataError(f"features has shape {x.shape}; expected (n, f) with n and f at least 1")
        y = column("labels", labels, len(x))
        return cls(x, y, weights_or_ones(weights, len(x)))

    def take(self, mask: NDArray[np.bool_]) -> Examples:
        """The rows where `mask` (n,) is true. Raises DataError where none is."""
        return Examples.of(self.features[mask], self.labels[mask], self.weights[mask])


def column(name: str, values: ArrayLike, n: int) -> Floats:
    """`values` as (n,) float32; raises DataError where it has another shape or is not finite."""
    out = np.ascontiguousarray(values, dtype=np.float32)
    if out.shape != (n,):
        raise DataError(f"{name} has shape {out.shape}; expected ({n},), one per row")
    wrong = np.flatnonzero(~np.isfinite(out))
    if len(wrong):
        raise DataError(f"{name}[{wrong[0]}] is {out[wrong[0]]}; expected a finite number, drop such rows first")
    return out


def weights_or_ones(weights: ArrayLike | None, n: int) -> Floats:
    """Checked weights (n,) float32, all 1 where none are given. Raises DataError."""
    out = np.ones(n, np.float32) if weights is None else column("weights", weights, n)
    if out.min(initial=0) < 0 or not out.any():
        raise DataError(
            f"weights run from {out.min(initial=0)} to {out.max(initial=0)}; expected none below 0, some above"
        )
    return out


def need_both_classes(labels: Floats, weights: Floats, what: str) -> None:
    """Raises DataError unless the labels are 0 and 1 and both occur with a positive weight."""
    other = np.flatnonzero((labels != 0) & (labels != 1))
    if len(other):
        raise DataError(f"labels[{other[0]}] is {labels[other[0]]}; {what} needs labels of 0 and 1")
    positives, rows = int(((labels == 1) & (weights > 0)).sum()), int((weights > 0).sum())
    if positives in (0, rows):
        raise DataError(
            f"labels has {positives} positives in {rows} weighted rows; {what} needs both classes, use more data"
        )
