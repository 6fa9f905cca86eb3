"""Estimators without trees, which every forest has to beat: one for all, one a key, and a straight line.

Each gives a centre, and the quantiles of what was left over it: errors are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from ..errors import DataError
from ..ranking.arrays import need, read
from ..ranking.examples import Examples
from ..ranking.forest import weighted_quantiles
from ..ranking.linear import FittedLinear, Linear
from ..types import Arrays, Floats
from .law import LEVELS, Doubles, checked_levels
from .quantiles import part, place_of, read_levels


class Overall(msgspec.Struct, frozen=True, tag="overall"):
    """The same distribution for all: its mean and its quantiles."""

    levels: tuple[float, ...] = LEVELS

    def fit(self, examples: Examples, rng: np.random.Generator, *, columns: Sequence[str] = ()) -> FittedByKey:
        """Mean and quantiles of the labels, in seconds; nothing is drawn."""
        mean = np.average(examples.labels.astype(np.float64), weights=examples.weights)
        shifts = _shifts(examples, np.full(len(examples), mean), self.levels)
        nobody = np.zeros(0, np.float32)
        width = np.array(examples.features.shape[1], np.int32)
        return FittedByKey(
            checked_levels(self.levels),
            shifts,
            nobody,
            nobody.astype(np.float64),
            np.array(mean),
            np.array(0, np.int32),
            width,
        )


class ByKey(msgspec.Struct, frozen=True, tag="by_key"):
    """A mean for each value of the column `key`, drawn towards the mean of all by `prior` imagined rows of it."""

    key: str
    levels: tuple[float, ...] = LEVELS
    prior: Annotated[float, Meta(gt=0)] = 20.0

    def fit(self, examples: Examples, rng: np.random.Generator, *, columns: Sequence[str] = ()) -> FittedByKey:
        """Means by key, and quantiles of the errors each row would have met without itself. Nothing is drawn."""
        place = place_of(self.key, columns, what="key")
        y, w = examples.labels.astype(np.float64), examples.weights.astype(np.float64)
        overall = np.average(y, weights=w)
        keys, which = np.unique(examples.features[:, place], return_inverse=True)
        total, weight = np.bincount(which, w * y), np.bincount(which, w)
        without = (total[which] - w * y + self.prior * overall) / (weight[which] - w + self.prior)
        means = (total + self.prior * overall) / (weight + self.prior)
        known = ~np.isnan(keys)
        width = np.array(examples.features.shape[1], np.int32)
        return FittedByKey(
            checked_levels(self.levels),
            _shifts(examples, without, self.levels),
            keys[known],
            means[known],
            np.array(overall),
            np.array(place, np.int32),
            width,
        )


class LinearQuantiles(msgspec.Struct, frozen=True, tag="linear_quantiles"):
    """A straight line through standardised features (ranking/linear.py) and the quantiles of what it leaves."""

    levels: tuple[float, ...] = LEVELS
    l2: Annotated[float, Meta(gt=0)] = 1.0

    def fit(
        self, examples: Examples, rng: np.random.Generator, *, columns: Sequence[str] = ()
    ) -> FittedLinearQuantiles:
        """Least squares, and the quantiles of its errors on the rows it was fitted to."""
        line = Linear(l2=self.l2, loss="rmse").fit(examples, rng)
        centre = line.score(examples.features).astype(np.float64)
        return FittedLinearQuantiles(checked_levels(self.levels), _shifts(examples, centre, self.levels), line)


@dataclass(frozen=True, slots=True)
class FittedByKey:
    """levels (q,) and shifts (q,) float64; keys (k,) float32 rising with means (k,) float64; overall () float64 for any
    other key; column () int32 where the key stands among width () int32 features.
    """

    levels: Doubles
    shifts: Doubles
    keys: Floats
    means: Doubles
    overall: Doubles
    column: NDArray[np.int32]
    width: NDArray[np.int32]

    def mean(self, features: Floats) -> Floats:
        """Seconds (n,) float32."""
        if features.ndim != 2 or features.shape[1] != self.width:
            raise DataError(f"features has shape {features.shape}; this estimator expects (n, {self.width})")
        if not len(self.keys):
            return np.full(len(features), self.overall, np.float32)
        asked = features[:, self.column]
        near = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        return np.where(self.keys[near] == asked, self.means[near], self.overall).astype(np.float32)

    def quantiles(self, features: Floats) -> Floats:
        """Seconds (n, q) float32, rising along each row."""
        return _onto(self.mean(features), self.shifts)

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring, by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedByKey:
        """The estimator those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        levels = read_levels(arrays)
        keys = read(arrays, "keys", np.float32, (None,))
        need(np.diff(keys, prepend=np.float32(-np.inf)) > 0, keys, "keys", "rising numbers")
        means, overall = read(arrays, "means", np.float64, (len(keys),)), read(arrays, "overall", np.float64, ())
        for name, values in (("means", means), ("overall", overall)):
            need(np.isfinite(values), values, name, "a finite number of seconds")
        column, width = (read(arrays, name, np.int32, ()) for name in ("column", "width"))
        need((column >= 0) & (column < width), column, "column", f"a column below {width}")
        return cls(levels, read_shifts(arrays, len(levels)), keys, means, overall, column, width)


@dataclass(frozen=True, slots=True)
class FittedLinearQuantiles:
    """levels (q,) and shifts (q,) float64 around a fitted line."""

    levels: Doubles
    shifts: Doubles
    line: FittedLinear

    def mean(self, features: Floats) -> Floats:
        """Seconds (n,) float32, none below 0."""
        return np.maximum(self.line.score(features), 0)

    def quantiles(self, features: Floats) -> Floats:
        """Seconds (n, q) float32, rising along each row."""
        return _onto(self.line.score(features), self.shifts)

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring; the line's begin with `line.`."""
        line = {f"line.{name}": values for name, values in self.line.to_arrays().items()}
        return line | {"levels": self.levels, "shifts": self.shifts}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedLinearQuantiles:
        """The estimator those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        levels = read_levels(arrays)
        return cls(levels, read_shifts(arrays, len(levels)), FittedLinear.from_arrays(part(arrays, "line")))


def read_shifts(arrays: Arrays, count: int) -> Doubles:
    """The array `shifts` (count,) of a release; ReleaseError where it falls or is not finite."""
    shifts: Doubles = read(arrays, "shifts", np.float64, (count,))
    need(np.isfinite(shifts) & (np.diff(shifts, prepend=shifts[:1]) >= 0), shifts, "shifts", "finite numbers that rise")
    return shifts


def _shifts(examples: Examples, centre: Doubles, levels: tuple[float, ...]) -> Doubles:
    """The quantiles (q,) of what is left over the centre (n,)."""
    left = (examples.labels - centre).astype(np.float32)
    return weighted_quantiles(left, examples.weights, levels)


def _onto(centre: Floats, shifts: Doubles) -> Floats:
    return np.maximum(centre[:, None] + shifts, 0).astype(np.float32)
