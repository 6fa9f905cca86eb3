"""What the loops in C are worth: each beside the NumPy that stands in for it, and the forest beside CatBoost's own.

    python benchmarks/kernels.py [--repeat 15]

The sizes are those of a request: 500 candidates, 300 trees of depth 6 over 50 columns, a table of 1 M pairs, cells of 7 decayed
sums and 4 windows, 200 000 vectors of 64 numbers. Both ways run in turn in one process and on one thread;
a figure is the best of many, in microseconds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from types import ModuleType
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from catboost import CatBoostRegressor

from sixfold.features import ids, parts, record
from sixfold.features.spec import Accumulator, Decayed, Sawtooth, Stream
from sixfold.features.store import Store
from sixfold.native import kernels
from sixfold.ranking import trees
from sixfold.ranking.forest import _arrays_of
from sixfold.retrieval import coded, norms
from sixfold.types import DAY, SECOND, Queries

ROWS, COLUMNS, TREES, DEPTH = 500, 50, 300, 6
PAIRS, VECTORS, FACTORS, K = 1_000_000, 200_000, 64, 250

Work = Callable[[], object]


def best_us(work: Work, repeat: int) -> float:
    """Microseconds of the fastest of `repeat` runs of some milliseconds each."""
    work()
    started = time.perf_counter()
    work()
    count = max(int(0.01 / max(time.perf_counter() - started, 1e-7)), 1)
    found = []
    for _ in range(repeat):
        started = time.perf_counter()
        for _ in range(count):
            work()
        found.append((time.perf_counter() - started) / count)
    return 1e6 * min(found)


def compared(name: str, module: ModuleType, work: Work, repeat: int) -> None:
    """Print both ways of some work of a module."""
    with mock.patch.object(module, "kernels", None):
        alone = best_us(work, repeat)
    ours = best_us(work, repeat)
    print(f"{name:46} NumPy {alone:9.1f} us   C {ours:8.1f} us   x{alone / ours:.1f}", flush=True)


def cells(rng: np.random.Generator) -> Work:
    kept = [Accumulator(Stream(f"s{i}"), ("video",), Decayed(f"{i + 1}d")) for i in range(7)]
    kept += [Accumulator(Stream(f"s{i}"), ("video",), Sawtooth(f"{i + 1}d", 8)) for i in range(4)]
    one = record.Record.of(("video",), kept)
    held, now = np.full(100_000, one.blank), 400 * DAY
    at = rng.integers(0, len(held), 300_000).astype(np.int32)
    for accumulator in kept:
        one.fold(held, accumulator, at, now - rng.integers(0, 10 * DAY, len(at)), np.ones(len(at)))
    asked, ts = rng.integers(0, len(held), (ROWS, 1)).astype(np.int32), np.full(ROWS, now + SECOND)
    return lambda: one.read(held, asked, ts)


def forest(rng: np.random.Generator) -> tuple[Work, Work]:
    """Ours and CatBoost's own scoring of the same trees."""
    table = rng.normal(size=(20_000, COLUMNS)).astype(np.float32)
    target = table[:, :8].sum(axis=1) + rng.normal(size=len(table))
    model = CatBoostRegressor(
        iterations=TREES, depth=DEPTH, thread_count=1, verbose=False, allow_writing_files=False, random_seed=0
    ).fit(table, target)
    ours = _arrays_of(model, logistic=False)
    asked = table[:ROWS].copy()
    np.testing.assert_allclose(ours.score(asked), model.predict(asked), atol=1e-4)
    return lambda: ours.score(asked), lambda: model.predict(asked, thread_count=1)


def scan(rng: np.random.Generator, spread: float) -> Work:
    """20 searches of vectors whose norms spread log-normally, or are alike with 0."""
    vectors = rng.normal(size=(VECTORS, FACTORS)) * rng.lognormal(0, spread, (VECTORS, 1))
    index = norms.NormIndex.of(vectors.astype(np.float32), rng.normal(size=(100, FACTORS)).astype(np.float32))
    none = np.empty((20, 0), np.int32)
    born = np.zeros(VECTORS, np.int64)
    asked = Queries(np.ones(20, np.int64), np.zeros(20, np.int32), none, none.astype(np.int64), none, born)
    asking = rng.normal(size=(20, FACTORS)).astype(np.float32)
    return lambda: index.search(asked, asking, K)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    if kernels is None:
        raise SystemExit("the kernels were not compiled here: install a C compiler, then Sixfold again")
    rng = np.random.default_rng(0)
    some, more = (rng.integers(1, 2**63, (ROWS, width), dtype=np.uint64) for width in (1, 3))
    compared("hashes of 500 x 3 pairs", parts, lambda: parts._pairs(some, more), repeat)
    table = ids.IdTable(Store(), "pairs")
    known = rng.integers(1, 2**63, PAIRS, dtype=np.uint64)
    table.insert(known)
    asked = np.concatenate([known[:ROWS], rng.integers(1, 2**63, ROWS, dtype=np.uint64)])
    compared("1 000 ids of a table of 1 M", ids, lambda: table.lookup(asked), repeat)
    compared("500 cells, 7 decayed sums and 4 windows each", record, cells(rng), repeat)
    ours, theirs = forest(rng)
    compared("500 rows, 300 trees of depth 6", trees, ours, repeat)
    print(f"{'':46} CatBoost's own C++ {best_us(theirs, repeat):,.1f} us beside {best_us(ours, repeat):,.1f} us")
    compared("20 scans, best 250 of 200 000, norms spread", coded, scan(rng, 1.0), repeat)
    compared("20 scans, best 250 of 200 000, norms alike", coded, scan(rng, 0.0), repeat)


if __name__ == "__main__":
    main()
