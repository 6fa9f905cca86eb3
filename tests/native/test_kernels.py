"""The loops in C against the NumPy that stands in for them, and against buffers that do not fit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.features import ids, parts, record
from sixfold.features.spec import Accumulator, Decayed, Sawtooth, Stream
from sixfold.features.store import Store
from sixfold.native import kernels
from sixfold.ranking import trees
from sixfold.retrieval import coded, norms
from sixfold.types import Queries

pytestmark = pytest.mark.skipif(kernels is None, reason="the kernels were not compiled here")
SEEDS = st.integers(0, 2**32 - 1)


def numpy_alone(module, work):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "kernels", None)
        return work()


@given(SEEDS, st.integers(0, 5), st.integers(1, 3), st.integers(1, 4))
def test_pairs(seed, n, a, b):
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 3, (n, width)).astype(np.uint64) << np.uint64(40) for width in (a, b))
    given_ = parts._pairs(first, second)
    assert given_.shape == ((n, a * b) if n else (0, 1))
    assert given_.tolist() == numpy_alone(parts, lambda: parts._pairs(first, second)).tolist()


@given(SEEDS, st.integers(0, 300), st.sampled_from([7, 2**63]))
def test_lookup(seed, n, spread):
    rng = np.random.default_rng(seed)
    table = ids.IdTable(Store(), "some")
    known = np.unique(rng.integers(1, spread, n, dtype=np.uint64))
    table.insert(known)
    asked = np.concatenate([known, rng.integers(1, spread, 50, dtype=np.uint64)])[::-1]
    found = table.lookup(asked)
    assert found.tolist() == numpy_alone(ids, lambda: table.lookup(asked)).tolist()
    assert sorted(table.lookup(known).tolist()) == list(range(len(known)))
    assert (found < 0).tolist() == (~np.isin(asked, known)).tolist()


def test_a_full_table_ends_a_lookup():
    keys, rows, out = np.arange(1, 5, dtype=np.uint64), np.arange(4, dtype=np.int32), np.empty(2, np.int32)
    kernels.lookup(keys, rows, np.array([9, 2], np.uint64), out)
    assert out.tolist() == [-1, 1]


KEPT = (
    Accumulator(Stream("watch"), ("video",), Decayed("7d")),
    Accumulator(Stream("watch"), ("video",), Decayed("1h"), values=True),
    Accumulator(Stream("watch"), ("video",), Sawtooth("2d", 4)),
    Accumulator(Stream("shown"), ("video",), Sawtooth("1d", 8)),
)
DAY = 86_400_000_000


@given(SEEDS, st.integers(0, 400), st.integers(1, 3), st.sets(st.sampled_from(KEPT), min_size=1))
def test_totals(seed, n, width, kept):
    rng = np.random.default_rng(seed)
    one = record.Record.of(("video",), kept)
    held, events = np.full(40, one.blank), 200
    for accumulator in kept:
        # Also long before and just at the beginning of time: tiles of numbers below 0.
        when = rng.integers(-2 * DAY, 5 * DAY, events)
        one.fold(held, accumulator, rng.integers(0, 30, events).astype(np.int32), when, rng.random(events))
    cells = rng.integers(-2, 45, (n, width)).astype(np.int32)
    ts = np.sort(rng.integers(5 * DAY, 8 * DAY, n)) if seed % 2 else np.full(n, 6 * DAY + seed)
    got, expected = one.read(held, cells, ts), numpy_alone(record, lambda: one.read(held, cells, ts))
    # Powers of two come from another library, which may differ in the last bit.
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)
    whole = len(one.decayed)
    assert (got[whole:] == expected[whole:]).all()


@given(SEEDS, st.sampled_from([1, 2, 255, 256, 257, 1500]), st.integers(1, 9), st.integers(1, 8), st.integers(1, 3))
def test_forests(seed, n, columns, depth, heads):
    rng = np.random.default_rng(seed)
    count = 7
    forest = trees.FittedForest(
        rng.integers(0, columns, (count, depth)).astype(np.int32),
        np.where(rng.random((count, depth)) < 0.1, np.inf, rng.integers(-1, 2, (count, depth))).astype(np.float32),
        rng.normal(size=(heads, count, 2**depth)), rng.normal(size=heads), np.array(False), np.zeros(columns, np.float32),
    )  # fmt: skip
    table = rng.choice([np.nan, -np.inf, -1, 0, 1, np.inf], (n, columns)).astype(np.float32)
    got, expected = forest._sums(table), numpy_alone(trees, lambda: forest._sums(table))
    # NumPy adds up a row that is alone in another order.
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    assert n == 1 or (got == expected).all()


@given(SEEDS, st.integers(1, 400), st.integers(1, 40), st.integers(1, 30), st.sampled_from([0.0, 1.0, 40.0]))
def test_a_scan_of_bytes_finds_what_a_scan_of_vectors_finds(seed, items, factors, k, spread):
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(items, factors)) * np.exp(spread * rng.random((items, 1)))).astype(np.float32)
    vectors[rng.random(items) < 0.1] = 0
    none = np.empty((2, 0), np.int32)
    asked = Queries(
        np.full(2, 5), np.zeros(2, np.int32), none, none.astype(np.int64),
        rng.integers(-1, items, (2, 6)).astype(np.int32), rng.integers(0, 7, items),
    )  # fmt: skip
    asking = rng.normal(size=(2, factors)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(norms, "FIRST", 4)
        index = norms.NormIndex.of(vectors)
        got = index.search(asked, asking, k)
        patch.setattr(coded, "kernels", None)
        expected = index.search(asked, asking, k)
    # A product of few vectors may be added up in another order than one of many.
    np.testing.assert_allclose(got.scores, expected.scores, rtol=1e-5, atol=1e-30)
    exact = np.where(got.ids >= 0, np.einsum("qf,qkf->qk", asking, vectors[got.ids]), -np.inf)
    np.testing.assert_allclose(got.scores, exact, rtol=1e-4, atol=1e-4 * np.abs(vectors).max())


@given(SEEDS, st.integers(1, 300), st.sampled_from([1, 20, 64, 65, 200]))
def test_signs(seed, n, factors):
    rng = np.random.default_rng(seed)
    vectors, vector = rng.normal(size=(n, factors)).astype(np.float32), rng.normal(size=factors).astype(np.float32)
    one, hint = coded.Coded.of(vectors, np.linalg.norm(vectors, axis=1)), coded.Hint.of(vector)
    place = np.rint((vector - hint.low) / hint.step) if hint.step else np.zeros(factors)
    expected = np.where(vectors > 0, 1, -1) @ (hint.low + hint.step * place)
    np.testing.assert_allclose(hint.products(one.signs), expected, rtol=1e-6, atol=1e-6 * factors)
    scores, out = expected * one.scales, np.empty(n, np.int64)
    least = float(np.median(scores)) + 1e-4
    found = kernels.hinted(one.signs, one.scales, hint.planes, hint.step, hint.low, hint.offset, least, out)
    sure = np.abs(scores - least) > 1e-4 * factors
    assert (
        set(np.flatnonzero(sure & (scores >= least)))
        <= set(out[:found])
        <= set(np.flatnonzero(~sure | (scores >= least)))
    )


def test_of_some_only_those_are_looked_at():
    codes, steps, query = np.eye(4, dtype=np.int8), np.ones(4, np.float32), np.array([3, 2, 1, 0], np.int16)
    out = np.array([0, 2, 3, 9], np.int64)
    assert kernels.near(codes, steps, query, 1.0, 1.0, out, 3) == 2 and out[:2].tolist() == [0, 2]
    with pytest.raises(ValueError, match="do not fit"):
        kernels.near(codes, steps, query, 1.0, 1.0, np.array([0, 2, 9, 9], np.int64), 3)


def test_what_is_measured_on_some_keeps_the_best_of_others():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(40_000, 64)).astype(np.float32)
    asking, others = rng.normal(size=(2, 60, 64)).astype(np.float32)
    index = norms.NormIndex.of(vectors, asking)
    assert index.coded is not None and 0.1 < index.coded.margin < 0.4
    none = np.empty((60, 0), np.int32)
    asked = Queries(
        np.ones(60, np.int64), np.zeros(60, np.int32), none, none.astype(np.int64), none, np.zeros(40_000, np.int64)
    )
    best = np.argsort(-(others @ vectors.T), axis=1)[:, :300]
    found = index.search(asked, others, 300).ids
    assert np.mean([len(np.intersect1d(*pair)) / 300 for pair in zip(best, found, strict=True)]) > 0.985


def test_bytes_are_off_by_less_than_they_say():
    rng = np.random.default_rng(3)
    vectors = (rng.normal(size=(5_000, 24)) * np.exp(2 * rng.normal(size=(5_000, 1)))).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    one = coded.Coded.of(vectors, lengths)
    off = np.linalg.norm(vectors - one.codes * one.steps[:, None], axis=1)
    assert (off <= one.slack * lengths).all() and one.slack < 0.03


def test_what_does_not_fit_is_refused():
    longs, ints, bytes_ = np.zeros(8, np.int64), np.zeros(8, np.int32), np.zeros(8, np.int8)
    floats, wide = np.zeros(8, np.float32), np.zeros(8)
    small = SimpleNamespace(long=longs[:1].copy(), int=ints[:1].copy(), wide=wide[:1].copy())
    for call in (
        lambda: kernels.pairs(longs, longs, small.long, 8),
        lambda: kernels.pairs(longs, longs, longs, -1),
        lambda: kernels.lookup(longs, ints, longs, small.int),
        lambda: kernels.lookup(longs[:3].copy(), ints[:3].copy(), longs, ints),
        lambda: kernels.totals(bytes_, ints, longs, np.array([8, 1, 0, 8, 0]), wide[:1].copy(), wide),
        lambda: kernels.totals(bytes_, ints, longs, np.array([8, 0, 0, 0, 1, 0, 9, 1, 1]), wide[:0].copy(), wide),
        lambda: kernels.totals(bytes_, ints, longs, longs[:2].copy(), wide[:0].copy(), wide),
        lambda: kernels.forest(floats, ints, floats, wide, wide, 8, 9),
        lambda: kernels.forest(floats, ints + 1, floats, np.zeros(16), np.zeros(8), 8, 1),
        lambda: kernels.near(bytes_, floats, np.zeros(2, np.int16), 1.0, 0.0, longs, -1),
        lambda: kernels.near(bytes_, floats, np.zeros(1, np.int16), 1.0, 0.0, small.long, -1),
        lambda: kernels.near(bytes_, floats, np.zeros(1, np.int16), 1.0, 0.0, longs, 9),
        lambda: kernels.hinted(longs, floats, longs[:3].copy(), 1.0, 1.0, 1.0, 1.0, longs),
        lambda: kernels.hinted(longs, floats, longs[:4].copy(), 1.0, 1.0, 1.0, 1.0, small.long),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="do not fit"):
            call()
    with pytest.raises(ValueError, match="contiguous"):
        kernels.lookup(longs, ints, longs[::2], ints)
