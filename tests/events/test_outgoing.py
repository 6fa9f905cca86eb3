"""Columns out as JSON, and in again: nothing is lost on the way."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.logs import random_log

from sixfold.events.incoming import parse
from sixfold.events.outgoing import render
from sixfold.events.schema import ALWAYS, SEP, Events
from sixfold.types import SECOND

NOW = 1_800_000_000 * SECOND


def same(events: Events) -> Events:
    """The events after a round trip, which must say what they said."""
    got = parse(render(events), now=NOW, lines=True)
    assert not got.rejected
    before, after = events.content(), got.events.content()
    assert {name: hashes.tolist() for name, hashes in before.items() if len(hashes)} == {
        name: hashes.tolist() for name, hashes in after.items() if len(hashes)
    }
    ids = {name: table["id"].tolist() for name, table in events.tables() if len(table["id"])}
    assert ids == {name: table["id"].tolist() for name, table in got.events.tables() if len(table["id"])}
    return got.events


@pytest.mark.parametrize("seed", range(3))
def test_a_log_comes_back_as_it_was(seed):
    same(random_log(np.random.default_rng(seed)))


def test_slates_whose_rows_are_mixed_come_back():
    log = random_log(np.random.default_rng(4))
    order = np.random.default_rng(5).permutation(len(log.shown["decision"]))
    same(Events(decisions=log.decisions, shown={name: column[order] for name, column in log.shown.items()}))


def test_what_is_missing_is_left_out():
    video = {"id": np.array([b"e1"]), "ts": np.array([ALWAYS]), "key": np.array([b"v1"]), "genre": np.array([b""]),
             "price": np.array([np.nan]), "embedding": np.full((1, 3), np.nan, np.float32)}  # fmt: skip
    assert json.loads(render(Events({"video": video}))) == {
        "kind": "entity", "of": "video", "id": "e1", "key": "v1", "values": {}
    }  # fmt: skip
    same(Events({"video": video}))


def test_nothing_is_nothing():
    assert render(Events()) == b""


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\x1f"), max_size=6).map(str.encode)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6).map(str.encode)
FLOATS = st.floats(allow_infinity=False)
SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
TIMES = st.integers(400_000_000 * SECOND, NOW)


@st.composite
def logs(draw: st.DrawFn) -> Events:
    """Entities with every form of value, slates of any length, outcomes with keys that some lack."""

    def column(values: st.SearchStrategy, n: int, dtype: object = None) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype)

    n, m, k = (draw(st.integers(1, 5)) for _ in range(3))
    counts = draw(st.lists(st.integers(0, 3), min_size=m, max_size=m))
    s = sum(counts)
    many = st.lists(TEXT, max_size=3).map(SEP.join)
    return Events(
        {"video": {
            "id": column(NAMES, n, "S"), "ts": column(TIMES | st.just(int(ALWAYS)), n, np.int64),
            "key": column(NAMES, n, "S"), "genre": column(many, n, "S"), "price": column(FLOATS, n, np.float64),
            "embedding": np.stack([column(SINGLES, 2, np.float32) for _ in range(n)]),
        }},
        {
            "id": column(NAMES, m, "S"), "ts": column(TIMES, m, np.int64), "release": column(NAMES | st.just(b""), m, "S"),
            "member": column(NAMES, m, "S"), "context.device": column(TEXT, m, "S"),
            "context.hour": column(FLOATS, m, np.float64),
        },
        {
            "decision": np.repeat(np.arange(m, dtype=np.int32), counts), "item": column(NAMES, s, "S"),
            "position": column(st.integers(1, 1000), s, np.int16), "score": column(SINGLES | st.just(np.nan), s, np.float32),
            "propensity": column(st.sampled_from([0.25, 1.0, np.nan]), s, np.float32),
        },
        {"watch": {
            "id": column(NAMES, k, "S"), "ts": column(TIMES, k, np.int64), "decision": column(NAMES | st.just(b""), k, "S"),
            "value": column(FLOATS.filter(lambda x: x == x), k, np.float64), "member": column(NAMES, k, "S"),
            "video": column(NAMES | st.just(b""), k, "S"),
        }},
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(logs())
def test_any_events_come_back_as_they_were(events):
    same(events)
