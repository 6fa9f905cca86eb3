"""Outcomes of the log steer what is told: in the order in which they are settled, however they came."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sixfold.estimation.adaptive import Adaptive
from sixfold.estimation.layered import Layered
from sixfold.estimation.open import Open, Watched
from sixfold.estimation.steered import Steer
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import Events, concat
from sixfold.features.store import Store
from sixfold.types import SECOND

LEVELS = (0.1, 0.5, 0.9)
QUANTILES = np.array([600.0, 900.0, 1500.0])
NAMES = tuple(f"whole@{level:g}" for level in LEVELS)
BY = Adaptive(steps=(0.05,))
WATCHED = Watched(("promised_s", *NAMES), ("done",), Steer(BY, "done", NAMES, LEVELS))
START = 1_800_000_000 * SECOND


def asked(n: int, every_s: int = 60) -> Events:
    table = {"id": np.array([f"d{i}".encode() for i in range(n)]), "ts": START + np.arange(n) * every_s * SECOND,
             "release": np.full(n, b"r"), "estimate.promised_s": np.full(n, 900.0)}  # fmt: skip
    return Events(
        decisions=table | {f"estimate.{name}": np.full(n, q) for name, q in zip(NAMES, QUANTILES, strict=True)}
    )


def ended(seconds: np.ndarray, every_s: int = 60) -> Events:
    n = len(seconds)
    ts = START + (np.arange(n) * every_s + seconds).astype(np.int64) * SECOND
    ids = {
        "id": np.array([f"o{i}".encode() for i in range(n)]),
        "decision": np.array([f"d{i}".encode() for i in range(n)]),
    }
    return Events(outcomes={"done": ids | {"ts": ts, "value": seconds.astype(np.float64)}})


def steered(*batches: Events) -> Open:
    state = Open(WATCHED, Store())
    for batch in batches:
        state.apply(batch)
    return state


def at(events: Events, seconds: int) -> Events:
    """What was known before so many seconds."""
    return events.before(START + seconds * SECOND)


@pytest.fixture
def took() -> np.ndarray:
    return np.random.default_rng(0).gamma(6, 300, 400).round()


def test_nothing_is_moved_before_anything_is_settled():
    state = steered(asked(5), at(ended(np.full(5, 700.0)), 1200))
    np.testing.assert_array_equal(state.offset(), np.zeros(3))


def test_longer_times_raise_what_is_told(took: np.ndarray):
    state = steered(asked(400), ended(took))
    offset = state.offset()
    assert offset is not None and (offset > 0.2).all(), "times are longer than every quantile said"


def test_it_is_that_of_one_outcome_after_the_other_as_they_are_settled(took: np.ndarray):
    asks = np.arange(400) * 60
    settled = np.maximum(asks + QUANTILES[-1], asks + took)
    until = settled.max()
    order = np.lexsort((np.arange(400), settled))
    expected = BY.start(LEVELS)
    ids = steered(asked(400), ended(took))
    for row in order:
        expected = expected.fold(QUANTILES[None], took[row : row + 1])
    # Ties of (settled) go by the hash of the id, which moves offsets by less than a step.
    late = Events(outcomes={"other": {"id": np.array([b"x"]), "ts": np.array([START + int(until + 1) * SECOND]),
                                      "decision": np.array([b""]), "value": np.array([1.0])}})  # fmt: skip
    ids.apply(late)
    np.testing.assert_allclose(ids.offset(), expected.offset()[0], atol=0.06)


def test_it_does_not_matter_how_the_log_was_cut(took: np.ndarray):
    log = concat([asked(400), ended(took)])
    cuts = [0, 5_000, 9_000, 9_060, 20_000, 40_000]
    parts = [log.between(START + a * SECOND, START + b * SECOND) for a, b in pairwise(cuts)]
    np.testing.assert_allclose(steered(*parts).offset(), steered(log).offset(), atol=1e-12)


def test_an_outcome_told_twice_steers_once(took: np.ndarray):
    once, twice = steered(asked(400), ended(took)), steered(asked(400), ended(took), ended(took))
    np.testing.assert_array_equal(once.offset(), twice.offset())


def test_without_steering_there_is_no_offset():
    plain = Open(Watched(("promised_s",), ("done",)), Store())
    plain.apply(asked(3))
    assert plain.offset() is None


APART = Watched(
    WATCHED.forecast,
    WATCHED.outcomes,
    Steer(Adaptive(steps=(0.05,), by="store", by_steps=(0.02,)), "done", NAMES, LEVELS),
)


def of_stores(n: int) -> Events:
    """The same asks of two stores in turn, every third of none."""
    table = asked(n).decisions | {"store": np.array([(b"s0", b"s1", b"")[i % 3] for i in range(n)])}
    return Events(decisions=table)


def test_entities_are_steered_apart_by_what_is_left_and_together_by_the_rest(took: np.ndarray):
    took = took + 2000.0 * (np.arange(400) % 3 == 0)
    settled = np.arange(400) * 60 + np.maximum(QUANTILES[-1], took)
    late = int(settled.max()) + 1
    tick = Events(outcomes={"other": {"id": np.array([b"x"]), "ts": np.array([START + late * SECOND]),
                                      "decision": np.array([b""]), "value": np.array([1.0])}})  # fmt: skip
    state = Open(APART, Store())
    state.apply(concat([of_stores(400), ended(took), tick]))
    expected = Layered.start(APART.steer.by, LEVELS, groups=2)
    ids = hash_strings(np.array([f"o{i}".encode() for i in range(400)]))
    for row in np.lexsort((ids, settled.astype(np.int64))):
        expected = expected.fold(QUANTILES[None], took[row : row + 1], groups=np.array([(0, 1, -1)[row % 3]]))
    for keys, group in (({"store": "s0"}, 0), ({"store": "s1"}, 1), ({"store": "never seen"}, -1), ({}, -1)):
        np.testing.assert_allclose(state.offset(keys), expected.offset(group), atol=1e-12)
    many = [{"store": "s1"}, {}, {"store": "s0"}, {"store": "never seen"}, {"store": "s0", "other": "x"}]
    np.testing.assert_array_equal(state.offsets(many), [state.offset(keys) for keys in many])
    assert (state.offset({"store": "s0"}) > state.offset({"store": "s1"}) + 0.05).all()


def test_it_does_not_matter_how_the_log_of_entities_was_cut(took: np.ndarray):
    log = concat([of_stores(400), ended(took)])
    cuts = [0, 5_000, 9_000, 9_060, 20_000, 40_000]
    whole, cut = Open(APART, Store()), Open(APART, Store())
    whole.apply(log)
    for a, b in pairwise(cuts):
        cut.apply(log.between(START + a * SECOND, START + b * SECOND))
    for store in ("s0", "s1", ""):
        np.testing.assert_allclose(cut.offset({"store": store}), whole.offset({"store": store}), atol=1e-12)
