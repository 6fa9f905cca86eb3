"""Logistic and ridge regression on standardised features: the baseline every forest has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ..errors import DataError
from ..types import Arrays, Floats
from .arrays import need, read
from .examples import Examples, need_both_classes
from .links import sigmoid
from .newton import minimise


class Linear(msgspec.Struct, frozen=True, tag="linear"):
    """A linear score of clipped, standardised features; 'logloss' makes it a probability.

    l2 is the penalty l2 / 2 * |coefficients|^2 against the *sum* of losses (scikit-learn's 1 / C);
    the intercept is free. clip is the share of finite values held back at either end of a column,
    so that one wild value does not carry a score away. A missing value counts as the mean, and a
    column that misses values in the examples gets a second coefficient for being missing.
    """

    l2: Annotated[float, Meta(gt=0)] = 1.0
    clip: Annotated[float, Meta(ge=0, lt=0.5)] = 0.001
    loss: Literal["logloss", "rmse"] = "logloss"

    def fit(self, examples: Examples, rng: np.random.Generator) -> FittedLinear:
        """The exact minimum by Newton's method; nothing is drawn from `rng`. Raises DataError."""
        logistic = self.loss == "logloss"
        if logistic:
            need_both_classes(examples.labels, examples.weights, "loss 'logloss'")
        scaling = Scaling.of(examples.features, clip=self.clip)
        absent = np.isnan(examples.features)
        gaps = np.flatnonzero(absent.any(axis=0))
        ones = np.ones((len(examples), 1), np.float32)
        columns = np.concatenate([scaling.apply(examples.features), absent[:, gaps], ones], axis=1, dtype=np.float32)
        ridge = np.r_[np.full(columns.shape[1] - 1, self.l2), 0.0]
        labels = examples.labels.astype(np.float64)
        found = minimise(columns, labels, examples.weights, ridge=ridge, logistic=logistic)
        width = examples.features.shape[1]
        missing = np.zeros(width)
        missing[gaps] = found[width:-1]
        return FittedLinear(scaling, found[:width], missing, found[-1:], np.array(logistic))


@dataclass(frozen=True, slots=True)
class Scaling:
    """Clips and standardises columns: low, high, mean and scale, each (f,) float32."""

    low: Floats
    high: Floats
    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, features: Floats, *, clip: float) -> Scaling:
        """The scaling of (n, f): its `clip` and 1 - `clip` quantiles, mean and deviation within them."""
        low, high = np.array([_bounds(column, clip) for column in features.T], np.float32).T
        held = np.clip(features, low, high)
        known = np.maximum((~np.isnan(held)).sum(axis=0), 1)
        mean = np.nansum(held, axis=0, dtype=np.float64) / known
        deviation = np.sqrt(np.nansum((held - mean) ** 2, axis=0) / known)
        # A column that (almost) never moves keeps its unit: dividing by rounding noise would blow it up.
        scale = np.where(deviation > 1e-6 * np.maximum(np.abs(mean), 1e-30), deviation, 1.0)
        return cls(low.copy(), high.copy(), mean.astype(np.float32), scale.astype(np.float32))

    def apply(self, features: Floats) -> Floats:
        """(n, f) float32 of mean 0 and deviation 1; 0 where missing."""
        # A minimum and a maximum in place of a clip: of a request's rows they take a quarter of its time.
        held = np.minimum(np.maximum(features, self.low), self.high)
        held -= self.mean
        held /= self.scale
        absent = np.isnan(held)
        if absent.any():
            held[absent] = 0.0
        return held


def _bounds(column: Floats, clip: float) -> tuple[float, float]:
    """The quantiles a column is clipped to; its extremes where clipping would leave nothing of it.

    A flag that one row in 5 000 carries has both quantiles at 0 and must not be clipped away.
    """
    finite = column[np.isfinite(column)]
    if not len(finite):
        return 0.0, 0.0
    low, high = np.quantile(finite, [clip, 1 - clip])
    return (low, high) if low < high else (finite.min(), finite.max())


@dataclass(frozen=True, slots=True)
class FittedLinear:
    """A linear score over f columns.

    scaling as above; weights (f,) of the scaled columns and missing (f,) of being absent, float64;
    bias (1,) float64; logistic () bool, whether the sum is log-odds.
    """

    scaling: Scaling
    weights: NDArray[np.float64]
    missing: NDArray[np.float64]
    bias: NDArray[np.float64]
    logistic: NDArray[np.bool_]

    def score(self, features: Floats) -> Floats:
        """One value (n,) float32 per row of (n, f)."""
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise DataError(f"features has shape {features.shape}; this model expects (n, {len(self.weights)})")
        sums = self.scaling.apply(features) @ self.weights + self.bias
        absent = np.isnan(features)
        if absent.any():
            sums += absent.astype(np.float64) @ self.missing
        return (sigmoid(sums) if self.logistic else sums).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring, by name."""
        scaling = {name: getattr(self.scaling, name) for name in Scaling.__slots__}
        return scaling | {name: getattr(self, name) for name in ("weights", "missing", "bias", "logistic")}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedLinear:
        """The model those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        weights = read(arrays, "weights", np.float64, (None,))
        f = len(weights)
        scaling = {name: read(arrays, name, np.float32, (f,)) for name in Scaling.__slots__}
        missing, bias = read(arrays, "missing", np.float64, (f,)), read(arrays, "bias", np.float64, (1,))
        for name, values in {**scaling, "weights": weights, "missing": missing, "bias": bias}.items():
            need(np.isfinite(values), values, name, "a finite number")
        need(scaling["scale"] > 0, scaling["scale"], "scale", "a number above 0")
        need(scaling["low"] <= scaling["high"], scaling["low"], "low", "at most its high")
        return cls(Scaling(**scaling), weights, missing, bias, read(arrays, "logistic", np.bool_, ()))
