"""Metrics over slates: the whole catalogue ranked for each member, against what the member then did.

Everything is frozen at the start of the test part: the models, the features and each member's history. An ask is made for
each member that does anything in the test part; what it does there is relevant. Members without any history are kept apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import durations, pipeline
from ..metrics import catalogue, ranking
from ..metrics.interval import Interval, interval, paired
from ..metrics.kernel import Doubles, mean
from ..metrics.ranking import Judged
from ..metrics.spec import coverage, hit_rate, map_, mrr, ndcg, novelty, recall
from ..metrics.target import Metric
from ..pipeline import Model, Pool
from ..training.examples import candidates, wanted
from ..training.material import Material
from ..types import SECOND, Asks, Rows
from .results import Funnel, Measures, measure

YARDSTICK = ndcg(at=10)
"""What systems are compared by, paired by member."""


def standard(item: str) -> tuple[Metric, ...]:
    """What is always measured of slates."""
    return (
        ndcg(at=10),
        recall(at=10),
        hit_rate(at=10),
        map_(at=10),
        mrr(at=10),
        recall(at=100),
        coverage(of=item),
        novelty(),
    )


@dataclass(frozen=True, slots=True)
class Test:
    """The asks of the test part with what is relevant to each: distinct (ask, item) pairs; cold (asks,) has no history."""

    asks: Asks
    relevant: tuple[NDArray[np.int64], Rows]
    pool: Pool
    cold: NDArray[np.bool_]


def test(material: Material, sources: Mapping[str, pipeline.Retriever], *, most: int, rng: np.random.Generator) -> Test:
    """The frozen test of a log, of at most `most` members."""
    cuts = material.cuts
    did = material.interactions(material.design.requirements.label)
    span = (did.ts >= cuts.third) & (did.ts < cuts.end)
    members = np.unique(did.member[span])
    if len(members) > most:
        members = np.sort(rng.choice(members, most, replace=False))
    asks = Asks(members, np.full(len(members), cuts.third), _context(material, len(members)))
    cold = np.asarray((material.known.queries(asks).history < 0).all(axis=1))
    relevant = wanted(did, asks, until=cuts.end, window=cuts.end - cuts.third)
    return Test(asks, relevant, candidates(material, sources, asks), cold)


def again(found: Test, material: Material, sources: Mapping[str, pipeline.Retriever]) -> Test:
    """The same asks with the candidates of other sources: what another model is to be judged on."""
    return replace(found, pool=candidates(material, sources, found.asks))


def _context(material: Material, n: int) -> dict[str, NDArray[np.uint64]]:
    """The most frequent value of each context, since a frozen ask was never made."""
    out = {}
    for name, column in material.log.decisions.items():
        if name.startswith("context."):
            values, counts = np.unique(column, return_counts=True)
            out[name] = np.full(n, values[counts.argmax()])
    return out


def ranked(model: Model, material: Material, found: Test) -> NDArray[np.float32]:
    """The model's value of each candidate of the test."""
    block = 200_000
    parts = []
    for start in range(0, len(found.pool), block):
        part = found.pool.take(np.arange(start, min(start + block, len(found.pool))))
        parts.append(
            model.heads.score(pipeline.table(model.design, model.features, model.sources, material.known, part))
        )
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def of_source(found: Test, source: int, size: int) -> Rows:
    """The slates that one source alone would give."""
    given = ~np.isnan(found.pool.ranks[:, source])
    pool = found.pool.take(given)
    return pipeline.slates(pool, -pool.ranks[:, source], size)


