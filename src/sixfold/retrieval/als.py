"""Implicit ALS: a vector for each item, and for each request one made of what its member did.

Hu, Koren, Volinsky 2008, "Collaborative Filtering for Implicit Feedback Datasets", with the loss and the
frequency-scaled regularisation of Rendle, Krichene, Zhang, Koren 2022, "Revisiting the Performance of
iALS on Item Recommendation Benchmarks", equations 1 to 4:

    sum over seen (u, i) of w (<x_u, y_i> - 1)^2  +  unobserved * sum over all (u, i) of <x_u, y_i>^2
    + l2 * (sum over u of n_u^nu |x_u|^2 + sum over i of n_i^nu |y_i|^2),   n = weight seen + unobserved * all
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from .. import durations
from ..errors import DesignError
from ..types import Arrays, Floats, Interactions, Queries, Retrieved, Rows, Times
from .fitted import array, check
from .history import FOREVER, matrix, padded, recall
from .index import blocks, look_up
from .norms import ASKING, NormIndex

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class ALS(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="als"):
    """Vectors of `factors` numbers, asked with a history whose weight halves every `half_life`.

    `unobserved` is the weight of each pair that nobody met, `l2` and `nu` are the regularisation's
    strength and its growth with frequency.
    """

    factors: int = 64
    iterations: int = 12
    unobserved: float = 0.2
    l2: float = 0.01
    nu: float = 1.0
    half_life: str | None = None

    def __post_init__(self) -> None:
        for name in ("factors", "iterations", "unobserved", "l2"):
            if getattr(self, name) <= 0:
                raise DesignError(f"ALS has {name}={getattr(self, name)}; give it above 0")

    def fit(self, interactions: Interactions, born: Times, rng: np.random.Generator) -> ALSFitted:
        del born
        seen = matrix(interactions)
        turned = seen.T.tocsr()
        # Small first vectors: their products start near 0, as most pairs shall end.
        scale = 0.1 / np.sqrt(self.factors)
        items = rng.normal(0, scale, (interactions.items, self.factors)).astype(np.float32)
        members = np.zeros((interactions.members, self.factors), np.float32)
        for _ in range(self.iterations):
            members = self._solve(seen, items)
            items = self._solve(turned, members)
        half_life = FOREVER if self.half_life is None else np.int64(durations.parse(self.half_life))
        usual = members.sum(axis=0) / np.float32(max(len(members), 1))
        active = np.flatnonzero(np.diff(seen.indptr))
        asking = members[rng.choice(active, min(ASKING, len(active)), replace=False)]
        return ALSFitted.of(items, usual, self._settings(), half_life, asking)

    def _settings(self) -> NDArray[np.float64]:
        return np.array([self.unobserved, self.l2, self.nu])

    def _solve(self, seen: csr_array, others: Floats) -> Floats:
        """The best vectors (n, f) of the rows of `seen` (n, m), given those of its columns (m, f)."""
        out = np.zeros((seen.shape[0], self.factors), np.float32)
        if not seen.nnz:
            return out
        gram = others.T @ others
        for who, columns, weights in padded(seen, _bytes(self.factors)):
            out[who] = solve(others, gram, columns, weights, self._settings())
        return out


def solve(others: Floats, gram: Floats, columns: Rows, weights: Floats, settings: NDArray[np.float64]) -> Floats:
    """The vectors (b, f) that fit best what each of b rows met: the normal equations of the loss above.

    others (m, f) and gram (f, f), their Gram matrix; columns (b, w) and weights (b, w), 0 where filled;
    settings are `unobserved`, `l2` and `nu`.
    """
    unobserved, l2, nu = settings
    frequency = weights.sum(axis=1, dtype=np.float64) + unobserved * len(others)
    left = np.float32(unobserved) * gram + (l2 * frequency**nu).astype(np.float32)[:, None, None] * np.eye(
        len(gram), dtype=np.float32
    )
    right = np.zeros((len(columns), len(gram), 1), np.float32)
    piece = _piece(len(gram))
    for start in range(0, columns.shape[1], piece):
        met = others[columns[:, start : start + piece]]
        heavy = (met * weights[:, start : start + piece, None]).transpose(0, 2, 1)
        left += heavy @ met
        right[:, :, 0] += heavy.sum(axis=2)
    return np.linalg.solve(left, right)[:, :, 0]


def _piece(factors: int) -> int:
    """How many of a history's items are multiplied at a time.

    OpenBLAS hands a product of more than 2^18 multiplications to its threads. At 64 factors and 165 items
    on 2 busy cores that took 1080 us a row against 35 us without, so the products stay below.
    """
    return max(2**18 // factors**2 - 1, 1)


def _bytes(factors: int) -> int:
    """What `solve` takes for one row, apart from its columns and weights."""
    return 12 * factors * (factors + _piece(factors))


@dataclass(frozen=True, slots=True)
class ALSFitted:
    """index: the items' vectors (items, f), longest first, and whose each is; gram (f, f) and mean (f,) float64, their Gram
    matrix and mean; usual (f,) float32, the mean member's vector, for who has no history; settings (3,) float64 as `solve`
    takes them; half_life int64 us, 0 for none.

    What is made of the vectors is kept with them: a service maps it all, and its processes share the pages.
    """

    index: NormIndex
    gram: Floats
    mean: NDArray[np.float64]
    usual: Floats
    settings: NDArray[np.float64]
    half_life: np.int64
    spread: NDArray[np.float64] = field(init=False, repr=False)
    _last: list[tuple[Rows, Times, Floats]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        mean = self.gram.astype(np.float64) / max(len(self.index.rows), 1)
        object.__setattr__(
            self, "_last", [(np.empty(0, np.int32), np.empty(0, np.int64), np.empty((0, 0), np.float32))]
        )
        object.__setattr__(self, "spread", mean - np.outer(self.mean, self.mean))

    @classmethod
    def of(
        cls,
        vectors: Floats,
        usual: Floats,
        settings: NDArray[np.float64],
        half_life: np.int64,
        asking: Floats | None = None,
    ) -> Self:
        """The source of items with these vectors (items, f), by the catalogue's rows, sought as the vectors (n, f) of some
        who ask allow (`NormIndex.of`)."""
        index = NormIndex.of(vectors, asking)
        mean = index.vectors.sum(axis=0, dtype=np.float64) / max(len(vectors), 1)
        return cls(index, index.vectors.T @ index.vectors, mean, usual, settings, half_life)

    @property
    def vectors(self) -> Floats:
        """The items' vectors (items, f) by the catalogue's rows."""
        return self.index.vectors[self.index.place]

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        return self.index.search(queries, self.fold_in(queries), k)

    def fold_in(self, queries: Queries) -> Floats:
        """The vector (n, f) of each query's member, solved from the history given with it; once for all parts of a request."""
        history, times, solved = self._last[0]
        if queries.history is not history or queries.history_ts is not times:
            solved = self._solved(queries)
            self._last[0] = queries.history, queries.history_ts, solved
        return solved

    def _solved(self, queries: Queries) -> Floats:
        out = np.tile(self.usual, (len(queries), 1))
        for part, block in blocks(queries, _bytes(len(self.usual)) + 32 * queries.history.shape[1]):
            history = recall(block, look_up(self.index.place, block.history), self.half_life)
            known = history.known
            if known.any():
                columns, weights = history.places[known], history.weights[known]
                out[part][known] = solve(self.index.vectors, self.gram, columns, weights, self.settings)
        return out

    def affinity(self, queries: Queries, ask: NDArray[np.int64], items: Rows) -> Floats:
        """How much more than the typical item each row's item (n,) suits query ask (n,), in standard deviations.

        Standardised over the catalogue of the query, so that it means the same after a refit, which rotates and scales
        the vectors; NaN for an item that was not there when it was fitted.
        """
        members = self.fold_in(queries).astype(np.float64)
        usual = members @ self.mean
        scale = np.sqrt(np.maximum(((members @ self.spread) * members).sum(axis=1), 0))
        at = look_up(self.index.place, items)
        vectors = self.index.vectors[np.where(at >= 0, at, 0)]
        score = vectors @ members[0] if len(members) == 1 else np.einsum("nf,nf->n", members[ask], vectors)
        score = np.divide(score - usual[ask], scale[ask], out=np.zeros(len(items)), where=scale[ask] > 0)
        return np.where(at >= 0, score, np.nan).astype(np.float32)

    def to_arrays(self) -> Arrays:
        return self.index.to_arrays() | {
            "gram": self.gram,
            "mean": self.mean,
            "usual": self.usual,
            "settings": self.settings,
            "half_life": np.array(self.half_life),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        index = NormIndex.from_arrays(arrays)
        factors = index.vectors.shape[1]
        settings = array(arrays, "settings", np.float64, (3,))
        check(bool((settings[:2] > 0).all()), "settings", "above 0")
        return cls(
            index,
            array(arrays, "gram", np.float32, (factors, factors)),
            array(arrays, "mean", np.float64, (factors,)),
            array(arrays, "usual", np.float32, (factors,)),
            settings,
            np.int64(array(arrays, "half_life", np.int64, ())),
        )
