"""Now and then an item that the model would not have shown: how the next model learns what this one does not know.

Each place of a slate is, with a small chance, given to any of the candidates that are left, all alike. The propensity of what
was shown is the chance that this policy put it there, given the places above: what off-policy estimates divide by.
"""

from __future__ import annotations

import numpy as np

from ..types import Floats, Rows

LIKELY = 0.5
"""A place whose propensity is lower was explored: the policy would sooner have shown something else there."""


def explore(ranked: Rows, size: int, *, share: float, rng: np.random.Generator) -> tuple[Rows, Floats]:
    """The places (size,) of a slate as numbers into `ranked` (m,), best first, and their propensities (size,) float32.

    At place i with r candidates left the best of them has propensity 1 - share + share / r, each other one share / r.

    >>> explore(np.arange(4, dtype=np.int32), 2, share=0.0, rng=np.random.default_rng(0))
    (array([0, 1], dtype=int32), array([1., 1.], dtype=float32))
    """
    size = min(size, len(ranked))
    places, propensity = np.arange(size, dtype=np.int32), np.empty(size, np.float32)
    left = len(ranked) - np.arange(size)
    propensity[:] = 1 - share + share / left
    drawn = rng.random(size) < share
    if not drawn.any():
        return places, propensity
    remaining = list(range(len(ranked)))
    for place in range(size):
        at = int(rng.integers(len(remaining))) if drawn[place] else 0
        if at:
            propensity[place] = share / left[place]
        places[place] = remaining.pop(at)
    return places, propensity
