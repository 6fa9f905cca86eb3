"""Rows and labels: what was shown and what came of it; made-up asks where nothing was shown; against loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.designs import edited
from tests.training.logs import design, log, made_ready, without_decisions

from sixfold.events.schema import concat
from sixfold.language import Amount, Happens, outcome
from sixfold.retrieval.popular import PopularFitted, RecentFitted
from sixfold.training.examples import Examples, examples, made_up, ranks_of, shown, wanted
from sixfold.training.material import Material
from sixfold.types import Asks, Interactions, Queries, Retrieved

HOUR = 3_600_000_000
WATCH = outcome("watch")
LOG = log(decisions=300)
SOURCES = {"recent": RecentFitted()}
HEADS = {"watch": Happens(outcome("watch", at_least=30)), "seconds": Amount(outcome("watch", at_least=30))}
DESIGN = edited("learning", of=design(), heads=HEADS, value="watch * seconds")


@pytest.fixture(scope="module")
def material() -> Material:
    return made_ready(LOG, DESIGN)


def made(material: Material) -> Examples:
    return shown(material, SOURCES, np.arange(len(material.log.decisions["ts"])))


def defined(at_least: float) -> dict[tuple[bytes, bytes], list[float]]:
    """The values that count for each (decision, item), by a loop over the outcomes."""
    decided = dict(zip(LOG.decisions["id"].tolist(), LOG.decisions["ts"].tolist(), strict=True))
    watch, out = LOG.outcomes["watch"], {}
    for decision, item, ts, value in zip(
        *(watch[c].tolist() for c in ("decision", "video", "ts", "value")), strict=True
    ):
        if decision in decided and ts - decided[decision] < 6 * HOUR and value >= at_least:
            out.setdefault((decision, item), []).append(value)
    return out


def test_labels_are_what_came_within_the_window(material):
    rows, expected = made(material), defined(30)
    keys = list(zip(LOG.decisions["id"][LOG.shown["decision"]].tolist(), LOG.shown["item"].tolist(), strict=True))
    assert rows.labels["watch"].tolist() == [float(key in expected) for key in keys]
    assert 0.1 < rows.labels["watch"].mean() < 0.5
    for key, seconds in zip(keys, rows.labels["seconds"].tolist(), strict=True):
        assert seconds in expected[key] if key in expected else np.isnan(seconds)


def test_rows_are_the_impressions(material):
    rows = made(material)
    assert len(rows) == len(LOG.shown["item"])
    assert (material.ids["video"].names()[rows.pool.item] == LOG.shown["item"]).all()
    assert (material.ids["member"].names()[rows.member] == LOG.decisions["member"][LOG.shown["decision"]]).all()
    assert rows.position.tolist() == LOG.shown["position"].tolist()
    assert rows.ts.tolist() == LOG.decisions["ts"][LOG.shown["decision"]].tolist()
    some = rows.take(np.array([3, 5]))
    assert len(some) == 2 and some.labels["watch"].tolist() == rows.labels["watch"][[3, 5]].tolist()


def test_an_organic_outcome_is_joined_to_nothing():
    watch = LOG.outcomes["watch"]
    organic = {**watch, "decision": np.zeros(len(watch["ts"]), "S1")}
    bare = made_ready(replace(LOG, outcomes={"watch": organic}), DESIGN)
    rows = made(bare)
    assert rows.labels["watch"].sum() == 0 and np.isnan(rows.labels["seconds"]).all()


def test_an_outcome_of_what_was_not_shown_is_joined_to_nothing():
    watch = LOG.outcomes["watch"]
    elsewhere = {**watch, "video": np.array([b"v-other"] * len(watch["ts"]))}
    assert made(made_ready(replace(LOG, outcomes={"watch": elsewhere}), DESIGN)).labels["watch"].sum() == 0


def test_several_outcomes_of_one_impression_do_not_go_by_arrival():
    """A watch that was broken off and taken up again: the last one counts, whichever came first."""
    first = defined(0)
    (decision, item), _ = next(iter(first.items()))
    at = int(np.flatnonzero(LOG.decisions["id"] == decision)[0])
    ts = int(LOG.decisions["ts"][at])
    again = {
        "id": np.array([b"x1", b"x2"]), "ts": np.array([ts + 3 * HOUR, ts + 4 * HOUR]), "decision": np.array([decision] * 2),
        "value": np.array([55.0, 66.0]), "member": LOG.decisions["member"][[at, at]], "video": np.array([item] * 2),
    }  # fmt: skip
    turned = {name: column[::-1] for name, column in again.items()}
    found = []
    for table in (again, turned):
        rows = made(made_ready(concat([LOG, type(LOG)(outcomes={"watch": table})]), DESIGN))
        where = np.flatnonzero((LOG.shown["decision"] == at) & (LOG.shown["item"] == item))
        found.append(rows.labels["seconds"][where].tolist())
    assert found == [[66.0], [66.0]]


def test_a_share_of_the_asks_is_whole_slates(material):
    rows = examples(material, SOURCES, 0, 2**62, np.random.default_rng(0), share=0.3)
    asks = np.bincount(rows.pool.ask)
    assert (asks == 4).all() and 0.15 < len(asks) / len(LOG.decisions["ts"]) < 0.45


def test_a_decision_whose_outcome_was_known_before_it_is_no_row():
    """Of a clock that runs behind: as of the decision its own outcome is a feature of it."""
    watch, slates = LOG.outcomes["watch"], LOG.decisions["id"]
    named = np.unique(watch["decision"][watch["decision"] != b""])[:5]
    ts = np.where(np.isin(watch["decision"], named), LOG.decisions["ts"].min() - 1, watch["ts"])
    behind = made_ready(replace(LOG, outcomes={"watch": {**watch, "ts": ts}}), DESIGN)
    rows = examples(behind, SOURCES, 0, 2**62, np.random.default_rng(0), share=1.0)
    asked = len(slates[LOG.decisions["ts"] < behind.cuts.censored])
    late = np.isin(slates, named) & (LOG.decisions["ts"] >= behind.cuts.censored)
    assert len(np.unique(rows.pool.ask)) == asked - (5 - late.sum())


class Fixed:
    """Gives item 2, then item 5, to everybody."""

    def retrieve(self, queries: Queries, k: int) -> Retrieved:
        n = len(queries)
        return Retrieved(np.tile(np.array([2, 5], np.int32), (n, 1)), np.tile(np.array([2, 1], np.float32), (n, 1)))


def test_ranks_are_the_places_a_source_would_have_given(material):
    asks = Asks(np.zeros(1100, np.int32), np.full(1100, material.cuts.first), {})
    ask = np.array([1099, 0, 700, 0])
    item = np.array([5, 2, 3, 5], np.int32)
    got = ranks_of(material, {"a": Fixed(), "b": PopularFitted(np.zeros(15, np.float32))}, asks, ask, item)
    np.testing.assert_array_equal(got[:, 0], [1, 0, np.nan, 1])


def test_ranks_where_no_source_gives_anything(material):
    class Silent:
        def retrieve(self, queries, k):
            return Retrieved(np.full((len(queries), 1), -1, np.int32), np.full((len(queries), 1), -np.inf, np.float32))

    asks = Asks(np.zeros(1, np.int32), np.array([material.cuts.first]), {})
    got = ranks_of(material, {"a": Silent()}, asks, np.zeros(3, np.int64), np.arange(3, dtype=np.int32))
    assert got.shape == (3, 1) and np.isnan(got).all()


# Made-up asks

DID = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 30)), max_size=30)


def interactions(did) -> Interactions:
    member, item, ts = np.array(sorted(did, key=lambda d: d[2]), np.int64).reshape(-1, 3).T
    return Interactions(member.astype(np.int32), item.astype(np.int32), ts, np.ones(len(ts), np.float32), 4, 6)


@given(DID, st.integers(1, 4), st.integers(0, 2**16))
def test_asks_are_made_up_where_a_members_sessions_begin(did, per_member, seed):
    """An hour stands for a step of DID, so that a session ends after more than six steps without anything."""
    hours = interactions([(m, i, t * HOUR) for m, i, t in did])
    asks = made_up(hours, 5 * HOUR, 20 * HOUR, per_member=per_member, rng=np.random.default_rng(seed))
    found = list(zip(asks.member.tolist(), (asks.ts // HOUR).tolist(), strict=True))
    assert len(found) == len(set(found))
    for member in range(4):
        moments = sorted({ts for m, _, ts in did if m == member})
        begins = [ts for ts in moments if 5 <= ts < 20 and not any(0 < ts - before <= 6 for before in moments)]
        mine = [ts for m, ts in found if m == member]
        assert set(mine) <= set(begins)
        assert len(mine) == min(per_member, len(begins))


@given(DID, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=8), st.integers(1, 12))
def test_what_is_wanted_is_done_within_the_window_and_the_span(did, asked, window):
    member, ts = np.array(asked, np.int64).T
    asks = Asks(member.astype(np.int32), ts, {})
    ask, item = wanted(interactions(did), asks, until=25, window=window)
    expected = sorted(
        {(n, i) for n, (m, at) in enumerate(asked) for who, i, t in did if who == m and at <= t < min(at + window, 25)}
    )
    assert list(zip(ask.tolist(), item.tolist(), strict=True)) == expected


def test_a_log_of_interactions_is_asked_at_its_own_moments():
    bare = made_ready(without_decisions(LOG), edited("learning", of=design(features=()), history=WATCH))
    cuts = bare.cuts
    source = {"popular": PopularFitted(np.ones(len(bare.ids["video"]), np.float32))}
    again = edited("problem.decides", of=bare.design, seen_again_after="1h")
    rows = examples(replace(bare, design=again), source, cuts.first, cuts.second, np.random.default_rng(0), share=1.0)
    assert ((rows.ts >= cuts.first) & (rows.ts < cuts.second)).all()
    assert (rows.position == 1).all()
    did = bare.interactions(bare.design.requirements.label)
    for row in range(len(rows)):
        mine = (did.member == rows.member[row]) & (did.item == rows.pool.item[row])
        within = (did.ts >= rows.ts[row]) & (did.ts < min(rows.ts[row] + 6 * HOUR, cuts.second))
        assert rows.labels["watch"][row] == float((mine & within).any())
