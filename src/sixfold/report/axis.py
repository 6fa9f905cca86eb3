"""Where a number stands on a line from 0 to 100 %."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Axis:
    """A line from low to high, low < high; `log` for numbers above 0 of several magnitudes."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """The place of a value in per cent of the line; beyond its ends, the end.

        >>> Axis(0, 4).at(1), Axis(1, 100, log=True).at(10), Axis(0, 1).at(7)
        (25.0, 50.0, 100.0)
        """
        low, high = self._turned(self.low), self._turned(self.high)
        if self.log and value <= 0:
            return 0.0
        return 100 * min(1.0, max(0.0, (self._turned(value) - low) / (high - low)))

    def ticks(self) -> list[float]:
        """Round numbers on the line: two to six of them, unless it spans more powers of ten.

        >>> Axis(0, 0.04).ticks(), Axis(0.004, 0.07, log=True).ticks()
        ([0.0, 0.01, 0.02, 0.03, 0.04], [0.005, 0.01, 0.02, 0.05])
        """
        if self.log:
            fine = self._powers((1, 2, 5))
            return fine if len(fine) <= 6 else self._powers((1,))
        step = round_step((self.high - self.low) / 5)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(f"{n * step:.12g}") for n in range(first, last + 1)]

    def _powers(self, digits: tuple[int, ...]) -> list[float]:
        tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        found = (float(f"{digit}e{ten}") for ten in tens for digit in digits)
        return [tick for tick in found if self.low <= tick <= self.high]

    def _turned(self, value: float) -> float:
        return math.log10(value) if self.log else value


def around(values: Iterable[float | None], *, margin: float = 0.06) -> Axis:
    """The axis on which all of these are seen, with a margin on both sides; None and NaN are left out."""
    known = np.array([x for x in values if x is not None and math.isfinite(x)])
    if not len(known):
        return Axis(0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    slack = margin * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(low - slack, high + slack)


def round_step(least: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    magnitude = 10.0 ** math.floor(math.log10(least))
    return next(digit * magnitude for digit in (1, 2, 5, 10) if digit * magnitude >= least * (1 - 1e-9))
