"""Slates drawn at random, each with the exact probability of every choice in it.

The logging policy of a world is a Plackett-Luce model (Plackett 1975, "The Analysis of Permutations") mixed
with chance: slot by slot, with probability `uniform` any item that is left, else item i with probability
w_i / (the weights that are left). Gumbel top-k draws the same from a score for each item and request; here
requests come in a few groups with one row of weights each, so that a draw costs O(log v) and no O(v):
an item that stands in an earlier slot is drawn anew, which leaves the probabilities of the others as they must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Floats, Rows

Weights = NDArray[np.float64]


_ROUNDS = 24
"""Draws after which a slate that still repeats itself is drawn from what is left instead."""


@dataclass(frozen=True, slots=True)
class Slates:
    """n slates of k items. items (n, k) int32 columns of the weights; propensity (n, k) float32, the
    probability of the item in that slot given the slots before it; score (n, k) float32, its log weight."""

    items: Rows
    propensity: Floats
    score: Floats

    @classmethod
    def joined(cls, parts: Sequence[Slates]) -> Slates:
        """One of many, in their order."""
        return cls(
            *(np.concatenate(column) for column in zip(*((p.items, p.propensity, p.score) for p in parts), strict=True))
        )


@dataclass(frozen=True, slots=True)
class Plackett:
    """The policy: weights (groups, v) float64, all above 0; `uniform` is the share of slots left to chance.

    >>> slates = Plackett(np.array([[1.0, 3.0]]), uniform=0.0).draw(np.zeros(1, int), 2, np.random.default_rng(0))
    >>> bool(slates.propensity[0, 1] == 1.0)   # the last item left
    True
    """

    weights: Weights
    uniform: float

    def draw(self, groups: NDArray[np.integer], size: int, rng: np.random.Generator) -> Slates:
        """One slate of `size` items for each request, whose group is a row of the weights."""
        n, v = len(groups), self.weights.shape[1]
        if size > v:
            raise ValueError(f"size is {size} but only {v} items have a weight; expected size <= {v}")
        by_chance = rng.random((n, size)) < self.uniform
        ladder = self._ladder()
        rows = np.broadcast_to(groups[:, None], (n, size))
        items = _pick(ladder, rows, by_chance, v, rng)
        open_rows, rounds = np.arange(n), 0
        while len(open_rows):
            repeats = _repeats(items[open_rows])
            clash = repeats.any(axis=1)
            open_rows, slot = open_rows[clash], repeats[clash].argmax(axis=1)
            # Only the first repeat of a slate: the slots before it are final, those after it not yet.
            some, chance = groups[open_rows], by_chance[open_rows, slot]
            if rounds < _ROUNDS:
                items[open_rows, slot] = _pick(ladder, some, chance, v, rng)
            else:
                items[open_rows, slot] = self._pick_left(some, chance, items[open_rows], slot, rng)
            rounds += 1
        return self._priced(groups, items)

    def _ladder(self) -> Weights:
        """All groups' cumulative shares in one rising array: group g occupies (g, g + 1]."""
        total = np.cumsum(self.weights, axis=1)
        return (total / total[:, -1:] + np.arange(len(total))[:, None]).ravel()

    def _pick_left(
        self,
        groups: NDArray[np.integer],
        by_chance: NDArray[np.bool_],
        items: Rows,
        slot: Rows,
        rng: np.random.Generator,
    ) -> Rows:
        """One item for each request of those not in its slots before `slot`: O(v), where repeats will not end."""
        weight = np.where(by_chance[:, None], 1.0, self.weights[groups])
        row, place = np.nonzero(np.arange(items.shape[1]) < slot[:, None])
        weight[row, items[row, place]] = 0.0
        ladder = np.cumsum(weight, axis=1)
        u = (1 - rng.random((len(groups), 1))) * ladder[:, -1:]
        picked: Rows = (ladder < u).sum(axis=1, dtype=np.int32)
        return picked

    def _priced(self, groups: NDArray[np.integer], items: Rows) -> Slates:
        weight = self.weights[groups[:, None], items]
        left = self.weights.sum(axis=1)[groups, None] - (np.cumsum(weight, axis=1) - weight)
        count = self.weights.shape[1] - np.arange(items.shape[1])
        propensity = (1 - self.uniform) * weight / left + self.uniform / count
        return Slates(items, propensity.astype(np.float32), np.log(weight).astype(np.float32))


def _pick(
    ladder: Weights, groups: NDArray[np.integer], by_chance: NDArray[np.bool_], v: int, rng: np.random.Generator
) -> Rows:
    """One item for each entry of `groups`, repeats allowed: by chance or by the group's weights."""
    u = rng.random(groups.shape)
    weighted = np.searchsorted(ladder, groups + u, side="right") - groups.astype(np.int64) * v
    picked: Rows = np.where(by_chance, u * v, weighted).astype(np.int32)
    return np.clip(picked, 0, v - 1)


def _repeats(items: Rows) -> NDArray[np.bool_]:
    """(n, k): true where an earlier slot holds the same item."""
    size = items.shape[1]
    earlier = np.tri(size, k=-1, dtype=bool)
    found: NDArray[np.bool_] = ((items[:, :, None] == items[:, None, :]) & earlier).any(axis=2)
    return found
