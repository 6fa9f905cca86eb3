"""What is told of a distribution, chosen by what late and early minutes cost; nothing here is trained.

An estimate is as often too long as too short, a promise is not: where a minute late costs three times a minute
early, the promise that costs least is the 75 % quantile (the newsvendor's critical fractile: Arrow, Harris and Marschak
1951). So the model stays unbiased, and a change of the costs is a change of the design and needs no training. Times are
seconds since the order, not seconds left: then a promise that stands is the same number at every status.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, DesignError
from .law import Doubles, at, below, checked, excess, mean

_HALVINGS = 24
"""Of the span in which the best promise is sought; an hour halved 24 times is 0.2 ms."""
_HAIR = 1e-6
"""Seconds by which a time may exceed a round one and still be it."""
_NEVER = 1e-9


class Standing(NamedTuple):
    """A promise that stands: promised_s (n,) float64, NaN before the first; changes (n,) int64, how often it was changed."""

    promised_s: Doubles
    changes: NDArray[np.int64]


class Promise(msgspec.Struct, frozen=True, tag="promise"):
    """The costs, the rounding and the patience of promises.

    late_per_min, early_per_min: the cost of each minute after and before what was promised, in any one currency.
    very_late_min, very_late_per_min: what each minute costs on top, from so many minutes late on. round_to_min: promises are
    rounded up to whole multiples of it. wording: one minute, or a range from the `range_from` quantile to the promise.
    worth_changing: the expected cost a new promise must save to replace the one that stands; at_most: how often that may
    happen to one order.
    """

    late_per_min: Annotated[float, Meta(ge=0)] = 3.0
    early_per_min: Annotated[float, Meta(ge=0)] = 1.0
    very_late_min: Annotated[float, Meta(ge=0)] = 10.0
    very_late_per_min: Annotated[float, Meta(ge=0)] = 0.0
    round_to_min: Annotated[int, Meta(ge=1)] = 5
    wording: Literal["minute", "range"] = "minute"
    range_from: Annotated[float, Meta(gt=0, lt=1)] = 0.1
    worth_changing: Annotated[float, Meta(ge=0)] = 2.0
    at_most: Annotated[int, Meta(ge=0)] = 3

    def __post_init__(self) -> None:
        if not (self.early_per_min > 0 and self.late_per_min + self.very_late_per_min > 0):
            raise DesignError(
                f"late_per_min is {self.late_per_min} and early_per_min is {self.early_per_min}; "
                "expected both above 0, else the best promise is never, or at once"
            )

    @property
    def level(self) -> float:
        """The critical fractile: the quantile that is promised where very late minutes cost nothing on top."""
        return self.late_per_min / (self.late_per_min + self.early_per_min)

    def best(self, levels: ArrayLike, quantiles: ArrayLike) -> Doubles:
        """The seconds (n,) whose expected cost is least for each distribution (n, q), not rounded.

        >>> Promise(late_per_min=3, early_per_min=1).best((0.25, 0.5, 0.75), [[1200.0, 1500.0, 2100.0]]).tolist()
        [2100.0]
        """
        p, q = checked(levels, quantiles)
        low, high = self._bounds(p, q)
        for _ in range(_HALVINGS if self.very_late_per_min else 0):
            middle = (low + high) / 2
            enough = self._slope(p, q, middle) >= 0
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high[:, 0]

    def of(self, levels: ArrayLike, quantiles: ArrayLike) -> Doubles:
        """The promise, seconds (n,): the best one, rounded up to `round_to_min`, one multiple at least."""
        p, q = checked(levels, quantiles)
        step = 60.0 * self.round_to_min
        # In multiples of the step: the least one from which on waiting costs.
        low, high = (self._multiples(bound) for bound in self._bounds(p, q))
        while (low < high).any():
            middle = np.floor((low + high) / 2)
            enough = self._slope(p, q, middle * step) >= 0
            low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        return high[:, 0] * step

    def cost(self, levels: ArrayLike, quantiles: ArrayLike, promised_s: ArrayLike) -> Doubles:
        """The expected cost (n,) of promising so many seconds (n,): exact for the law of the quantiles."""
        p, q = checked(levels, quantiles)
        told = np.asarray(promised_s, np.float64)[:, None]
        late = excess(p, q, told)
        early = told - mean(p, q)[:, None] + late
        very = excess(p, q, told + 60 * self.very_late_min)
        total = self.late_per_min * late + self.early_per_min * early + self.very_late_per_min * very
        return np.asarray(total[:, 0] / 60)

    def steady(self, levels: ArrayLike, quantiles: ArrayLike, standing: Standing) -> Standing:
        """The promise (n,) after a new estimate: the old one, unless the new saves `worth_changing` and may still come.

        The first promise is no change. So an order has at most 1 + `at_most` promises, whatever the estimates do.
        """
        if standing.promised_s.shape != standing.changes.shape:
            raise DataError(
                f"{len(standing.promised_s)} promises stand, with {len(standing.changes)} counts of changes"
            )
        fresh, first = self.of(levels, quantiles), np.isnan(standing.promised_s)
        old = np.where(first, fresh, standing.promised_s)
        saved = self.cost(levels, quantiles, old) - self.cost(levels, quantiles, fresh)
        change = (fresh != old) & (saved > self.worth_changing) & (standing.changes < self.at_most)
        return Standing(np.where(change, fresh, old), standing.changes + change)

    def follow(self, levels: ArrayLike, quantiles: ArrayLike, promised_s: ArrayLike) -> Doubles:
        """The promise (n,) that stands after each of n estimates (n, q) of one and the same order.

        promised_s (1,) is the one before. What `steady` gives, estimate by estimate; here all are compared with one at once.
        """
        p, q = checked(levels, quantiles)
        fresh = self.of(p, q)
        cost = self.cost(p, q, fresh)
        out = np.full(len(q), np.asarray(promised_s, np.float64)[0])
        begin = 0
        for _ in range(self.at_most):
            saved = self.cost(p, q[begin:], out[begin:]) - cost[begin:]
            change = np.flatnonzero((fresh[begin:] != out[begin:]) & (saved > self.worth_changing))
            if not len(change):
                break
            begin += int(change[0])
            out[begin:] = fresh[begin]
        return out

    def told(self, levels: ArrayLike, quantiles: ArrayLike, promised_s: ArrayLike) -> NDArray[np.int64]:
        """The minutes (n, 2) int64 that are said, first and last; the same ones twice where the wording is a minute."""
        p, q = checked(levels, quantiles)
        last = np.rint(np.asarray(promised_s, np.float64) / 60).astype(np.int64)
        if self.wording == "minute":
            return np.stack([last, last], axis=1)
        step = self.round_to_min
        first = np.floor(at(p, q, np.array([self.range_from]))[:, 0] / (60 * step)).astype(np.int64) * step
        return np.stack([np.clip(first, 0, last - step), last], axis=1)

    def _bounds(self, levels: Doubles, quantiles: Doubles) -> tuple[Doubles, Doubles]:
        """Between which two times (n, 1) the best promise is: were no late minute very late, and were all."""
        worst = self.late_per_min + self.very_late_per_min
        fractiles = [max(self.level, _NEVER), worst / (worst + self.early_per_min)]
        low, high = np.split(at(levels, quantiles, np.array(fractiles)), 2, axis=1)
        return low, high

    def _slope(self, levels: Doubles, quantiles: Doubles, x: Doubles) -> Doubles:
        """What a second more would cost at x (n, 1); it never falls, for the cost is convex."""
        by_then = below(levels, quantiles, x)
        very = 1 - below(levels, quantiles, x + 60 * self.very_late_min)
        return self.early_per_min * by_then - self.late_per_min * (1 - by_then) - self.very_late_per_min * very

    def _multiples(self, seconds: Doubles) -> Doubles:
        """How many times `round_to_min` seconds are, rounded up; once at least."""
        return np.maximum(np.ceil((seconds - _HAIR) / (60 * self.round_to_min)), 1)


def words(first: int, last: int) -> str:
    """A promise as one reads it.

    >>> words(35, 35), words(25, 35), words(1, 1)
    ('35 minutes', '25 to 35 minutes', '1 minute')
    """
    if first == last:
        return f"{last} minute{'s' if last != 1 else ''}"
    return f"{first} to {last} minutes"
