"""Requests are those of the log: who asked often asks often, in the contexts they asked in."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from tests.logs import random_log
from tests.tiny_times import TinyTimes

from sixfold.errors import DataError
from sixfold.events.incoming import parse
from sixfold.events.log import EventLog
from sixfold.events.schema import Events
from sixfold.scaling.asks import asks, batches, from_log, newest
from sixfold.types import SECOND

NOW = 1_800_000_000 * SECOND
LOG = random_log(np.random.default_rng(0))


def bodies(posts):
    return [json.loads(post.body) for post in posts]


def test_members_ask_as_often_as_they_did():
    asked = bodies(asks(LOG, "member", n=6000, rng=np.random.default_rng(1), contexts=["device"]))
    pairs = Counter((one["member"], one["context"]["device"]) for one in asked)
    had = Counter(
        (who.decode(), device.decode())
        for who, device in zip(LOG.decisions["member"].tolist(), LOG.decisions["context.device"].tolist(), strict=True)
    )
    assert pairs.keys() == had.keys()
    expected = np.array([had[pair] for pair in had]) * 6000 / sum(had.values())
    assert (np.abs(np.array([pairs[pair] for pair in had]) - expected) < 5 * np.sqrt(expected)).all()
    assert all(one["timing"] for one in asked)


def test_only_what_the_service_reads_is_sent():
    (one,) = bodies(asks(LOG, "member", n=1, rng=np.random.default_rng(1), k=5))
    assert one == {"member": one["member"], "context": {}, "k": 5, "timing": True}


def test_without_decisions_the_outcomes_say_who():
    organic = Events(outcomes=LOG.outcomes)
    asked = bodies(asks(organic, "member", n=50, rng=np.random.default_rng(1)))
    assert {one["member"].encode() for one in asked} <= set(LOG.outcomes["watch"]["member"].tolist())
    with pytest.raises(DataError, match="no decision and no outcome of the log names a shop"):
        asks(LOG, "shop", n=1, rng=np.random.default_rng(1))


def test_outcomes_to_post_are_new_and_sound():
    posts = batches(LOG, n=3, size=20, rng=np.random.default_rng(1), mark="x")
    got = [parse(post.body, now=NOW, lines=True) for post in posts]
    assert [len(one.events) for one in got] == [20, 20, 20] and not any(one.rejected for one in got)
    ids = {name for one in got for name in one.events.outcomes["watch"]["id"].tolist()}
    assert len(ids) == 60 and not ids & set(LOG.outcomes["watch"]["id"].tolist())
    assert all((one.events.outcomes["watch"]["ts"] == NOW).all() for one in got)
    with pytest.raises(DataError, match="no outcome to draw events from"):
        batches(Events(decisions=LOG.decisions), n=1, size=1, rng=np.random.default_rng(1), mark="x")


def test_the_newest_of_a_log(tmp_path):
    with EventLog(tmp_path / "log.sqlite") as log:
        log.append(LOG)
        assert len(newest(log)) == len(LOG)


def test_estimates_are_asked_for_as_the_log_has_them_and_each_is_new(timed: TinyTimes):
    posts, _ = from_log(timed.workspace, n=40, rng=np.random.default_rng(0))
    assert {one.path for one in posts} == {"/v1/estimate"}
    assert all(set(one["keys"]) == {"store"} and one["timing"] and "order" not in one for one in bodies(posts))
    contexts = set(timed.trained.release.features.contexts)
    assert all(set(one["context"]) == contexts for one in bodies(posts))
