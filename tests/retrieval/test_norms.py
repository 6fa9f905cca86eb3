from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.retrieval import norms
from sixfold.retrieval.norms import NormIndex
from sixfold.types import Queries


def queries(n: int, items: int, rng: np.random.Generator) -> Queries:
    return Queries(
        ts=rng.integers(0, 10, n),
        member=np.full(n, -1, np.int32),
        history=np.empty((n, 0), np.int32),
        history_ts=np.empty((n, 0), np.int64),
        exclude=rng.integers(-1, items + 3, (n, 4)).astype(np.int32),
        born=rng.integers(-4, 10, max(items - 2, 0)),
    )


def by_full_sort(asked: Queries, products: np.ndarray, k: int) -> list[list[int]]:
    out = []
    for n, row in enumerate(products):
        allowed = [
            i
            for i in range(len(row))
            if i < len(asked.born) and asked.born[i] < asked.ts[n] and i not in set(asked.exclude[n])
        ]
        order = sorted((-row[i], i) for i in allowed)
        out.append(([i for _, i in order] + [-1] * k)[:k])
    return out


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 12), st.sampled_from([0.0, 1.0, 3.0]))
def test_the_scan_is_a_full_sort_whatever_the_norms_and_the_ties(seed, items, k, spread):
    rng = np.random.default_rng(seed)
    # Whole numbers: products are exact in float32 and many are equal.
    vectors = rng.integers(-2, 3, (items, 4)) * np.round(np.exp(spread * rng.random(items)))[:, None]
    asked, ask = queries(3, items, rng), rng.integers(-2, 3, (3, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(norms, "FIRST", 2)
        patch.setattr(norms, "MOST", 8)
        found = NormIndex.of(vectors.astype(np.float32)).search(asked, ask.astype(np.float32), k)
    assert found.ids.tolist() == by_full_sort(asked, ask @ vectors.T, k)
    there = found.ids >= 0
    query, _ = np.nonzero(there)
    assert (found.scores[there] == (ask @ vectors.T)[query, found.ids[there]]).all()


def strangers(n: int, items: int) -> Queries:
    """n queries that exclude nothing of a catalogue that was always there."""
    rows, times = np.empty((n, 0), np.int32), np.empty((n, 0), np.int64)
    return Queries(np.ones(n, np.int64), np.zeros(n, np.int32), rows, times, rows, np.zeros(items, np.int64))


def test_the_scan_ends_early_where_norms_spread():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(50_000, 8)).astype(np.float32)
    vectors *= np.exp(rng.normal(size=len(vectors))).astype(np.float32)[:, None]
    index = NormIndex.of(vectors)
    # The last half is made unreadable: an answer without NaN in it has not looked there.
    index.vectors[25_000:] = np.nan
    asked = strangers(1, 50_000)
    ask = rng.normal(size=(1, 8)).astype(np.float32)
    found = index.search(asked, ask, 20)
    assert found.ids[0].tolist() == np.argsort(-(vectors @ ask[0]), kind="stable")[:20].tolist()


def test_a_reach_is_measured_on_those_who_ask_and_keeps_nearly_all_of_the_best():
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(20_000, 48)).astype(np.float32)
    vectors *= np.exp(rng.normal(size=len(vectors))).astype(np.float32)[:, None]
    asking, others = rng.normal(size=(2, 60, 48)).astype(np.float32)
    exact, near = NormIndex.of(vectors), NormIndex.of(vectors, asking)
    assert exact.reach == 1 and near.reach < 1
    assert (np.diff(near.norms) <= 0).all() and (near.rows == exact.rows).all()
    asked = strangers(60, 20_000)
    best, found = exact.search(asked, others, 300).ids, near.search(asked, others, 300).ids
    kept = np.mean([len(np.intersect1d(*pair)) / 300 for pair in zip(best, found, strict=True)])
    assert kept > 0.99, "those who ask later are like those it was measured on"
    unread = replace(near, vectors=near.vectors.copy())
    unread.vectors[15_000:] = np.nan
    assert not np.isnan(unread.search(asked, others, 300).scores).any(), "the shortest vectors are not looked at"


def test_few_items_are_all_looked_at():
    vectors = np.random.default_rng(7).normal(size=(500, 4)).astype(np.float32)
    assert NormIndex.of(vectors, vectors[:10]).reach == 1


def test_where_no_reach_keeps_them_all_everything_is_looked_at(monkeypatch):
    """As rounding may have it: none is found by any reach."""
    monkeypatch.setattr(norms, "KEPT", 1.1)
    vectors = np.random.default_rng(8).normal(size=(5_000, 4)).astype(np.float32)
    assert NormIndex.of(vectors, vectors[:3]).reach == 1
