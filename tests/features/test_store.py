"""Named arrays that grow, in memory and mapped."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.features.store import Store


@pytest.fixture(params=[False, True], ids=["memory", "mapped"])
def folder(request, tmp_path):
    return tmp_path / "state" if request.param else None


def test_room_is_made_with_the_fill_and_what_was_there_stays(folder):
    store = Store(folder)
    first = store.require("counts", 3, np.array([7, 8]))
    assert first.shape == (64, 2) and (first == [7, 8]).all()
    first[2] = [1, 2]
    grown = store.require("counts", 65, np.array([7, 8]))
    assert grown.shape == (128, 2), "capacity doubles"
    assert grown[2].tolist() == [1, 2] and (grown[64:] == [7, 8]).all()
    assert store.require("counts", 100, np.array([7, 8])) is store["counts"]
    assert ("counts" in store, "other" in store) == (True, False)


def test_creating_replaces(folder):
    store = Store(folder)
    store.create("at", np.arange(5))
    store.create("at", np.arange(3.0))
    assert store["at"].tolist() == [0.0, 1.0, 2.0]


def test_strings_widen(folder):
    store = Store(folder)
    store.create("names", np.zeros(0, "S1"))
    store.extend("names", 0, np.array([b"a", b"b"]))
    store.extend("names", 2, np.array([b"long one"]))
    assert store["names"][:3].tolist() == [b"a", b"b", b"long one"]


def test_a_mapped_store_is_there_when_opened_again(tmp_path):
    store = Store(tmp_path)
    store.require("attribute.video.length_s", 3, np.float64(np.nan))[1] = 5.0
    store.flush()
    again = Store(tmp_path)
    np.testing.assert_array_equal(again["attribute.video.length_s"], store["attribute.video.length_s"])
    again["attribute.video.length_s"][0] = 1.0
    assert store["attribute.video.length_s"][0] == 1.0, "both processes map one file"
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_sizes_are_bytes(folder):
    store = Store(folder)
    store.require("counts", 1, np.zeros(9, np.int64))
    assert store.nbytes() == {"counts": 64 * 9 * 8}
