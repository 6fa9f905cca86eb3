"""Ten leaks, planted one by one: each is caught by a rule, or shown to be impossible by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.designs import edited, good
from tests.training.logs import changed, design, log

from sixfold.events.log import EventLog
from sixfold.events.schema import Events, concat, take
from sixfold.features import fit, spec, words
from sixfold.features.batch import Batch
from sixfold.features.indexed import Frame, Vocabulary, index
from sixfold.features.store import Store
from sixfold.language import EASE, Popular, context
from sixfold.lint import lint
from sixfold.retrieval.popular import RecentFitted
from sixfold.training import run
from sixfold.training.cache import Cache
from sixfold.training.examples import Examples, examples
from sixfold.training.leaks import suspicious
from sixfold.training.material import Material, prepare
from sixfold.training.run import Stages
from sixfold.types import DAY, SECOND, Asks, Cuts, Queries

MEMORY = spec.Memory("member", "video", spec.Stream("watch"), spec.Stream("watch"), 5)
LOG = log(decisions=1500)
DESIGN = design(retrievers=(Popular(half_life="1d"), EASE()))
HOUR = 3600 * SECOND


@pytest.fixture(scope="module")
def material() -> Material:
    return prepare(DESIGN, [LOG])


def rows_of(material: Material, start: int, stop: int) -> Examples:
    return examples(material, {"recent": RecentFitted()}, start, stop, np.random.default_rng(0), share=1.0)


def features_of(material: Material, rows: Examples) -> np.ndarray:
    return material.features.matrix(material.known, rows.pool.frame(material.design, rows.position))


def outcome(name: str, *, ts: int, decision: str, member: str, video: str, value: float = 60) -> Events:
    table_ = {
        "id": name, "ts": ts, "decision": decision, "value": value, "member": member, "video": video,
    }  # fmt: skip
    columns = {k: np.array([v.encode() if isinstance(v, str) else v]) for k, v in table_.items()}
    return Events(outcomes={"watch": columns})


def read(events: Events, feature: spec.Feature, ts: int) -> float:
    """One feature of member m0 and video v0 as of ts."""
    ids = Vocabulary(Store(), ("member", "video"))
    log_ = index(events, ids, item="video")
    fitted = fit.fit((feature,), log_, until=2**62)
    keys = {name: ids[name].rows(np.array([first])) for name, first in (("member", b"m0"), ("video", b"v0"))}
    return float(fitted.matrix(Batch(log_, ids, MEMORY), Frame(np.array([ts]), keys, {}, np.ones(1, np.int16)))[0, 0])


# (a) A column that copies the label


def test_a_column_that_copies_the_label_is_found(material):
    rows = rows_of(material, material.cuts.first, material.cuts.second)
    label = rows.labels["watch"]
    features = features_of(material, rows)
    clean = [*material.features.columns]
    assert suspicious(features, clean, label) == []
    leaked = np.concatenate([features, label[:, None] * 60 + 1], axis=1)
    assert [f.path for f in suspicious(leaked, [*clean, "seconds watched"], label)] == [
        "learning.features: seconds watched"
    ]


# (b) An attribute that is written when the outcome comes


@pytest.mark.parametrize(("ts", "seen"), [(99, True), (100, False), (101, False)])
def test_an_attribute_set_at_or_after_the_request_is_not_seen(ts, seen):
    value = {"id": np.array([b"e"]), "ts": np.array([ts]), "key": np.array([b"v0"]), "watched": np.array([1.0])}
    events = concat([Events(entities={"video": value}), outcome("o", ts=1, decision="", member="m0", video="v0")])
    got = read(events, words.attribute("video.watched"), 100)
    assert (got == 1.0) if seen else np.isnan(got)


# (c) An event of the request's own instant


@pytest.mark.parametrize(("ts", "seen"), [(99 * HOUR, 1.0), (100 * HOUR, 0.0), (101 * HOUR, 0.0)])
def test_an_event_of_the_requests_own_instant_is_not_counted(ts, seen):
    events = outcome("o", ts=ts, decision="", member="m0", video="v0")
    for feature in (
        words.count("watch", by="video", window="7d"),
        words.count("watch", by=("member", "video"), window="2d"),
    ):
        assert read(events, feature, 100 * HOUR) == seen
    mean = read(events, words.mean("watch", by="video", half_life="1d"), 100 * HOUR)
    assert (mean == 60) if seen else np.isnan(mean)


# (d) A context that is the outcome by another road


def test_a_context_with_the_outcomes_name_is_refused():
    leaky = edited("learning", features=(*good().learning.features, context("watch")))
    (finding,) = lint(leaky)
    assert (finding.level, finding.path) == ("error", f"learning.features[{len(good().learning.features)}]")
    assert "'watch' has the name of the outcome 'watch'" in finding.message


# (e) An outcome from after the attribution window


@pytest.mark.parametrize(("delay", "positive"), [(0, 1), (6 * HOUR - 1, 1), (6 * HOUR, 0), (DAY, 0)])
def test_an_outcome_after_the_window_is_no_label(delay, positive):
    bare = replace(LOG, outcomes={"watch": take(LOG.outcomes["watch"], LOG.outcomes["watch"]["decision"] == b"")})
    middle = int(np.median(LOG.decisions["ts"]))
    at = int(np.flatnonzero(LOG.decisions["ts"] == middle)[0])
    ts = int(LOG.decisions["ts"][at])
    impression = int(np.flatnonzero(LOG.shown["decision"] == at)[1])
    planted = outcome(
        "late", ts=ts + delay, decision=LOG.decisions["id"][at].decode(), member=LOG.decisions["member"][at].decode(),
        video=LOG.shown["item"][impression].decode(),
    )  # fmt: skip
    made = rows_of(prepare(DESIGN, [concat([bare, planted])]), ts, ts + 1)
    assert made.labels["watch"].sum() == positive


# (f), (g) What is fitted knows only the past


def later(events: Events, cut: int) -> Events:
    """Everything from the cut on turned upside down: other items are watched, other genres said."""
    after = events.between(cut, 2**62)
    watch = after.outcomes["watch"]
    turned = changed(after, "watch", video=watch["video"][::-1], value=100 - watch["value"])
    n = 500
    flood = {
        "id": np.array([f"x{i}".encode() for i in range(n)]), "ts": np.full(n, cut), "key": np.array([b"v0"] * n),
        "genre": np.array([b"flood"] * n), "length_s": np.full(n, 1e6), "embedding": np.full((n, 3), 1e3, np.float32),
        "published": np.zeros(n),
    }  # fmt: skip
    return concat([turned, Events(entities={"video": flood})])


@pytest.fixture(scope="module")
def both(material: Material) -> tuple[Material, Material]:
    """A log, and one that differs from the first cut on; both are cut where the first is."""
    cuts = material.cuts
    known = LOG.before(cuts.first)
    other = prepare(DESIGN, [known, later(LOG, cuts.first)], cuts=cuts)
    return prepare(DESIGN, [known, LOG.between(cuts.first, 2**62)], cuts=cuts), other


def test_retrievers_do_not_know_what_comes_after_their_part(both):
    one, other = (run.fit_sources(m, m.cuts.first, Cache(), Stages()) for m in both)
    late = [run.fit_sources(m, m.cuts.second, Cache(), Stages()) for m in both]
    n = min(len(m.ids["video"]) for m in both)
    for name in one:
        asked = [source[name].retrieve(queries(both[0], n), n).ids for source in (one, other)]
        np.testing.assert_array_equal(*asked)
    assert any(
        (late[0][name].retrieve(queries(both[0], n), n).ids != late[1][name].retrieve(queries(both[0], n), n).ids).any()
        for name in one
    ), "fitted past the cut they would differ"


def queries(material: Material, items: int) -> Queries:
    members = np.arange(8, dtype=np.int32)
    asked = material.known.queries(Asks(members, np.full(8, material.cuts.first), {}))
    none = np.full((8, 1), -1, np.int32)
    return Queries(asked.ts, asked.member, asked.history, asked.history_ts, none, np.zeros(items, np.int64))


def test_vocabularies_and_centres_do_not_know_what_comes_after_the_retrievers_part(both):
    similar = (words.similarity("video.embedding"), words.similarity("video.genre"))
    features = (*DESIGN.learning.features, *similar, words.taste("video.embedding", "video.genre"))
    one, other = (fit.fit(features, m.log, until=m.cuts.first, memory=DESIGN.memory) for m in both)
    assert one == other and one.tastes
    late = [fit.fit(features, m.log, until=2**62, memory=DESIGN.memory) for m in both]
    assert late[0].vocabularies != late[1].vocabularies and late[0].centres != late[1].centres
    assert late[0].tastes != late[1].tastes


# (h) What is judged was not learned from


def test_parts_are_apart_in_time(material):
    ready = run.ready(material, Cache(), Stages())
    cuts = material.cuts
    spans = [(r.examples.ts.min(), r.examples.ts.max()) for r in (ready.training, ready.calibrating, ready.test)]
    bounds = [(cuts.first, cuts.second), (cuts.second, cuts.third), (cuts.third, min(cuts.end, cuts.censored))]
    for (first, last), (start, stop) in zip(spans, bounds, strict=True):
        assert start <= first <= last < stop
    asks = [
        set(zip(r.examples.member.tolist(), r.examples.ts.tolist(), strict=True)) for r in (ready.training, ready.test)
    ]
    assert not asks[0] & asks[1]


# (i) The order and the number of arrivals


def test_a_shuffled_and_doubled_log_gives_the_same_table(material, tmp_path):
    rng = np.random.default_rng(5)
    parts = [
        LOG.select({name: where[name] == part for name in where})
        for where in [{name: rng.integers(0, 4, len(t["ts"])) for name, t in LOG.tables()}]
        for part in rng.permutation(4).tolist()
    ]
    with EventLog(tmp_path / "log.sqlite") as kept:
        for part in [*parts, *parts[::-1], LOG]:
            kept.append(part)
        shuffled = prepare(DESIGN, [events for _, events in kept.read()])
    assert (shuffled.digest, shuffled.cuts) == (material.digest, material.cuts)
    assert shuffled.features == material.features
    one, other = (by_name(m) for m in (material, shuffled))
    assert one.keys() == other.keys() and len(one) > 500
    for key in one:
        np.testing.assert_allclose(one[key], other[key], rtol=1e-6, atol=1e-9)


def by_name(material: Material) -> dict[tuple[object, ...], np.ndarray]:
    """Features and label of each row of the ranker's part, by who asked when and saw what."""
    rows = rows_of(material, material.cuts.first, material.cuts.second)
    members, items = (
        material.ids[of].names(at).tolist() for of, at in (("member", rows.member), ("video", rows.pool.item))
    )
    full = np.concatenate([features_of(material, rows), rows.labels["watch"][:, None]], axis=1)
    # A member may ask twice in one instant: what then still differs is the device and what came of it.
    also = (rows.position, rows.pool.asks.context["context.device"][rows.pool.ask], rows.labels["watch"])
    keys = zip(rows.ts.tolist(), members, items, *(column.tolist() for column in also), strict=True)
    return dict(zip(keys, full, strict=True))


# (j) What cannot be known yet


def test_a_censored_decision_is_neither_negative_nor_tested(material):
    cuts = material.cuts
    assert cuts.censored == cuts.end - 6 * HOUR
    assert (material.log.decisions["ts"] >= cuts.censored).any(), "there are some"
    assert rows_of(material, cuts.third, 2**62).ts.max() < cuts.censored
    assert len(rows_of(material, cuts.censored, 2**62)) == 0
    blind = replace(material, cuts=Cuts(cuts.start, cuts.first, cuts.second, cuts.third, cuts.end, cuts.end))
    assert len(rows_of(blind, cuts.censored, 2**62)) > 0, "without the rule they would be rows"
