"""The asks of some minutes, as a service is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Times

Strings = NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class Visits:
    """n asks in order of ts: start, since when they came; ts (n,) int64 us, member (n,) S, context by name (n,) S."""

    start: int
    ts: Times
    member: Strings
    context: Mapping[str, Strings]

    def __len__(self) -> int:
        return len(self.ts)
