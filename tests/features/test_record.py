"""A record of several accumulators against each of them alone."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.features.record import Record
from sixfold.features.spec import Accumulator, Decayed, Sawtooth, Stream

WATCH, SHOWN = Stream("watch"), Stream("shown")
KEPT = (
    Accumulator(WATCH, ("video",), Decayed("7d")),
    Accumulator(SHOWN, ("video",), Decayed("7d")),
    Accumulator(WATCH, ("video",), Decayed("1h"), values=True),
    Accumulator(WATCH, ("video",), Sawtooth("2d", 4)),
    Accumulator(SHOWN, ("video",), Sawtooth("1d", 8)),
)
CELLS, AT = np.array([0, 2, 0, 1], np.int32), np.array([5, 9_000_000, 40_000_000, 41_000_000])
VALUE = np.array([2.0, 3.0, 5.0, 7.0])


def folded(record: Record, accumulators: tuple[Accumulator, ...]) -> np.ndarray:
    held = np.full(3, record.blank)
    for accumulator in accumulators:
        record.fold(held, accumulator, CELLS, AT, VALUE)
    return held


def read(record: Record, held: np.ndarray, ts: np.ndarray) -> dict[Accumulator, np.ndarray]:
    return dict(
        zip(record.accumulators, record.read(held, np.arange(len(held), dtype=np.int32)[:, None], ts), strict=True)
    )


@pytest.mark.parametrize("one", KEPT, ids=str)
def test_each_reads_as_if_it_were_alone(one):
    together, alone = Record.of(("video",), KEPT), Record.of(("video",), (one,))
    ts = np.full(3, 50_000_000)
    got = read(together, folded(together, KEPT), ts)[one]
    assert got.any()
    assert got.tolist() == read(alone, folded(alone, (one,)), ts)[one].tolist()


def test_what_is_folded_into_one_leaves_the_others():
    record = Record.of(("video",), KEPT)
    got = read(record, folded(record, KEPT[:1]), np.full(3, 50_000_000))
    assert got[KEPT[0]].all()
    assert not any(got[other].any() for other in KEPT[1:])


def test_the_order_in_which_features_name_them_says_nothing():
    assert Record.of(("video",), KEPT).blank.dtype == Record.of(("video",), KEPT[::-1]).blank.dtype
    assert Record.of(("video",), KEPT).decayed == Record.of(("video",), KEPT[::-1]).decayed
