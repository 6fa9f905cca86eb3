"""Steering in two layers: each entity of a kind for itself, then all of them together.

A shock may hit all at once, as a storm does, or a few of many, as where some kitchens slow down. Of one group the second kind
makes a wide interval for everybody; of many groups none has the outcomes to follow the first kind. So what an entity's own
outcomes say is taken off first, in small steps, and what is left steers all, so that the share covered of all is held
as by `adaptive` alone. An entity without outcomes, or none at all, moves as all do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .adaptive import Adaptive, Steering, errors
from .law import Doubles, checked

NOBODY = -1
"""The group of a row that names no entity."""


@dataclass(frozen=True, slots=True)
class Layered:
    """all: the steering of everybody, one group. each: of g entities, a group each; None where there is one layer only."""

    all: Steering
    each: Steering | None = None

    @classmethod
    def start(cls, by: Adaptive, levels: ArrayLike, *, groups: int = 0) -> Layered:
        """The state before any outcome."""
        each = None if by.by is None else Adaptive(steps=by.by_steps).start(levels, groups=groups)
        return cls(by.start(levels), each)

    def offset(self, group: int = NOBODY) -> Doubles:
        """How far each level (q,) is to be moved for an entity, in widths."""
        return np.asarray(self.offsets(np.array([group]))[0])

    def offsets(self, groups: NDArray[np.intp]) -> Doubles:
        """The same of n entities, NOBODY for none: (n, q)."""
        out = np.repeat(self.all.offset(), len(groups), axis=0)
        some = np.flatnonzero(groups >= 0)
        if self.each is not None and len(some):
            each = groups[some]
            out[some] += np.einsum("nqe,nqe->nq", self.each.offsets[each], self.each.trust[each])
        return out

    def fold(self, quantiles: ArrayLike, seconds: ArrayLike, *, groups: NDArray[np.intp] | None = None) -> Layered:
        """The state after n outcomes in the order of the rows: their quantiles (n, q) as forecast, before any steering, and
        the seconds (n,) they took; groups (n,) numbers the entities, NOBODY for none."""
        _, q = checked(self.all.levels, quantiles)
        error, own, each = errors(q, seconds), np.zeros(q.shape), self.each
        if each is not None and groups is not None:
            some = np.flatnonzero(groups >= 0)
            each, own[some] = each.folded(error[some], groups[some])
        together, _ = self.all.folded(error - own, np.zeros(len(q), np.intp))
        return Layered(together, each)

    def replay(
        self,
        quantiles: ArrayLike,
        seconds: ArrayLike,
        *,
        asked: NDArray[np.generic],
        settled: NDArray[np.generic],
        groups: NDArray[np.intp] | None = None,
    ) -> Doubles:
        """The offset (n, q) that each of n rows would have been given when it was asked, as `Steering.replay` has it.

        groups (n,) as in `fold`.
        """
        _, q = checked(self.all.levels, quantiles)
        error, own = errors(q, seconds), np.zeros(q.shape)
        told = own.copy()
        if self.each is not None and groups is not None:
            some = np.flatnonzero(groups >= 0)
            found = self.each.replayed(error[some], asked[some], settled[some], groups[some])
            told[some], own[some] = found
        rest, _ = self.all.replayed(error - own, asked, settled, np.zeros(len(q), np.intp))
        return told + rest
