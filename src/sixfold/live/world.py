"""What a live run asks of a world: who comes when, what is really so, and what they do with what they are shown."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..events.schema import Events
from ..types import Floats
from ..worlds.visits import Strings, Visits


class World(Protocol):
    """A world that goes on after its log; items (v,) are the columns of heads (n, v) and of alive (v,)."""

    @property
    def items(self) -> Strings: ...

    @property
    def examination(self) -> NDArray[np.float64]: ...

    def remember(self, events: Events) -> None: ...

    def forget(self, ts: int) -> None: ...

    def news(self, first: int, stop: int) -> Events: ...

    def visits(self, first: int, stop: int) -> Visits: ...

    def heads(self, visits: Visits) -> dict[str, Floats]: ...

    def alive(self, visits: Visits) -> NDArray[np.bool_]: ...

    def answer(self, visits: Visits, decisions: Strings, items: Strings) -> Events: ...
