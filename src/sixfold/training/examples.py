"""Rows to learn from and to be judged on: (who asked, when, which item) and what came of it.

A log with impressions gives the items that were shown. A log of plain interactions has no decisions, so moments of
asking are made up: at some of a member's interactions, the candidates of that moment are the rows and what the member did
within the window is the label. Either way a row knows only what lay strictly before its ts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import durations, pipeline
from ..events.hashing import Hashes
from ..pipeline import Pool, Retriever
from ..retrieval.merge import Merged
from ..steps import Amount, Happens
from ..types import SECOND, Asks, Floats, Interactions, Rows, Times
from .evidence import known_before
from .material import Material

PAUSE = 6 * 3_600 * SECOND
"""How long a member does nothing between two sessions, us."""

BLOCK = 512
"""Asks that are retrieved for at once: bounds memory at a few tens of MB."""

_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows of a pool with their logged position and, by head, their label (n,) float32.

    A label is NaN where the head has none (an amount of an outcome that did not come).
    """

    pool: Pool
    position: NDArray[np.integer[Any]]
    labels: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.pool)

    def take(self, rows: NDArray[Any]) -> Examples:
        """Some of the rows, by mask or number; the asks stay."""
        labels = {name: label[rows] for name, label in self.labels.items()}
        return Examples(self.pool.take(rows), self.position[rows], labels)

    @property
    def ts(self) -> Times:
        """When each row was asked for."""
        return self.pool.asks.ts[self.pool.ask]

    @property
    def member(self) -> Rows:
        """Who asked."""
        return self.pool.asks.member[self.pool.ask]

    def table(self, material: Material, sources: Mapping[str, Retriever]) -> Floats:
        """What the ranker sees: (n, columns) float32."""
        return pipeline.table(material.design, material.features, sources, material.known, self.pool, self.position)


def examples(
    material: Material,
    sources: Mapping[str, Retriever],
    start: int,
    stop: int,
    rng: np.random.Generator,
    *,
    share: float,
) -> Examples:
    """The rows of a share of the asks with start <= ts < stop: of what was shown, or of made-up asks where nothing was."""
    if material.has_decisions:
        stop = min(stop, material.cuts.censored)
        ts = material.log.decisions["ts"]
        chosen = np.flatnonzero((ts >= start) & (ts < stop))
        chosen = chosen[rng.random(len(chosen)) < share]
        # As of such a decision its own outcome is known already: a row of it would teach to look there.
        names = {head.stream.name for head in material.design.heads.values()}
        return shown(material, sources, chosen[~known_before(material.log, chosen, names)])
    return imagined(material, sources, start, stop, rng, share=share)


def shown(material: Material, sources: Mapping[str, Retriever], chosen: _Ints) -> Examples:
    """Every impression of the chosen decisions, labelled by the outcomes that name it."""
    design, log = material.design, material.log
    number = np.full(len(log.decisions["ts"]), -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    rows = np.flatnonzero(number[log.shown["decision"]] >= 0)
    decision, item = log.shown["decision"][rows], log.shown[design.item][rows]
    context = {name: column[chosen] for name, column in log.decisions.items() if name.startswith("context.")}
    asks = Asks(log.decisions[design.member][chosen], log.decisions["ts"][chosen], context)
    ask = number[decision]
    outcomes = _Joined(material, log.decisions["id"][decision], item, log.decisions["ts"][decision])
    labels = {name: outcomes.label(head) for name, head in design.heads.items()}
    ranks = ranks_of(material, sources, asks, ask, item)
    return Examples(Pool(asks, ask, item, ranks, {}), log.shown["position"][rows], labels)


class _Joined:
    """The outcomes of given impressions, found by (decision, item) and within the attribution window."""

    def __init__(self, material: Material, decision: Hashes, item: Rows, ts: Times) -> None:
        self._material, self._ts = material, ts
        keys = _slot(decision, item)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def label(self, head: Happens | Amount) -> Floats:
        design = self._material.design
        table = self._material.log.outcomes.get(head.stream.name)
        happens = isinstance(head, Happens)
        out = np.full(len(self._ts), 0.0 if happens else np.nan, np.float32)
        if table is None or not len(out):
            return out
        keys = _slot(table["decision"], table[design.item])
        at = np.minimum(np.searchsorted(self._sorted, keys), len(out) - 1)
        row = self._order[at]
        found = (self._sorted[at] == keys) & (table["decision"] != 0)
        found &= table["ts"] - self._ts[row] < durations.parse(design.requirements.window)
        if head.stream.at_least is not None:
            found &= table["value"] >= head.stream.at_least
        # Of several the last by (ts, id) counts, in whatever order they arrived.
        last = np.flatnonzero(found)
        last = last[np.lexsort((table["id"][last], table["ts"][last]))]
        out[row[last]] = 1.0 if happens else table["value"][last]
        return out


def _slot(decision: Hashes, item: Rows) -> Hashes:
    """One key of a decision and an item of its slate."""
    return decision ^ (item.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))


