"""Any span of a log by slices is what a mask gives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.logs import START, random_log

from sixfold.events.schema import Events, take
from sixfold.events.timeline import Timeline
from sixfold.types import DAY, SECOND

HOUR = 3600 * SECOND
SEEDS = st.integers(0, 2**16)


def slates(events: Events) -> dict[bytes, list[tuple[bytes, int]]]:
    at = events.shown["decision"]
    rows = list(zip(events.shown["item"].tolist(), events.shown["position"].tolist(), strict=True))
    names = events.decisions["id"].tolist()
    return {name: [rows[i] for i in np.flatnonzero(at == row)] for row, name in enumerate(names)}


def ids(events: Events) -> dict[str, list[bytes]]:
    return {name: sorted(table["id"].tolist()) for name, table in events.tables()}


@given(SEEDS, st.integers(-60, 200), st.integers(0, 100))
def test_a_span_is_what_a_mask_gives(seed, first, hours):
    log = random_log(np.random.default_rng(seed), decisions=20)
    start, stop = START + first * HOUR, START + (first + hours) * HOUR
    got, expected = Timeline(log).between(start, stop), log.between(start, stop)
    assert ids(got) == ids(expected)
    assert slates(got) == slates(expected)
    assert all((np.diff(table["ts"]) >= 0).all() for _, table in got.tables())


def test_spans_side_by_side_are_the_whole():
    log = random_log(np.random.default_rng(0))
    timeline, start = Timeline(log), int(np.iinfo(np.int64).min)
    total = 0
    for stop in [START, START, START + DAY, START + 2 * DAY, 2**62]:
        total += len(timeline.between(start, stop))
        start = stop
    assert total == len(log)


def test_impressions_out_of_order_find_their_slates():
    log = random_log(np.random.default_rng(0))
    mixed = np.random.default_rng(1).permutation(len(log.shown["item"]))
    turned = Events(log.entities, log.decisions, take(log.shown, mixed), log.outcomes)
    found = slates(Timeline(turned).between(START, 2**62))
    assert {name: sorted(slate) for name, slate in found.items()} == {
        name: sorted(slate) for name, slate in slates(log).items()
    }


def test_an_empty_log():
    assert len(Timeline(Events()).between(0, 2**62)) == 0
