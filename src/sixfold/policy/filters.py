"""Which candidates may not be shown, and why. A filter is a mask: it can take out, never reorder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..features.history import NEVER
from ..types import Rows, Times


def seen(last_seen: Times, ts: Times, *, again_after: int | None) -> NDArray[np.bool_]:
    """Whether each candidate (n,) was seen by its member and is not yet to be shown again."""
    known = last_seen != NEVER
    if again_after is None:
        return np.asarray(known)
    return np.asarray(known & (ts - np.where(known, last_seen, ts) < again_after))


def unavailable(available: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each candidate (n,) is known not to be available; of what nothing is known is available."""
    return np.asarray(available == 0)


def excluded(items: Rows, unwanted: Rows) -> NDArray[np.bool_]:
    """Whether each candidate (n,) is one the caller named as unwanted."""
    return np.isin(items, unwanted)