def _blocks(material: Material, sources: Mapping[str, Retriever], asks: Asks) -> Iterator[tuple[int, Asks, Merged]]:
    """(first ask, asks, their candidates) a block at a time."""
    k = material.design.learning.candidates
    for start in range(0, len(asks), BLOCK):
        part = asks.take(slice(start, start + BLOCK))
        yield start, part, pipeline.retrieve(sources, pipeline.asked(material.design, material.known, part), k)


def ranks_of(material: Material, sources: Mapping[str, Retriever], asks: Asks, ask: _Ints, item: Rows) -> Floats:
    """The place that each source would have given each row's item (n, sources), NaN where it would not have."""
    out = np.full((len(ask), len(sources)), np.nan, np.float32)
    order = np.argsort(ask, kind="stable")
    for start, part, merged in _blocks(material, sources, asks):
        first, last = np.searchsorted(ask[order], [start, start + len(part)])
        rows = order[first:last]
        given, column = np.nonzero(merged.ids >= 0)
        if not len(given):
            continue
        keys = given << 32 | merged.ids[given, column]
        by_key = np.argsort(keys)
        wanted = (ask[rows] - start) << 32 | item[rows]
        at = by_key[np.minimum(np.searchsorted(keys[by_key], wanted), len(keys) - 1)]
        hit = keys[at] == wanted
        out[rows[hit]] = merged.ranks[given[at[hit]], column[at[hit]]]
    return out


def imagined(
    material: Material,
    sources: Mapping[str, Retriever],
    start: int,
    stop: int,
    rng: np.random.Generator,
    *,
    share: float,
) -> Examples:
    """The candidates of made-up asks in the span, labelled by what the member did within the window."""
    design = material.design
    did = material.interactions(design.requirements.label)
    asks = made_up(did, start, stop, per_member=design.learning.queries, rng=rng)
    # A first session tells how members begin, not what suits one who is known: it is left to popularity.
    known = (material.known.queries(asks).history >= 0).any(axis=1)
    asks = asks.take(known & (rng.random(len(asks)) < share)) if known.any() else asks
    window = durations.parse(design.requirements.window)
    label = wanted(did, asks, until=stop, window=window)
    pool = candidates(material, sources, asks)
    positive = np.isin(pool.ask << 32 | pool.item, label[0] << 32 | label[1]).astype(np.float32)
    labels = {name: positive for name, head in design.heads.items() if isinstance(head, Happens)}
    return Examples(pool, np.ones(len(pool), np.int16), labels)


def candidates(material: Material, sources: Mapping[str, Retriever], asks: Asks) -> Pool:
    """The candidates of any asks after the filters."""
    pools = [
        (start, pipeline.filtered(material.design, material.known, part, merged))
        for start, part, merged in _blocks(material, sources, asks)
    ]
    return Pool(
        asks,
        np.concatenate([pool.ask + start for start, pool in pools] or [np.empty(0, np.int64)]),
        np.concatenate([pool.item for _, pool in pools] or [np.empty(0, np.int32)]),
        np.concatenate([pool.ranks for _, pool in pools] or [np.empty((0, len(sources)), np.float32)]),
        {},
    )


def made_up(did: Interactions, start: int, stop: int, *, per_member: int, rng: np.random.Generator) -> Asks:
    """Moments of asking in a log without decisions: the beginnings of up to `per_member` of each member's sessions in the span.

    A session begins where a member did nothing for `PAUSE`: that is when one who comes back asks. What is done within a
    session follows on what was done just before it, and teaches a ranker to continue bursts.
    """
    order = np.lexsort((did.ts, did.member))
    member, ts = did.member[order], did.ts[order]
    begins = np.append(True, (np.diff(member) != 0) | (np.diff(ts) > PAUSE))[: len(ts)]
    at = np.flatnonzero(begins & (ts >= start) & (ts < stop))
    lot = np.lexsort((rng.random(len(at)), member[at]))
    place = np.arange(len(at)) - np.searchsorted(member[at], member[at])
    at = np.sort(at[lot[place < per_member]])
    at = at[np.argsort(ts[at], kind="stable")]
    return Asks(member[at], ts[at], {})


def wanted(did: Interactions, asks: Asks, *, until: int, window: int) -> tuple[_Ints, Rows]:
    """What each ask's member did in [ts, min(ts + window, until)): distinct (ask, item) pairs in order of ask."""
    order = np.lexsort((did.ts, did.member))
    member, ts, item = did.member[order].astype(np.int64), did.ts[order], did.item[order]
    instants, rank = np.unique(ts, return_inverse=True)
    keys = member * (len(instants) + 1) + rank
    base = asks.member.astype(np.int64) * (len(instants) + 1)
    first = np.searchsorted(keys, base + np.searchsorted(instants, asks.ts))
    last = np.searchsorted(keys, base + np.searchsorted(instants, np.minimum(asks.ts + window, until)))
    size = np.maximum(last - first, 0)
    ask = np.repeat(np.arange(len(asks)), size)
    at = np.repeat(first - (np.cumsum(size) - size), size) + np.arange(int(size.sum()))
    pairs = np.unique(ask << 32 | item[at])
    return pairs >> 32, (pairs & 0xFFFFFFFF).astype(np.int32)
