"""Named arrays that grow, in memory and mapped."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.features.mapped import Mapped
from sixfold.features.store import Store


@pytest.fixture(params=[False, True], ids=["memory", "mapped"])
def store(request, tmp_path):
    return Store(Mapped(tmp_path, write=True) if request.param else None)


def test_room_is_made_with_the_blank_and_what_was_there_stays(store):
    blank = np.array([7, 8])
    store.require("counts", 3, blank)
    assert store["counts"].shape == (64, 2) and (store["counts"] == blank).all()
    store.put("counts", np.array([2]), np.array([[1, 2]]))
    store.require("counts", 65, blank)
    assert store["counts"].shape == (128, 2), "capacity doubles"
    assert store["counts"][2].tolist() == [1, 2] and (store["counts"][64:] == blank).all()
    assert ("counts" in store, "other" in store) == (True, False)


def test_what_is_not_there_reads_as_blank(store):
    blank = np.array(-5)
    assert store.read("none", np.array([0, -1]), blank).tolist() == [-5, -5]
    store.create("at", np.arange(3))
    assert store.read("at", np.array([2, -1, 3, 0]), blank).tolist() == [2, -5, -5, 0]


def test_a_read_is_a_copy(store):
    store.create("at", np.arange(3))
    store.read("at", np.arange(3), np.array(0))[:] = 9
    assert store["at"].tolist() == [0, 1, 2]


def test_creating_replaces(store):
    store.create("at", np.arange(5))
    store.create("at", np.arange(3.0))
    assert store["at"].tolist() == [0.0, 1.0, 2.0]


def test_strings_widen(store):
    store.create("names", np.zeros(0, "S1"))
    store.extend("names", 0, np.array([b"a", b"b"]))
    store.extend("names", 2, np.array([b"long one"]))
    assert store["names"][:3].tolist() == [b"a", b"b", b"long one"]


def test_sizes_are_bytes(store):
    store.require("counts", 1, np.zeros(9, np.int64))
    assert store.nbytes() == {"counts": 64 * 9 * 8}
