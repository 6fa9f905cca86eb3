"""Which cells an event falls into: none, one for each row, one for each combination and member."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.errors import DesignError
from sixfold.features.cells import cells, is_combined
from sixfold.features.ids import IdTable
from sixfold.features.parts import Reading
from sixfold.features.store import Store

KEYS = {"member": np.array([0, 1, 0, -1], np.int32), "video": np.array([2, 2, 3, 2], np.int32)}
GENRES = np.array([[11, 12], [11, 0], [0, 0], [12, 11]], np.uint64)


def found(by, *, table=None, learn=True) -> np.ndarray:
    table = IdTable(Store(), "cells") if table is None else table
    return cells(by, Reading(lambda path: GENRES, KEYS, {}, 4), table, learn=learn)


def test_by_nothing_all_share_one_cell():
    assert found(()).tolist() == [[0]] * 4
    assert not is_combined(())


def test_by_an_entity_the_cell_is_its_row():
    assert found(("video",)).tolist() == [[2], [2], [3], [2]]
    assert not is_combined(("video",))


def test_by_two_parts_each_combination_is_a_cell():
    assert found(("member", "video")).tolist() == [[0], [1], [2], [-1]], "a row that is not known is in no cell"
    assert is_combined(("member", "video"))


def test_a_many_valued_category_is_a_cell_for_each_member():
    got = found(("video.genre",))
    assert got.tolist() == [[0, 1], [0, -1], [-1, -1], [1, 0]]
    assert is_combined(("video.genre",))


def test_member_by_category():
    got = found(("member", "video.genre"))
    assert got[0].tolist() == [0, 1] and got[1].tolist() == [2, -1]
    assert (got[2:] == -1).all(), "no category, no member"


def test_two_categories_cross():
    got = found(("video.genre", "video.genre"))
    assert got.shape == (4, 4)
    assert len(set(got[0].tolist())) == 4 and (got[1, 1:] == -1).all()


def test_the_order_of_parts_matters():
    table = IdTable(Store(), "cells")
    one, other = found(("member", "video"), table=table), found(("video", "member"), table=table)
    assert not set(one.ravel().tolist()) - {-1} & set(other.ravel().tolist())


def test_reading_learns_nothing():
    table = IdTable(Store(), "cells")
    assert (found(("member", "video"), table=table, learn=False) == -1).all()
    assert len(table) == 0
    found(("member", "video"), table=table)
    assert found(("member", "video"), table=table, learn=False).tolist() == [[0], [1], [2], [-1]]


def test_an_unknown_part_is_named():
    with pytest.raises(DesignError, match="kept by 'vide', which its events do not carry; did you mean 'video'"):
        found(("vide",))


def test_where_nothing_happened_no_key_is_missed():
    table = IdTable(Store(), "cells")
    for by in ((), ("member",), ("member", "video.genre")):
        assert cells(by, Reading(lambda path: GENRES, {}, {}, 0), table, learn=True).shape == (0, 1)
