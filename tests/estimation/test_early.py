"""Outcomes that wait for their estimate: each is given once, and of too many the newest are kept."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.estimation import early
from sixfold.estimation.early import Early
from sixfold.features.mapped import Mapped
from sixfold.features.store import Store


def hashes(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.uint64)


def hold(waits: Early, column: int, *decisions: int) -> None:
    """An outcome of each decision, whose value is the decision's number."""
    of = hashes(*decisions)
    waits.hold(column, of, np.arange(len(of)), of + np.uint64(100), of.astype(float))


def test_each_is_given_once_to_its_own():
    waits = Early(Store())
    assert not len(waits.take(hashes(1))[0])
    hold(waits, 0, 1, 2, 3)
    hold(waits, 1, 2)
    of, said = waits.take(hashes(2, 9))
    assert of.tolist() == [2, 2] and said["column"].tolist() == [0, 1] and said["value"].tolist() == [2, 2]
    assert said["by"].tolist() == [102, 102] and said["ts"].tolist() == [1, 0]
    assert not len(waits.take(hashes(2))[0]) and waits.take(hashes(3, 1))[0].tolist() == [1, 3]
    assert not len(waits.take(hashes())[0]) and not len(waits.take(hashes(0))[0])


@pytest.mark.parametrize("sizes", [(3, 3, 3, 3), (20,), (1, 30, 2), (8, 8)])
def test_of_too_many_the_newest_wait(monkeypatch, sizes):
    monkeypatch.setattr(early, "MOST", 8)
    waits, number, sent = Early(Store()), 1, []
    for size in sizes:
        hold(waits, 0, *range(number, number + size))
        sent += range(number, number + size)
        number += size
    assert sorted(waits.take(hashes(*sent))[0].tolist()) == sent[-8:]


def test_another_process_finds_them(tmp_path):
    writer = Mapped(tmp_path, write=True)
    waits = Early(Store(writer))
    writer.commit(1, 1)
    writer.begin()
    hold(waits, 0, 5, 6)
    writer.commit(2, 2)
    writer.close()
    again = Mapped(tmp_path, write=True)
    assert Early(Store(again)).take(hashes(6))[1]["value"].tolist() == [6]
    again.close()
