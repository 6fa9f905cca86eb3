"""The log of Sixfold's workspace: the world as entities, decisions and outcomes.

1 M items with genre, creator, length, quality, date and a content vector, 10^5 members, 2 M outcomes (watches and clicks)
over 30 days, and 20 000 slates of 20 shown on the last of them, from which rates per impression come.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sixfold.events.schema import SEP, Events, no_decisions, no_shown
from sixfold.types import SECOND, Table

from .data import DEVICES, SEED, SLATE, SPAN_S, START, Data

BATCH = 250_000
EMBEDDING = 16
"""Numbers of the content vector that `similarity` reads; the sources' vectors have 64."""
CREATORS, GENRES, COUNTRIES, SLATES = 50_000, 18, 12, 20_000


def batches(data: Data) -> Iterator[Events]:
    """The log: what is known of items and members, what was shown, and what was done."""
    rng = np.random.default_rng(SEED + 1)
    items, members = len(data.vectors), len(data.member_vectors)
    for start in range(0, items, BATCH):
        yield Events({"video": _videos(rng, data, np.arange(start, min(start + BATCH, items)))})
    country = names("c", rng.integers(0, COUNTRIES, members))
    known = {
        "id": names("em", np.arange(members)),
        "ts": _us(np.full(members, START)),
        "key": names("m", np.arange(members)),
    }
    yield Events({"member": {**known, "country": country}})
    yield _slates(rng, data, min(SLATES, members))
    n = len(data.outcome_member)
    for start in range(0, n, BATCH):
        yield _outcomes(rng, data, np.arange(start, min(start + BATCH, n)))


def _videos(rng: np.random.Generator, data: Data, rows: NDArray[np.int64]) -> Table:
    n, topic = len(rows), data.topic[rows].astype(np.int64)
    genres = names("g", topic % GENRES)
    second = np.strings.add(np.strings.add(genres, SEP), names("g", (topic + 7) % GENRES))
    return {
        "id": names("ev", rows), "ts": _us(np.full(n, START)), "key": names("v", rows),
        "genre": np.where(rng.random(n) < 0.4, second, genres), "creator": names("k", rng.integers(0, CREATORS, n)),
        "length_s": rng.lognormal(6, 1, n), "quality": rng.random(n),
        "published": START - rng.random(n) * 365 * 86_400, "embedding": data.vectors[rows, :EMBEDDING],
    }  # fmt: skip


def _slates(rng: np.random.Generator, data: Data, n: int) -> Events:
    """What was shown in the last day, some of it what is popular."""
    items = len(data.vectors)
    mixed = np.where(
        rng.random(n * SLATE) < 0.5, rng.choice(data.popular, n * SLATE), rng.integers(0, items, n * SLATE)
    )
    ts = _us(np.sort(START + SPAN_S - 86_400 + rng.random(n) * 80_000))
    decisions = {
        "id": names("d", np.arange(n)), "ts": ts, "release": np.full(n, b"none"),
        "member": names("m", rng.integers(0, len(data.member_vectors), n)),
        "context.device": rng.choice([name.encode() for name in DEVICES], n),
    }  # fmt: skip
    shown = {
        "decision": np.repeat(np.arange(n, dtype=np.int32), SLATE), "item": names("v", mixed),
        "position": np.tile(np.arange(1, SLATE + 1, dtype=np.int16), n),
        "score": rng.random(n * SLATE, np.float32), "propensity": np.ones(n * SLATE, np.float32),
    }  # fmt: skip
    return Events({}, decisions, shown)


def _outcomes(rng: np.random.Generator, data: Data, rows: NDArray[np.int64]) -> Events:
    tables = {}
    for kind, name in enumerate(("watch", "click")):
        at = rows[data.outcome_kind[rows] == kind]
        value = rng.lognormal(4, 1, len(at)) if name == "watch" else np.ones(len(at))
        tables[name] = {
            "id": names("o", at), "ts": _us(data.outcome_ts_s[at]), "decision": np.full(len(at), b""), "value": value,
            "member": names("m", data.outcome_member[at]), "video": names("v", data.outcome_item[at]),
        }  # fmt: skip
    return Events({}, no_decisions(), no_shown(), tables)


def names(prefix: str, rows: NDArray[np.integer]) -> NDArray[np.bytes_]:
    """`v0`, `v1`, ... as an 'S' array."""
    return np.strings.add(prefix.encode(), rows.astype("S"))


def _us(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return (seconds * SECOND).astype(np.int64)
