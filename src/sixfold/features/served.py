"""Feature values as they were when a decision was served: kept for a sample of decisions, to be held against the log later."""

from __future__ import annotations

import msgspec
import numpy as np

from ..types import Floats


class Served(msgspec.Struct, frozen=True, array_like=True):
    """One decision's table: a row an item, or one row of an estimate. values (n, f) float32; keys: whom it was of.

    offset: the batch of the log up to which the state was folded; -1 where one was folded while the values were read, which
    may then be of before it and of after it.
    """

    decision: str
    release: str
    keys: dict[str, str]
    ts: int
    offset: int
    context: dict[str, str | float]
    items: list[bytes]
    values: bytes

    @property
    def table(self) -> Floats:
        """The values, a row an item; one row where there are no items."""
        return np.frombuffer(self.values, np.float32).reshape(max(len(self.items), 1), -1)


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Served).decode
