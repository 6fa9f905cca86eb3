"""A day on which what people like changes, all at once: tastes are turned, and drawn to what is then in fashion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..types import DAY
from .video_truth import Truth

FASHION = 0.5
"""Share of the new tastes, by variance, that all members have in common."""
_SHIFT = 5


def shifted(truth: Truth, at: int, seed: int) -> Truth:
    """The same world with other tastes from the day of ts `at` on.

    The turn is the same for all: who was alike still is, but what a member liked before tells nothing of what is liked now. How
    good videos are stays as it was.
    """
    tastes, day = truth.people.tastes, max((at - truth.start) // DAY, 0)
    # After the world's days tastes stand still: the last day's are there as often as is needed.
    days = np.arange(max(day + 1, len(tastes)))
    turned = tastes[np.minimum(days, len(tastes) - 1)]
    turn, fashion = _drawn(tastes.shape[2], np.random.default_rng((seed, _SHIFT)))
    turned[day:] = np.sqrt(1 - FASHION) * (turned[day:] @ turn) + np.sqrt(FASHION) * fashion
    return replace(truth, people=replace(truth.people, tastes=turned))


def _drawn(dims: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A rotation (dims, dims) of trace 0 at most, so that no taste stays near to what it was, and a fashion (dims,)."""
    while True:
        turn, _ = np.linalg.qr(rng.standard_normal((dims, dims)))
        if -0.25 * dims < np.trace(turn) <= 0:
            break
    fashion = rng.standard_normal(dims)
    fashion *= np.sqrt(dims) / np.linalg.norm(fashion)
    return turn.astype(np.float32), fashion.astype(np.float32)
