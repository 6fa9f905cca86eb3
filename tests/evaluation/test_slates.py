"""Whole slates against what members then did: asks, relevance, metrics and the funnel, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sixfold.evaluation import slates
from sixfold.evaluation.slates import Judge
from sixfold.language import coverage, hit_rate, ndcg, new_share, novelty, recall
from sixfold.pipeline import Pool
from sixfold.retrieval.popular import RecentFitted
from sixfold.types import Asks

NAN = np.nan
# Ask 0 wants items 1 and 2, ask 1 wants 3; two sources gave six candidates.
POOL = Pool(
    Asks(np.array([7, 8], np.int32), np.zeros(2, np.int64), {}), np.array([0, 0, 0, 1, 1, 1]),
    np.array([1, 4, 5, 3, 4, 5], np.int32),
    np.array([[0, NAN], [1, 0], [NAN, 1], [NAN, 0], [0, 1], [1, NAN]], np.float32), {},
)  # fmt: skip
FOUND = slates.Test(POOL.asks, (np.array([0, 0, 1]), np.array([1, 2, 3], np.int32)), POOL, np.array([False, True]))
SLATES = np.array([[4, 1], [5, -1]], np.int32)


def judge(tiny, *over: bool) -> Judge:
    return Judge(tiny.material, FOUND, np.array(over))


def test_metrics_by_hand(tiny):
    metrics = (recall(at=2), hit_rate(at=1), ndcg(at=2))
    found = judge(tiny, True, True).measures(metrics, SLATES, np.random.default_rng(0))
    second, ideal = 1 / np.log2(3), 1 + 1 / np.log2(3)
    assert found["recall@2"].value == (1 / 2 + 0) / 2
    assert found["hit rate@1"].value == 0.0
    assert found["nDCG@2"].value == pytest.approx(second / ideal / 2)
    assert found["recall@2"].n == found["recall@2"].clusters == 2


def test_only_some_asks_are_judged(tiny):
    warm = judge(tiny, True, False).measures([recall(at=2)], SLATES, np.random.default_rng(0))
    cold = judge(tiny, False, True).measures([recall(at=2)], SLATES, np.random.default_rng(0))
    assert (warm["recall@2"].value, cold["recall@2"].value) == (0.5, 0.0)
    assert judge(tiny, False, False).measures([recall(at=2)], SLATES, np.random.default_rng(0)) == {}


def test_coverage_novelty_and_the_share_of_new(tiny):
    metrics = (coverage(of="video"), novelty(), new_share(younger_than="1d"))
    found = judge(tiny, True, True).measures(metrics, SLATES, np.random.default_rng(0))
    assert found["coverage of video"].value == 3 / len(tiny.material.ids["video"])
    did = tiny.material.interactions(tiny.design.history).before(tiny.material.cuts.third)
    counts = 1 + np.bincount(did.item, minlength=did.items)
    bits = -np.log2(counts / counts.sum())
    assert found["novelty"].value == pytest.approx((bits[[4, 1]].mean() + bits[5]) / 2)
    assert found[str(new_share(younger_than="1d"))].value == 0.0, "these were there from the start"


def test_what_was_always_known_is_not_new(tiny):
    """Its birth is int64's minimum: the difference must not overflow into youth."""
    known = tiny.material.known
    born = np.full(len(known.born), np.iinfo(np.int64).min)
    born[5] = tiny.material.cuts.third - 1
    material = replace(tiny.material, known=type(known)(tiny.material.log, tiny.material.ids, known.memory))
    material.known.__dict__["born"] = born
    found = Judge(material, FOUND, np.array([True, True])).measures(
        [new_share(younger_than="1d")], SLATES, np.random.default_rng(0)
    )
    assert [m.value for m in found.values()] == [0.5], "item 5 alone"


def test_ahead_is_paired(tiny):
    better, worse = np.array([[1, 2], [3, -1]], np.int32), np.array([[4, 5], [4, 5]], np.int32)
    found = judge(tiny, True, True).ahead(recall(at=2), better, worse, np.random.default_rng(0))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    same = judge(tiny, True, True).ahead(recall(at=2), better, better, np.random.default_rng(0))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_a_source_alone_gives_what_it_gave_in_its_order():
    assert slates.of_source(FOUND, 0, 3).tolist() == [[1, 4, -1], [4, 5, -1]]
    assert slates.of_source(FOUND, 1, 3).tolist() == [[4, 5, -1], [3, 4, -1]]


def test_the_funnel_says_what_each_stage_leaves():
    stages = slates.funnel(FOUND, ("a", "b"), SLATES)
    assert [(f.stage, f.candidates, f.recall) for f in stages] == [
        ("a", 2.0, 1 / 3), ("b", 2.0, 1 / 3), ("all sources, filtered", 3.0, 2 / 3), ("slate", 1.5, 1 / 3),
    ]  # fmt: skip


# The frozen test of a real log


def frozen(tiny, *, most: int = 10**6) -> slates.Test:
    return slates.test(tiny.material, {"recent": RecentFitted()}, most=most, rng=np.random.default_rng(0))


def test_asks_are_of_those_who_did_anything_and_stand_at_the_cut(tiny):
    found, cuts = frozen(tiny), tiny.material.cuts
    watch = tiny.material.log.outcomes["watch"]
    did = (watch["ts"] >= cuts.third) & (watch["ts"] < cuts.end) & (watch["value"] >= 30)
    assert found.asks.member.tolist() == np.unique(watch["member"][did]).tolist()
    assert (found.asks.ts == cuts.third).all()
    relevant = set(zip(found.asks.member[found.relevant[0]].tolist(), found.relevant[1].tolist(), strict=True))
    assert relevant == set(zip(watch["member"][did].tolist(), watch["video"][did].tolist(), strict=True))


def test_cold_are_those_without_any_history_before(tiny):
    found, cuts = frozen(tiny), tiny.material.cuts
    watch = tiny.material.log.outcomes["watch"]
    before = np.unique(watch["member"][(watch["ts"] < cuts.third) & (watch["value"] >= 30)])
    assert found.cold.tolist() == (~np.isin(found.asks.member, before)).tolist()


def test_candidates_were_known_before_the_cut(tiny):
    pool = frozen(tiny).pool
    assert len(pool) and (tiny.material.known.born[pool.item] < tiny.material.cuts.third).all()


def test_of_too_many_members_some_are_drawn(tiny):
    some, every = frozen(tiny, most=10), frozen(tiny)
    assert len(some.asks) == 10 and np.isin(some.asks.member, every.asks.member).all()
    assert some.asks.member.tolist() == frozen(tiny, most=10).asks.member.tolist()


def test_other_sources_answer_the_same_asks(tiny):
    found = frozen(tiny)
    again = slates.again(found, tiny.material, dict(list(tiny.ready.sources.items())[:1]))
    assert again.asks is found.asks and again.relevant is found.relevant
    assert again.pool.ranks.shape[1] == 1
