from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sixfold.retrieval import index
from sixfold.types import Queries

FEW = st.sampled_from([-np.inf, -2.5, -1.0, -0.0, 0.0, 1.0, 1e-30, 3e38]).map(np.float32)
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)


def oracle(scores: np.ndarray, k: int) -> list[list[int]]:
    """By a full sort: higher score first, then lower row, and no -inf."""
    out = []
    for row in scores:
        order = sorted((-s, i) for i, s in enumerate(row) if s > -np.inf)
        out.append(([i for _, i in order] + [-1] * k)[:k])
    return out


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(0, 12)), elements=FEW | ANY), st.integers(1, 15))
def test_top_is_a_full_sort(scores, k):
    found = index.top(np.arange(scores.shape[1], dtype=np.int32), scores, k)
    assert found.ids.tolist() == oracle(scores, k)
    there = found.ids >= 0
    query, _ = np.nonzero(there)
    assert (found.scores[there] == scores[query, found.ids[there]]).all()
    assert np.isneginf(found.scores[~there]).all()


def queries(n: int, items: int, rng: np.random.Generator) -> Queries:
    return Queries(
        ts=rng.integers(0, 10, n),
        member=np.full(n, -1, np.int32),
        history=np.empty((n, 0), np.int32),
        history_ts=np.empty((n, 0), np.int64),
        exclude=rng.integers(-1, items + 2, (n, 3)).astype(np.int32),
        born=rng.integers(-2, 10, items),
    )


def allowed(asked: Queries) -> np.ndarray:
    mask = asked.born < asked.ts[:, None]
    for row, out in enumerate(asked.exclude):
        mask[row, out[(out >= 0) & (out < len(asked.born))]] = False
    return mask


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 40), st.integers(1, 45))
def test_dense_and_walk_give_the_best_that_are_allowed(seed, n, items, k):
    rng = np.random.default_rng(seed)
    asked = queries(n, items, rng)
    shared = rng.integers(0, 5, items).astype(np.float32)
    expected = oracle(np.where(allowed(asked), shared, np.float32(-np.inf)), k)

    rows = np.arange(items, dtype=np.int32)
    assert (
        index.dense(
            asked,
            k,
            rows,
            index.places(rows, int(rows.max(initial=-1)) + 1),
            lambda block: np.tile(shared, (len(block), 1)),
        ).ids.tolist()
        == expected
    )
    order = np.argsort(-shared, kind="stable").astype(np.int32)
    assert index.walk(asked, k, order, index.places(order, items), lambda ids, ts: shared[ids]).ids.tolist() == expected


def test_dense_gives_only_the_rows_it_scores():
    asked = queries(1, 9, np.random.default_rng(1))
    asked = Queries(asked.ts + 10, asked.member, asked.history, asked.history_ts, asked.exclude[:, :0], asked.born)
    rows = np.array([2, 5, 30], np.int32)
    found = index.dense(
        asked, 4, rows, index.places(rows, int(rows.max()) + 1), lambda block: np.array([[1, 2, 3]], np.float32)
    )
    assert found.ids.tolist() == [[5, 2, -1, -1]]


def test_blocks_cover_a_batch_in_order_and_bound_its_memory():
    asked = queries(10, 3, np.random.default_rng(2))
    parts = list(index.blocks(asked, index.BLOCK_BYTES // 4))
    assert [len(block) for _, block in parts] == [4, 4, 2]
    assert np.concatenate([asked.ts[part] for part, _ in parts]).tolist() == asked.ts.tolist()
    assert [len(block) for _, block in index.blocks(asked, 10 * index.BLOCK_BYTES)] == [1] * 10
