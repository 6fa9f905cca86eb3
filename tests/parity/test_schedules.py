"""The online schedule gives what the batch schedule gives: every feature, every row, ties and all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logs import random_log

from sixfold.evaluation import skew
from sixfold.features import fit, spec, words
from sixfold.features.batch import Batch
from sixfold.features.indexed import Frame, Vocabulary, index
from sixfold.features.mapped import Mapped
from sixfold.features.online import State
from sixfold.features.store import Store
from sixfold.types import Asks

FEATURES = (
    words.attribute("video.genre"),
    words.attribute("video.length_s"),
    words.attribute("member.country"),
    words.context("device"),
    words.age("video.published"),
    words.hour(),
    words.weekday(),
    words.position(),
    words.similarity("video.embedding", half_life="2d"),
    words.similarity("video.genre", half_life="4d"),
    words.taste("video.embedding", "video.genre", "video.length_s", given="member.country", half_life="3d", factors=3),
    words.bucket("member", 7),
    words.bucket("video"),
    words.count("watch", by="video", window="2d"),
    words.count("shown", by=("member", "video"), window="1d", tiles=4),
    words.count(words.at_least("watch", 50), by="member", window="8h"),
    words.rate(words.at_least("watch", 30), by="video", half_life="1d"),
    words.rate("watch", by=("member", "video.genre"), half_life="12h", prior=2),
    words.mean("watch", by="video.genre", half_life="3d"),
)


def frame_of(log) -> Frame:
    shown, decisions = log.shown, log.decisions
    return Frame(
        shown["ts"],
        {"member": shown["member"], "video": shown["video"]},
        {"context.device": decisions["context.device"][shown["decision"]]},
        shown["position"],
    )


def setup(events):
    ids = Vocabulary(Store(), ("member", "video"))
    log = index(events, ids, item="video")
    fitted = fit.fit(FEATURES, log, until=2**62, memory=MEMORY, timezone="America/New_York")
    return ids, log, fitted


MEMORY = spec.Memory("member", "video", spec.Stream("watch"), spec.Stream("watch"), 5)


def state_of(fitted, folder=None, ids=None) -> State:
    return State(fitted, MEMORY, Store(Mapped(folder, write=True)) if folder else Store(), ids=ids)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mapped", [False, True])
def test_replay_online_equals_batch(seed, mapped, tmp_path):
    events = random_log(np.random.default_rng(seed))
    ids, log, fitted = setup(events)
    state = state_of(fitted, tmp_path / "state" if mapped else None, ids)
    found = skew.verify(events, log, ids, state, frame_of(log))
    assert found.rows == len(log.shown["ts"])
    assert not found, [str(difference) for difference in found.differences]


def test_the_table_says_something():
    ids, log, fitted = setup(random_log(np.random.default_rng(0)))
    table_ = fitted.matrix(Batch(log, ids, MEMORY), frame_of(log))
    assert (np.nanstd(table_, axis=0) > 0).all(), "a constant column would make every comparison pass"


def test_folding_before_reading_is_caught():
    """The broken variant: a state that has seen the instant's own events."""
    events = random_log(np.random.default_rng(0))
    ids, log, fitted = setup(events)
    frame = frame_of(log)
    late = Frame(frame.ts + 1, frame.keys, frame.context, frame.position)
    online = skew.replay(events, state_of(fitted, ids=ids), late, ids)
    found = skew.compare(online, fitted.matrix(Batch(log, ids, MEMORY), frame), fitted.columns)
    assert any(d.column.startswith("count(watch, by=video") for d in found.differences)


def test_mapped_state_is_there_when_opened_again(tmp_path):
    events = random_log(np.random.default_rng(1))
    _, log, fitted = setup(events)
    state = state_of(fitted, tmp_path)
    state.apply(events)
    state.store.mapped.commit(1, 0)
    state.store.mapped.close()
    frame = frame_of(log)
    later = Frame(frame.ts + 10**12, frame.keys, frame.context, frame.position)
    again = state_of(fitted, tmp_path)
    np.testing.assert_array_equal(fitted.matrix(again, later), fitted.matrix(state, later))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), parts=st.integers(1, 6))
def test_any_order_of_folding_gives_the_same_state(seed, parts):
    rng = np.random.default_rng(seed)
    events = random_log(rng, decisions=25)
    ids, log, fitted = setup(events)
    known = {name: np.ones(len(t["ts"]), bool) for name, t in events.tables() if name.startswith("entity")}
    none = {name: np.zeros(len(t["ts"]), bool) for name, t in events.tables() if not name.startswith("entity")}
    first = events.select({**known, **none})
    in_order, shuffled = state_of(fitted, ids=ids), state_of(fitted, ids=ids)
    for state in (in_order, shuffled):
        state.apply(first)
        # Rows follow the order of arrival; fix it, so that the states can be compared row by row.
        state.apply(events.select({name: ~mask for name, mask in known.items()}).before(-(2**62)))
    where = {name: rng.integers(0, parts, len(t["ts"])) for name, t in events.tables() if name not in known}
    for part in rng.permutation(parts).tolist():
        keep = {name: at == part for name, at in where.items()} | {name: ~mask for name, mask in known.items()}
        shuffled.apply(events.select(keep))
    in_order.apply(events.select({name: ~mask for name, mask in known.items()}))
    frame = frame_of(log)
    later = Frame(frame.ts + 10 * 86_400_000_000, frame.keys, frame.context, frame.position)
    np.testing.assert_allclose(fitted.matrix(shuffled, later), fitted.matrix(in_order, later), rtol=1e-6, atol=1e-9)
    asks = Asks(np.arange(12, dtype=np.int32), np.full(12, 2**62), {})
    np.testing.assert_array_equal(shuffled.queries(asks).history, in_order.queries(asks).history)


@pytest.mark.parametrize("seed", range(3))
def test_memory_online_equals_batch(seed):
    events = random_log(np.random.default_rng(seed))
    ids, log, fitted = setup(events)
    batch = Batch(log, ids, MEMORY)
    ts = int(np.median(log.outcomes["watch"]["ts"]))
    state = State(fitted, MEMORY, Store(), ids=ids)
    state.apply(events.before(ts))
    n, items = len(ids["member"]), len(ids["video"])
    asks = Asks(np.arange(n, dtype=np.int32), np.full(n, ts), {})
    online, offline = state.queries(asks), batch.queries(asks)
    assert (offline.history >= 0).any()
    np.testing.assert_array_equal(online.history, offline.history)
    np.testing.assert_array_equal(online.history_ts * (online.history >= 0), offline.history_ts)
    np.testing.assert_array_equal(
        np.where(offline.born < ts, online.born, 0), np.where(offline.born < ts, offline.born, 0)
    )
    members, seen = np.repeat(asks.member, items), np.tile(np.arange(items, dtype=np.int32), n)
    times = np.full(n * items, ts)
    np.testing.assert_array_equal(state.last_seen(members, seen, times), batch.last_seen(members, seen, times))
