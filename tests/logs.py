"""Small random logs for tests: many ties, several days, everything that a real log has."""

from __future__ import annotations

import numpy as np

from sixfold.events.schema import SEP, Events
from sixfold.types import DAY, SECOND

START = 1_700_000_000 * SECOND
GENRES = [b"drama", b"comedy", b"news"]


def names(prefix: str, numbers: np.ndarray) -> np.ndarray:
    return np.array([f"{prefix}{i}".encode() for i in numbers.tolist()] or [b""])[: len(numbers)]


def random_log(
    rng: np.random.Generator, *, members: int = 12, items: int = 15, decisions: int = 60, days: int = 6
) -> Events:
    """Decisions with slates of 4, watches of some, a few organic ones; ts in whole hours, so that many are equal."""
    ts = START + rng.integers(0, days * 24, decisions) * 3600 * SECOND
    slate = 4
    shown = np.stack([rng.permutation(items)[:slate] for _ in range(decisions)])
    who = rng.integers(0, members, decisions)
    watched = np.argwhere(rng.random((decisions, slate)) < 0.4)
    organic = rng.integers(0, decisions, 8)
    at = np.concatenate([watched[:, 0], organic])
    item = np.concatenate([shown[watched[:, 0], watched[:, 1]], rng.integers(0, items, len(organic))])
    n = len(at)
    is_organic = np.arange(n) >= len(watched)
    outcome_ts = ts[at] + rng.integers(0, 3, n) * 3600 * SECOND
    genre = np.array([SEP.join(rng.permutation(GENRES)[: rng.integers(1, 3)].tolist()) for _ in range(items)])
    first = rng.integers(0, days * DAY // 2, items)
    return Events(
        entities={
            "video": {
                "id": names("e", np.arange(items)),
                "ts": START - DAY + first * (rng.random(items) < 0.3),
                "key": names("v", np.arange(items)),
                "genre": genre,
                "length_s": rng.integers(30, 3000, items).astype(np.float64),
                "embedding": rng.normal(size=(items, 3)).astype(np.float32),
                "published": (START - DAY + first) / SECOND,
            },
            "member": {
                "id": names("em", np.arange(members)),
                "ts": np.full(members, START - 2 * DAY),
                "key": names("m", np.arange(members)),
                "country": np.array([b"nl", b"de"])[rng.integers(0, 2, members)],
            },
        },
        decisions={
            "id": names("d", np.arange(decisions)),
            "ts": ts,
            "release": np.full(decisions, b"logging"),
            "member": names("m", who),
            "context.device": np.array([b"tv", b"phone"])[rng.integers(0, 2, decisions)],
        },
        shown={
            "decision": np.repeat(np.arange(decisions, dtype=np.int32), slate),
            "item": names("v", shown.ravel()),
            "position": np.tile(np.arange(1, slate + 1, dtype=np.int16), decisions),
            "score": rng.random(decisions * slate).astype(np.float32),
            "propensity": np.full(decisions * slate, 0.25, np.float32),
        },
        outcomes={
            "watch": {
                "id": names("o", np.arange(n)),
                "ts": outcome_ts,
                "decision": np.where(is_organic, b"", names("d", at)),
                "value": rng.integers(0, 100, n).astype(np.float64),
                "member": names("m", who[at]),
                "video": names("v", item),
            }
        },
    )


def same_batches(one: list[tuple[int, Events]], other: list[tuple[int, Events]]) -> None:
    """Both hold the same events under the same offsets and in the same order, column by column; a batch of nothing is none."""
    one, other = ([(offset, events) for offset, events in batches if len(events)] for batches in (one, other))
    assert [offset for offset, _ in one] == [offset for offset, _ in other]
    for (offset, a), (_, b) in zip(one, other, strict=True):
        left, right = (_tables(events) for events in (a, b))
        assert list(left) == list(right), offset
        for name, table in left.items():
            assert table.keys() == right[name].keys(), f"{name} of {offset}"
            for column, values in table.items():
                np.testing.assert_array_equal(values, right[name][column], err_msg=f"{name} {column} of {offset}")
                assert values.dtype.kind == right[name][column].dtype.kind


def _tables(events: Events) -> dict[str, dict[str, np.ndarray]]:
    found = {**dict(events.tables()), "shown": events.shown}
    return {name: dict(table) for name, table in found.items() if len(next(iter(table.values())))}


def by_day(log: Events, days: int = 6) -> list[Events]:
    """What was known from the start, then a batch every half day."""
    half = DAY // 2
    return [log.before(START), *(log.between(START + i * half, START + (i + 1) * half) for i in range(2 * days + 1))]
