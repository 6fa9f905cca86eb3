"""A fitted forest as arrays, and the few NumPy lines that score it.

A symmetric (oblivious) tree asks the same question at every node of a level, so a tree of depth d
is d (feature, border) pairs and 2^d leaves, and the leaf of a row is the d answers read as a binary
number (Prokhorenkova et al. 2018, "CatBoost"; Kohavi 1994). No row walks a tree: all
trees answer level j for all rows at once, the bits are shifted together, the leaves are taken.

500 rows, 50 features, 300 trees of depth 6 on one thread take about 1 ms, 1.3 times what CatBoost's
own C++ takes; in C (`native`) a quarter of what that takes (`benchmarks/kernels.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..native import kernels
from ..types import Arrays, Floats
from .arrays import need, read, refused
from .links import sigmoid

BLOCK = 1024
"""Rows scored at a time: the block's comparisons stay in cache (100 k rows: 512 to 1 024 are 1.4 times
as fast as 8 192)."""
MAX_DEPTH = 8
"""A row's leaf number is one byte."""


@dataclass(frozen=True, slots=True)
class FittedForest:
    """t symmetric trees of depth d over f columns, for h heads (1, or one per quantile).

    features (t, d) int32; borders (t, d) float32, +inf where a tree is shallower than d; leaves
    (h, t, 2^d) float64; bias (h,) float64; logistic () bool, whether the sum is log-odds;
    importance (f,) float32, each column's share in per cent of how far predictions move. A split is
    passed where value > border: a NaN never passes.
    """

    features: NDArray[np.int32]
    borders: Floats
    leaves: NDArray[np.float64]
    bias: NDArray[np.float64]
    logistic: NDArray[np.bool_]
    importance: Floats

    def score(self, features: Floats) -> Floats:
        """One value (n,) float32 per row of (n, f): a probability, or what the labels measured."""
        if len(self.bias) != 1:
            raise DataError(f"this forest has {len(self.bias)} heads and no single score; read its quantiles")
        sums = self._sums(features)[:, 0]
        return (sigmoid(sums) if self.logistic else sums).astype(np.float32)

    def quantiles(self, features: Floats) -> Floats:
        """The quantiles (n, h) float32, in rising order.

        Levels are fitted together but not tied, so they may cross; sorting each row never makes
        any of them worse (Chernozhukov, Fernandez-Val, Galichon 2010, "Quantile and Probability
        Curves without Crossing").
        """
        return np.sort(self._sums(features), axis=1).astype(np.float32)

    def _sums(self, features: Floats) -> NDArray[np.float64]:
        if features.ndim != 2 or features.shape[1] != len(self.importance):
            raise DataError(f"features has shape {features.shape}; this forest expects (n, {len(self.importance)})")
        out = np.empty((len(features), len(self.bias)))
        for start in range(0, len(features), BLOCK):
            out[start : start + BLOCK] = self._block(features[start : start + BLOCK])
        return out

    def _block(self, features: Floats) -> NDArray[np.float64]:
        columns = np.ascontiguousarray(features.T, dtype=np.float32)
        heads = self._heads(columns) if kernels is None or not self.features.size else self._natively(columns)
        return heads.T + self.bias

    def _natively(self, columns: Floats) -> NDArray[np.float64]:
        out = np.empty((len(self.bias), columns.shape[1]))
        kernels.forest(columns, self.features, self.borders, self.leaves, out, columns.shape[1], self.features.shape[1])
        return out

    def _heads(self, columns: Floats) -> NDArray[np.float64]:
        """The sum of the trees (h, n) for each row of `columns` (f, n)."""
        trees, width = self.leaves.shape[1:]
        place = np.add(self._leaf(columns), np.arange(trees)[:, None] * width)
        return np.stack([leaves.ravel().take(place, mode="clip").sum(axis=0) for leaves in self.leaves])

    def _leaf(self, columns: Floats) -> NDArray[np.uint8]:
        """The leaf (t, n) that each tree puts each row of `columns` (f, n) in; split 0 is the lowest bit."""
        trees, depth = self.features.shape
        leaf = np.zeros((trees, columns.shape[1]), np.uint8)
        for level in reversed(range(depth)):
            leaf <<= 1
            # Indices were checked when the arrays were read: clip spares NumPy from doing so again.
            leaf |= columns.take(self.features[:, level], axis=0, mode="clip") > self.borders[:, level, None]
        return leaf

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring, by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedForest:
        """The forest those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        importance = read(arrays, "importance", np.float32, (None,))
        features = read(arrays, "features", np.int32, (None, None))
        trees, depth = features.shape
        if depth > MAX_DEPTH:
            raise refused("features", f"has trees of depth {depth}, expected at most {MAX_DEPTH}")
        need((features >= 0) & (features < len(importance)), features, "features", f"a column below {len(importance)}")
        bias = read(arrays, "bias", np.float64, (None,))
        if not len(bias):
            raise refused("bias", "is empty, expected one number per head")
        leaves = read(arrays, "leaves", np.float64, (len(bias), trees, 2**depth))
        for name, values in (("bias", bias), ("leaves", leaves), ("importance", importance)):
            need(np.isfinite(values), values, name, "a finite number")
        borders = read(arrays, "borders", np.float32, (trees, depth))
        return cls(features, borders, leaves, bias, read(arrays, "logistic", np.bool_, ()), importance)


def constant(bias: NDArray[np.float64], columns: int, *, logistic: bool) -> FittedForest:
    """A forest without trees: every row of `columns` numbers scores `bias` (h,)."""
    nothing: NDArray[Any] = np.zeros((0, 0))
    return FittedForest(
        nothing.astype(np.int32),
        nothing.astype(np.float32),
        np.zeros((len(bias), 0, 1)),
        bias,
        np.array(logistic),
        np.zeros(columns, np.float32),
    )
