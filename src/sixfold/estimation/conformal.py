"""Quantiles moved until they cover what they say, on rows the estimator has not seen.

Conformalised quantile regression (Romano, Patterson and Candes 2019, section 4.2, the asymmetric form), at every level
for itself: where rows are exchangeable, level p covers at least p of new rows, and at most p + 1 / (n + 1), be the
estimator as bad as it may. After a shock rows are not exchangeable: then see `adaptive`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError
from ..ranking.arrays import need, read
from ..types import Arrays, Floats
from .law import Doubles, checked, span
from .quantiles import read_levels


class Conformal(msgspec.Struct, frozen=True, tag="conformal"):
    """The shift of each level. by_width: in shares of each row's own width instead of seconds, for errors that grow with
    the time (Sesia and Candes 2020, CQR-r). least_rows: a group of fewer takes the shift of all rows. share: how much of what
    was found wrong is mended; all of it where rows are exchangeable, less where whole days go wrong together and the slice
    holds a few of them: a shift is then as much of those days as of the estimator.
    """

    by_width: bool = False
    least_rows: Annotated[int, Meta(ge=1)] = 200
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0

    def fit(
        self, levels: ArrayLike, quantiles: ArrayLike, seconds: ArrayLike, *, groups: ArrayLike | None = None
    ) -> FittedConformal:
        """The shifts that make quantiles (n, q) right for what took seconds (n,). Raises DataError.

        groups (n,) numbers from 0, -1 for none: each group that has rows enough is made right for itself.
        """
        p, q = checked(levels, quantiles)
        y = np.asarray(seconds, np.float64)
        if y.shape != (len(q),) or not len(y) or not np.isfinite(y).all():
            raise DataError(f"seconds has shape {y.shape}; expected ({len(q)},), one finite time a row, one at least")
        errors = y[:, None] - q
        if self.by_width:
            errors /= span(q)
        overall = _at_levels(errors, p)
        shifts = overall[None] if groups is None else self._by_group(errors, p, overall, np.asarray(groups))
        return FittedConformal(p, shifts * self.share, np.array(self.by_width))

    def _by_group(self, errors: Doubles, levels: Doubles, overall: Doubles, groups: NDArray[np.int_]) -> Doubles:
        """(groups + 1, q): each group's own shifts where it can have them; the last row is of all."""
        if groups.shape != (len(errors),):
            raise DataError(f"groups has shape {groups.shape}; expected ({len(errors)},), one number a row")
        order = np.argsort(groups, kind="stable")
        found, starts = np.unique(groups[order], return_index=True)
        shifts = np.tile(overall, (max(int(found.max()), -1) + 2, 1))
        for group, rows in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            if group >= 0 and len(rows) >= self.least_rows:
                shifts[group] = _at_levels(errors[rows], levels)
        return shifts


@dataclass(frozen=True, slots=True)
class FittedConformal:
    """levels (q,) float64; shifts (g + 1, q) float64 of g groups and, last, of all; by_width () bool."""

    levels: Doubles
    shifts: Doubles
    by_width: NDArray[np.bool_]

    def apply(self, quantiles: Floats, *, groups: NDArray[np.int_] | None = None) -> Floats:
        """The quantiles (n, q) float32 moved, none below 0, rising along each row; an unknown group moves as all."""
        last = len(self.shifts) - 1
        rows = last if groups is None else np.where((groups >= 0) & (groups < last), groups, last)
        q = quantiles.astype(np.float64)
        moved = q + self.shifts[rows] * (span(q) if self.by_width else 1.0)
        # Levels are moved apart, so that they may cross; sorting never makes any of them worse.
        return np.sort(np.maximum(moved, 0), axis=1).astype(np.float32)

    def to_arrays(self) -> Arrays:
        """The arrays of the class docstring, by name."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> FittedConformal:
        """The shifts those arrays are. Raises ReleaseError naming the array and number that do not fit."""
        levels = read_levels(arrays)
        shifts = read(arrays, "shifts", np.float64, (None, len(levels)))
        need(np.array(len(shifts) > 0), np.array(len(shifts)), "shifts", "one row at least")
        need(np.isfinite(shifts), shifts, "shifts", "a finite number")
        return cls(levels, shifts, read(arrays, "by_width", np.bool_, ()))


def _at_levels(errors: Doubles, levels: Doubles) -> Doubles:
    """The error (q,) that the next row's stays below with at least each level's probability: the ceil((n + 1) p)-th."""
    rank = np.ceil((len(errors) + 1) * levels * (1 - 1e-12)).astype(np.intp)
    ordered = np.sort(errors, axis=0)
    return np.asarray(ordered[np.clip(rank, 1, len(errors)) - 1, np.arange(len(levels))])
