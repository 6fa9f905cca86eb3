"""The stages of a request in other processes: what goes over to them and back.

Both sides know items by row, which holds while they read the same state; a service of another release answers 409 and the
caller falls back until both have swapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import Unavailable
from ..features.table import Fitted
from ..pipeline import Pool, Scored
from ..types import Asks, Floats, Rows
from .client import Client
from .ladder import Climb

CANDIDATES, RANKING = "/internal/candidates", "/internal/ranking"
M = TypeVar("M", bound=msgspec.Struct)


class Asked(msgspec.Struct, array_like=True):
    """One request by rows: context values are uint64 hashes of text, or numbers."""

    release: str
    member: int
    ts: int
    context: dict[str, int | float]


class Wanted(msgspec.Struct, array_like=True):
    """To the candidates' service. unwanted: int32 rows."""

    asked: Asked
    unwanted: bytes | None


class Found(msgspec.Struct, array_like=True):
    """From it. items (n,) int32, ranks (n, sources) float32, removed items by reason int32."""

    items: bytes
    ranks: bytes
    removed: dict[str, bytes]
    laps_ms: dict[str, float]


class Judge(msgspec.Struct, array_like=True):
    """To the ranking service."""

    asked: Asked
    items: bytes
    ranks: bytes


class Judged(msgspec.Struct, array_like=True):
    """From it. table (n, columns), heads (n,) and value (n,), all float32."""

    table: bytes
    heads: dict[str, bytes]
    value: bytes
    laps_ms: dict[str, float]


encode = msgspec.msgpack.Encoder().encode


def decoded(body: bytes, kind: type[M]) -> M:
    """A message of another service. Raises Unavailable where it is none."""
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable(
            f"a service speaks another language ({error}); run one version of Sixfold everywhere"
        ) from error


def asked(release: str, asks: Asks) -> Asked:
    return Asked(
        release, int(asks.member[0]), int(asks.ts[0]), {name: column[0].item() for name, column in asks.context.items()}
    )


def asks_of(message: Asked, features: Fitted) -> Asks:
    """The request of a message, whose contexts are those that features read."""
    columns: dict[str, NDArray[Any]] = {}
    for name in features.contexts:
        value = message.context[f"context.{name}"]
        columns[f"context.{name}"] = np.array([value], np.float64 if isinstance(value, float) else np.uint64)
    return Asks(np.array([message.member], np.int32), np.array([message.ts]), columns)


def rows(data: bytes) -> Rows:
    return np.frombuffer(data, np.int32)


def floats(data: bytes, *shape: int) -> Floats:
    return np.frombuffer(data, np.float32).reshape(shape)


@dataclass(frozen=True, slots=True)
class Remote:
    """The stages of one request at two services."""

    release: str
    candidates_at: Client
    ranking_at: Client
    climb: Climb
    sources: int

    async def candidates(self, asks: Asks, unwanted: Rows | None) -> Pool:
        wanted = Wanted(asked(self.release, asks), None if unwanted is None else unwanted.astype(np.int32).tobytes())
        body = await self.candidates_at.post(CANDIDATES, encode(wanted), deadline_ms=self.climb.left_ms("candidates"))
        found = decoded(body, Found)
        self._add(found.laps_ms)
        items = rows(found.items)
        removed = {why: (np.zeros(len(data) // 4, np.int64), rows(data)) for why, data in found.removed.items()}
        ranks = floats(found.ranks, len(items), self.sources)
        return Pool(asks, np.zeros(len(items), np.int64), items, ranks, removed)

    async def scores(self, pool: Pool) -> Scored:
        judge = Judge(asked(self.release, pool.asks), pool.item.tobytes(), np.ascontiguousarray(pool.ranks).tobytes())
        body = await self.ranking_at.post(RANKING, encode(judge), deadline_ms=self.climb.left_ms("ranking"))
        judged = decoded(body, Judged)
        self._add(judged.laps_ms)
        n = len(pool)
        heads = {name: floats(data, n) for name, data in judged.heads.items()}
        return Scored(
            floats(judged.table, n, -1) if n else np.empty((0, 0), np.float32), heads, floats(judged.value, n)
        )

    def _add(self, laps_ms: Mapping[str, float]) -> None:
        for name, took in laps_ms.items():
            self.climb.add(name, took / 1e3)
        self.climb.restart()


def found(pool: Pool, laps_ms: dict[str, float]) -> Found:
    """A pool of one request as it goes back."""
    removed = {why: items.tobytes() for why, (_, items) in pool.removed.items()}
    return Found(pool.item.tobytes(), np.ascontiguousarray(pool.ranks).tobytes(), removed, laps_ms)


def judged(scored: Scored, laps_ms: dict[str, float]) -> Judged:
    """What the ranker made of a pool as it goes back."""
    heads = {name: head.astype(np.float32).tobytes() for name, head in scored.heads.items()}
    table = np.ascontiguousarray(scored.table, np.float32).tobytes()
    return Judged(table, heads, scored.value.astype(np.float32).tobytes(), laps_ms)
