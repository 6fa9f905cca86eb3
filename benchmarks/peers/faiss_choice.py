"""Which faiss index answers as well as an exact search, and soonest: each is built, timed and held against the truth.

The choice is by measurement because it turns with the norms. Where they spread, codes and cells made for distances lose
the long vectors that win inner products; where all are alike, nothing can be left out. Graphs are not in the list:
`glued` has one. Times are of the thread's CPU, so that a busy machine does not choose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from .data import EACH, HISTORY, SEED, Data, recall

ENOUGH = 0.99
"""Recall at which candidates are taken to be as good as the exact ones."""
TRAINED_ON = 200_000
WARM = 20

TRIED: dict[str, dict[str, tuple[float, ...]]] = {
    "PQ32x4fs,RFlat": {"k_factor_rf": (8, 16)},
    "PQ64x4fs,RFlat": {"k_factor_rf": (2, 4)},
    "IVF1024,PQ32x4fs,RFlat": {"nprobe": (64, 256), "k_factor_rf": (8, 16)},
    "IVF1024,PQ64x4fs,RFlat": {"nprobe": (64, 128, 256, 384), "k_factor_rf": (4,)},
    "IVF4096,PQ64x4fs,RFlat": {"nprobe": (32, 64, 128, 256), "k_factor_rf": (4,)},
    "IVF1024,Flat": {"nprobe": (64, 256)},
    "longest": {"share": (0.03, 0.04, 0.06, 0.1, 1.0)},
}
"""faiss factory strings, and the settings of a search that are tried with each; a share of 1 is the plain exact search."""

Search = Callable[[NDArray[np.float32], int], tuple[NDArray[np.float32], NDArray[np.int64]]]
Choice = dict[str, Any]


def choose(data: Data, out: Path) -> Choice:
    """Build all, keep the fastest that is good enough (the best, where none is), and say what each measured."""
    faiss.omp_set_num_threads(1)
    vectors, asked = np.array(data.vectors), np.array(data.member_vectors[data.asked])
    exact = np.array(data.exact)
    measured: list[Choice] = []
    for kind, settings in TRIED.items():
        index = None if kind == "longest" else _built(kind, vectors)
        for values in product(*settings.values()):
            chosen = dict(zip(settings, values, strict=True))
            if index is None:
                search = _over(_longest(vectors, chosen["share"]))
            else:
                search = _set(index, chosen)
            measured.append({"kind": kind, "settings": chosen, **_measured(search, asked, exact)})
    good = [one for one in measured if one["recall"] >= ENOUGH]
    best = min(good, key=lambda one: one["ms"]) if good else max(measured, key=lambda one: one["recall"])
    index = _longest(vectors, best["settings"]["share"]) if best["kind"] == "longest" else _built(best["kind"], vectors)
    faiss.write_index(index, str(out / "items.faiss"))
    return {**best, "tried": measured}


def load(out: Path, chosen: Choice) -> Search:
    """The search that was chosen: (queries (n, f), k) to scores and rows (n, k)."""
    index = faiss.read_index(str(out / "items.faiss"))
    return _over(index) if chosen["kind"] == "longest" else _set(index, chosen["settings"])


def _built(kind: str, vectors: NDArray[np.float32]) -> Any:
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    rows = np.random.default_rng(SEED).choice(len(vectors), min(TRAINED_ON, len(vectors)), replace=False)
    index.train(vectors[rows])
    index.add(vectors)
    return index


def _longest(vectors: NDArray[np.float32], share: float) -> Any:
    """An exact index of the longest vectors alone, numbered as in the catalogue."""
    norms = np.linalg.norm(vectors, axis=1)
    rows = np.argsort(-norms, kind="stable")[: int(share * len(vectors))].astype(np.int64)
    index = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(vectors[rows], rows)
    return index


def _set(index: Any, settings: dict[str, float]) -> Search:
    for name, value in settings.items():
        faiss.ParameterSpace().set_index_parameter(index, name, value)
    return _over(index)


def _over(index: Any) -> Search:
    return lambda queries, k: index.search(queries, k)


def _measured(search: Search, asked: NDArray[np.float32], exact: NDArray[np.int32]) -> dict[str, float]:
    """Recall at what the exact answer holds, and the median CPU milliseconds of one query."""
    found, spent = [], []
    for n in range(len(asked)):
        begun = time.thread_time()
        rows = search(asked[n : n + 1], EACH + HISTORY)[1]
        spent.append(time.thread_time() - begun)
        found.append(rows[0][:EACH])
    return {"recall": round(recall(np.array(found), exact), 4), "ms": round(1e3 * float(np.median(spent[WARM:])), 3)}
