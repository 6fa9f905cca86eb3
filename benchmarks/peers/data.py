"""One world for all stacks: 1 M items, 10^5 members, 2 M outcomes, drawn once with a fixed seed and kept as `.npy`.

What was chosen so that no index is given a worst case that no catalogue shows (uniform Gaussian vectors are one):
items lie around 2 000 topics, their spectrum decays (dimension j has scale j^-0.3), members ask from the topics they
watched. `spread` norms are log-normal with sigma 1, as matrix factorisation makes them; `equal` ones are 1, as a
two-tower model makes them. Popularity is drawn apart from the norm, so that the two sources overlap little.

The peers read finished feature values (30 an item, 14 a member). Sixfold keeps windows and decayed rates and computes its
columns at the request, from what happened up to then: the peers are spared that work, and the pipeline that would have
to write their values.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20
FACTORS = 64
TOPICS = 2_000
HISTORY = 32
"""Items of a member's history that are remembered."""
EACH = 250
"""Candidates a source gives: two sources, so at most 500 are ranked."""
SLATE = 20
ITEM_FEATURES, MEMBER_FEATURES, DEVICES = 30, 14, ("phone", "tv", "desktop")
COLUMNS = ITEM_FEATURES + MEMBER_FEATURES + len(DEVICES) + 3
"""Hour, score and place stand beside them: 50."""
QUERIES = 500
"""Members by whom recall is measured and indexes are tuned."""
START = 1_750_000_000
"""Unix seconds of the first outcome; 30 days follow."""
SPAN_S = 30 * 86_400
NORMS = ("spread", "equal")


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    items: int
    members: int
    outcomes: int

    @property
    def name(self) -> str:
        return f"{self.items // 1000}k"


FULL = Size(1_000_000, 100_000, 2_000_000)
QUICK = Size(50_000, 5_000, 100_000)


@dataclass(frozen=True)
class Data:
    """The folder of a world, its arrays read as memory maps."""

    folder: Path

    def __getattr__(self, name: str) -> NDArray[Any]:
        path = self.folder / f"{name}.npy"
        if not path.exists():
            raise AttributeError(f"{path} is missing; remove the folder and run benchmarks/decision.py again")
        found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return found


def make(cache: Path, size: Size, norms: str) -> Data:
    """The world of that size and norms below `cache`, drawn if it is not there yet."""
    folder = cache / f"{size.name}-{norms}"
    if not (folder / "exact.npy").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, _drawn(size, norms))
    return Data(folder)


def _drawn(size: Size, norms: str) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(SEED)
    topic = rng.integers(0, TOPICS, size.items).astype(np.int32)
    directions = _directions(rng, topic)
    # Drawn in both settings, so that they differ in nothing else.
    lengths = rng.lognormal(0, 1, size.items).astype(np.float32)[:, None]
    vectors = directions * lengths if norms == "spread" else directions
    weight = rng.pareto(1.2, size.items) + 0.05
    happened = _outcomes(rng, size, topic, weight)
    watched = happened["kind"] == 0
    history = _histories(happened["member"][watched], happened["item"][watched], size.members)
    popular = np.bincount(happened["item"][watched], minlength=size.items)
    members = _member_vectors(vectors, history)
    return {
        "vectors": vectors,
        "topic": topic,
        "popularity": popular.astype(np.float32),
        "popular": np.argsort(-popular, kind="stable")[: EACH + HISTORY].astype(np.int32),
        "item_features": _features(rng, size.items, ITEM_FEATURES),
        "member_features": _features(rng, size.members, MEMBER_FEATURES),
        "member_vectors": members,
        "history": history,
        "asked": (asked := rng.choice(size.members, min(QUERIES, size.members), replace=False)),
        "exact": exact(vectors, members[asked], EACH),
        **{f"outcome_{name}": column for name, column in happened.items()},
    }


def _directions(rng: np.random.Generator, topic: NDArray[np.int32]) -> NDArray[np.float32]:
    """Unit vectors (items, FACTORS) around their topics."""
    scale = np.arange(1, FACTORS + 1, dtype=np.float32) ** -0.3
    centres = rng.normal(size=(TOPICS, FACTORS)).astype(np.float32) * scale
    vectors = rng.standard_normal((len(topic), FACTORS), np.float32) * scale * np.float32(0.7) + centres[topic]
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _outcomes(
    rng: np.random.Generator, size: Size, topic: NDArray[np.int32], weight: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """member, item, ts_s and kind (0 watch, 1 click) of each outcome, in order of time."""
    n = size.outcomes
    member = rng.choice(size.members, n, p=_shares(rng.lognormal(0, 1, size.members))).astype(np.int32)
    likes = rng.integers(0, TOPICS, (size.members, 3))
    wanted = likes[member, rng.choice(3, n, p=[0.6, 0.3, 0.1])]
    # The items of a topic stand together, most popular first; a power of a uniform number prefers the head.
    order = np.lexsort((-weight, topic))
    starts = np.searchsorted(topic[order], np.arange(TOPICS + 1))
    place = (np.diff(starts)[wanted] * rng.random(n) ** 4).astype(np.int64)
    by_taste = order[np.minimum(starts[wanted] + place, len(order) - 1)]
    by_fame = rng.choice(size.items, n, p=_shares(weight))
    item = np.where(rng.random(n) < 0.8, by_taste, by_fame).astype(np.int32)
    kind = (rng.random(n) < 0.4).astype(np.int8)
    return {"member": member, "item": item, "ts_s": np.sort(START + rng.random(n) * SPAN_S), "kind": kind}


def _shares(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(weight / weight.sum())


def _histories(member: NDArray[np.int32], item: NDArray[np.int32], members: int) -> NDArray[np.int32]:
    """The newest HISTORY items (members, HISTORY) of each member, newest first, -1 where there are fewer."""
    back = np.arange(len(member))[::-1]
    order = back[np.argsort(member[back], kind="stable")]
    place = np.arange(len(order)) - np.searchsorted(member[order], member[order])
    kept = order[place < HISTORY]
    out = np.full((members, HISTORY), -1, np.int32)
    out[member[kept], place[place < HISTORY]] = item[kept]
    return out


def _member_vectors(vectors: NDArray[np.float32], history: NDArray[np.int32]) -> NDArray[np.float32]:
    """What ALS folds each history to: all stacks ask with the same vector. The peers keep it, Sixfold solves for it."""
    from .steps import als, queries

    fitted = als(vectors)
    parts = np.array_split(np.arange(len(history)), max(len(history) // 2_000, 1))
    return np.concatenate([fitted.fold_in(queries(history[part], len(vectors))) for part in parts])


def _features(rng: np.random.Generator, n: int, columns: int) -> NDArray[np.float32]:
    """Half of them heavy-tailed as counts are, half even as rates are."""
    values = rng.standard_normal((n, columns), np.float32)
    values[:, ::2] = np.exp(values[:, ::2])
    return values


def exact(vectors: NDArray[np.float32], queries: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """The k best rows (n, k) of each query by inner product, best first."""
    out = np.empty((len(queries), k), np.int32)
    for n, query in enumerate(queries):
        scores = vectors @ query
        best = np.argpartition(-scores, k)[:k]
        out[n] = best[np.argsort(-scores[best])]
    return out


def recall(found: NDArray[np.integer[Any]], wanted: NDArray[np.integer[Any]]) -> float:
    """The share of the exact answer that was found, the mean over queries."""
    return float(np.mean([np.isin(w, f).mean() for f, w in zip(found, wanted, strict=True)]))


def _write(folder: Path, arrays: dict[str, NDArray[Any]]) -> None:
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