@dataclass(frozen=True, slots=True)
class Judge:
    """Holds slates against a test, over some of its asks."""

    material: Material
    found: Test
    over: NDArray[np.bool_]

    def judged(self, slates: Rows) -> Judged:
        """The slates of these asks as ranking metrics see them."""
        number = np.cumsum(self.over) - 1
        ask, item = self.found.relevant
        keep = self.over[ask]
        return ranking.judge(slates[self.over], request=number[ask[keep]], item=item[keep])

    def vector(self, metric: Metric, judged: Judged, slates: Rows) -> Doubles | None:
        """One value per ask, None where the metric has none."""
        match metric.name:
            case "ndcg":
                return ranking.ndcg(judged, at=metric.at, gain=metric.gain)
            case "map":
                return ranking.average_precision(judged, at=metric.at, over=metric.divisor)
            case "mrr":
                return ranking.reciprocal_rank(judged, at=metric.at)
            case "recall":
                return ranking.recall(judged, at=metric.at)
            case "precision":
                return ranking.precision(judged, at=metric.at)
            case "hit_rate":
                return ranking.hit_rate(judged, at=metric.at)
            case "novelty":
                return catalogue.novelty(slates[self.over][:, :10], self._popularity())
            case "new_share":
                return self._new(metric, slates[self.over])
            case _:
                return None

    def measures(self, metrics: Iterable[Metric], slates: Rows, rng: np.random.Generator) -> Measures:
        """Each metric of slates with its interval, clustered by member."""
        if not self.over.any():
            return {}
        judged = self.judged(slates)
        member = self.found.asks.member[self.over]
        out: Measures = {}
        for metric in metrics:
            if metric.name == "coverage":
                size = self.material.design.slate.size
                share = catalogue.coverage(slates[self.over][:, :size], self._alive())
                out[str(metric)] = measure(metric, Interval(share, np.nan, np.nan, int(self.over.sum()), len(member)))
                continue
            values = self.vector(metric, judged, slates)
            if values is not None:
                out[str(metric)] = measure(metric, interval(mean.of(values), cluster=member, rng=rng))
        return out

    def ahead(self, metric: Metric, ours: Rows, theirs: Rows, rng: np.random.Generator) -> Interval:
        """The paired difference of a metric, ours - theirs."""
        a = self.vector(metric, self.judged(ours), ours)
        b = self.vector(metric, self.judged(theirs), theirs)
        assert a is not None and b is not None
        return paired(mean.of(a), mean.of(b), cluster=self.found.asks.member[self.over], rng=rng, replicates=1000)

    def _popularity(self) -> NDArray[np.int64]:
        did = self.material.interactions(self.material.design.history).before(self.material.cuts.third)
        return np.bincount(did.item, minlength=did.items)

    def _alive(self) -> int:
        # Every row may be shown, also one born in the test part; coverage is of what was there at its start.
        return len(self.material.known.born)

    def _new(self, metric: Metric, slates: Rows) -> Doubles:
        # In float64: of what was always known, born is int64's minimum, and the difference would overflow.
        born = self.material.known.born.astype(np.float64)
        size = self.material.design.slate.size
        age = self.material.cuts.third - born[np.maximum(slates[:, :size], 0)]
        younger = durations.parse(metric.younger_than or "1d")
        return catalogue.new_share(slates[:, :size], age / SECOND, younger_than_s=younger / SECOND)


def funnel(found: Test, sources: tuple[str, ...], slates: Rows) -> list[Funnel]:
    """What is left of the relevant items after each stage, and of how many candidates."""
    ask, item = found.relevant
    wanted_keys = ask << 32 | item
    asks = max(len(found.asks), 1)

    def stage(name: str, keys: NDArray[np.int64]) -> Funnel:
        return Funnel(name, len(keys) / asks, float(np.isin(wanted_keys, keys).mean()) if len(ask) else 0.0)

    keys = found.pool.ask << 32 | found.pool.item
    out = [stage(name, keys[~np.isnan(found.pool.ranks[:, i])]) for i, name in enumerate(sources)]
    out.append(stage("all sources, filtered", keys))
    row, place = np.nonzero(slates >= 0)
    out.append(stage("slate", row << 32 | slates[row, place]))
    return out
