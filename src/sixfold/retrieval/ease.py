"""EASE: one linear model from what a member did to every item, in closed form.

Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data", section 3: B minimises
|X - XB|^2 + l2 |B|^2 with a zero diagonal, so B = -P / diag(P) off it, where P = (X'X + l2 I)^-1.
Strong where items are few; its square matrix is why the number of items is capped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..errors import DesignError, MissingExtra
from ..types import Arrays, Floats, Interactions, Queries, Retrieved, Rows, Times
from .fitted import array, ascending
from .history import FOREVER, matrix, recall
from .index import dense, look_up, places


class EASE(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ease"):
    """EASE over the `items` most popular items, asked with a history whose weight halves every `half_life`."""

    l2: float = 300.0
    half_life: str | None = None
    items: int = 8_000

    def __post_init__(self) -> None:
        if self.l2 <= 0 or self.items < 1:
            raise DesignError(f"EASE has l2={self.l2} and items={self.items}; give both above 0")

    def fit(self, interactions: Interactions, born: Times, rng: np.random.Generator) -> EASEFitted:
        del born, rng
        counts = np.bincount(interactions.item, minlength=interactions.items)
        most = np.argsort(-counts, kind="stable")[: self.items]
        rows = np.sort(most[counts[most] > 0]).astype(np.int32)
        seen = matrix(interactions)[:, rows]
        seen.data = np.ones_like(seen.data)
        gram = (seen.T @ seen).toarray()
        half_life = FOREVER if self.half_life is None else np.int64(durations.parse(self.half_life))
        popularity = gram.diagonal() / max(interactions.members, 1)
        return EASEFitted(rows, _solve(gram, self.l2), popularity.astype(np.float32), half_life)


def _solve(gram: Floats, l2: float) -> Floats:
    """B (m, m) float32 of the Gram matrix X'X (m, m), which is overwritten."""
    if not len(gram):
        return gram
    try:
        from scipy.linalg.lapack import spotrf, spotri
    except ImportError as error:
        raise MissingExtra("scipy", "train") from error
    gram[np.diag_indices_from(gram)] += l2
    # Cholesky takes half the time and half the memory of a general inverse.
    factor, _ = spotrf(gram.T, lower=0, overwrite_a=1)
    inverse, _ = spotri(factor, lower=0, overwrite_c=1)
    weights: NDArray[np.float32] = np.triu(inverse)
    weights += np.triu(inverse, 1).T
    weights /= -weights.diagonal()
    np.fill_diagonal(weights, 0)
    return np.ascontiguousarray(weights)


@dataclass(frozen=True, slots=True)
class EASEFitted:
    """rows (m,) int32 the items known, ascending; weights (m, m) float32 from item to item; popularity
    (m,) float32 the answer for who has no history; half_life int64 us, 0 for none; place, where each row stands."""

    rows: Rows
    weights: Floats
    popularity: Floats
    half_life: np.int64
    place: Rows = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", places(self.rows, int(self.rows.max(initial=-1)) + 1))

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        # Each query gathers its history's rows of the matrix: (h, m) float32.
        bytes_each = 4 * queries.history.shape[1] * len(self.rows)
        return dense(queries, k, self.rows, self.place, self._score, bytes_each=bytes_each)

    def _score(self, queries: Queries) -> Floats:
        history = recall(queries, look_up(self.place, queries.history), self.half_life)
        if not len(self.rows) or not history.weights.size:
            return np.tile(self.popularity, (len(queries), 1))
        scores = (history.weights[:, None] @ self.weights[history.places])[:, 0]
        return np.where(history.known[:, None], scores, self.popularity)

    def to_arrays(self) -> Arrays:
        return {
            "rows": self.rows,
            "weights": self.weights,
            "popularity": self.popularity,
            "half_life": np.array(self.half_life),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        rows = ascending(arrays, "rows")
        m = len(rows)
        weights = array(arrays, "weights", np.float32, (m, m))
        popularity = array(arrays, "popularity", np.float32, (m,))
        return cls(rows, weights, popularity, np.int64(array(arrays, "half_life", np.int64, ())))
