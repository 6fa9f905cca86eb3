"""Events by rows, and many batches as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.logs import random_log

from sixfold.errors import DataError
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import Events, concat
from sixfold.features.indexed import Indexed, Vocabulary, births, index, joined
from sixfold.features.spec import Stream
from sixfold.features.store import Store

LOG = random_log(np.random.default_rng(3))


def vocabulary() -> Vocabulary:
    return Vocabulary(Store(), ("member", "video"))


def halves() -> tuple[Events, Events]:
    ts = int(np.median(LOG.decisions["ts"]))
    return LOG.before(ts), LOG.between(ts, 2**62)


def same(one: Indexed, other: Indexed) -> None:
    for a, b in (
        (one.decisions, other.decisions),
        (one.shown, other.shown),
        (one.outcomes["watch"], other.outcomes["watch"]),
    ):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype
            np.testing.assert_array_equal(a[name], b[name])
    assert one.texts == other.texts


def test_batches_joined_are_the_batch_of_all():
    parts, ids, whole = halves(), vocabulary(), vocabulary()
    together = joined([index(part, ids, item="video") for part in parts])
    alone = index(concat(parts), whole, item="video")
    # Ids are numbered in order of arrival, which differs; compare by name.
    rename = whole["video"].rows(ids["video"].names())
    assert (rename[together.shown["video"]] == alone.shown["video"]).all()
    assert together.texts == alone.texts


def test_a_context_that_one_batch_lacks_stays_a_hash():
    first, second = halves()
    bare = replace(second, decisions={k: v for k, v in second.decisions.items() if k != "context.device"})
    ids = vocabulary()
    got = joined([index(part, ids, item="video") for part in (first, bare)]).decisions["context.device"]
    assert got.dtype == np.uint64
    expected = hash_strings(first.decisions["context.device"])
    np.testing.assert_array_equal(got, np.r_[expected, np.zeros(len(bare.decisions["ts"]), np.uint64)])


def test_a_key_that_one_batch_lacks_is_no_row():
    ids = vocabulary()
    watch = LOG.outcomes["watch"]
    bare = Events(outcomes={"watch": {k: v for k, v in watch.items() if k != "video"}})
    log = joined([index(part, ids, item="video") for part in (LOG, bare)])
    keys = log.stream(Stream("watch")).keys["video"]
    assert keys.dtype == np.int32 and (keys[len(watch["ts"]) :] == -1).all() and (keys[: len(watch["ts"])] >= 0).all()


def test_one_batch_is_itself():
    same(joined([one := index(LOG, vocabulary(), item="video")]), one)


def test_streams():
    log = index(LOG, vocabulary(), item="video")
    value = LOG.outcomes["watch"]["value"]
    long = log.stream(Stream("watch", 50))
    assert len(long) == (value >= 50).sum() and long.value.min() >= 50
    shown = log.stream(Stream("shown"))
    assert len(shown) == len(LOG.shown["item"]) and set(shown.keys) == {"member", "video"}
    assert (shown.ts == LOG.decisions["ts"][LOG.shown["decision"]]).all()
    with pytest.raises(DataError, match="no outcome 'wach'; did you mean 'watch'"):
        log.stream(Stream("wach"))


def test_what_there_is():
    log = index(Events(outcomes=LOG.outcomes), vocabulary(), item="video")
    assert log.has(Stream("watch")) and not log.has(Stream("shown")) and not log.has(Stream("click"))


def test_an_item_is_born_when_it_is_first_named():
    ids = vocabulary()
    log = index(LOG, ids, item="video")
    born = births(log, "video", items=len(ids["video"]))
    for row, name in enumerate(ids["video"].names().tolist()):
        entity = LOG.entities["video"]
        shown = LOG.decisions["ts"][LOG.shown["decision"]][LOG.shown["item"] == name]
        watched = LOG.outcomes["watch"]["ts"][LOG.outcomes["watch"]["video"] == name]
        assert born[row] == min([*entity["ts"][entity["key"] == name], *shown, *watched])
