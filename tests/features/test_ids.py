"""A hash table of whole columns against a dict."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sixfold.events.hashing import hash_strings
from sixfold.features.ids import Ids, IdTable
from sixfold.features.mapped import Mapped
from sixfold.features.store import Store

# Few distinct low bits, so that probes collide: a slot is the hash's low bits.
HASHES = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 9).map(lambda n: n << 40), st.integers(0, 2**64 - 1)))


def hashes(values) -> np.ndarray:
    return np.array(values, np.uint64)


@given(st.lists(HASHES, max_size=6), HASHES)
def test_a_table_numbers_like_a_dict(batches, asked):
    table, known = IdTable(Store(), "ids"), {}
    for batch in batches:
        expected = [known.setdefault(value, len(known)) for value in batch]
        assert table.insert(hashes(batch)).tolist() == expected
        assert len(table) == len(known)
    assert table.lookup(hashes(asked)).tolist() == [known.get(value, -1) for value in asked]


def test_rows_stay_when_a_table_grows_by_one_and_by_many():
    table = IdTable(Store(), "ids")
    everyone = hash_strings(np.array([f"m{i}".encode() for i in range(5000)]))
    for i in range(200):
        assert table.insert(everyone[i : i + 1]).tolist() == [i]
    assert table.insert(everyone).tolist() == list(range(5000))


def test_a_slot_is_found_past_a_full_run_that_wraps_around():
    table = IdTable(Store(), "ids")
    last = hashes([63 + 64 * i for i in range(30)])
    table.insert(last)
    assert table.lookup(last[::-1]).tolist() == list(range(30))[::-1]
    assert table.lookup(hashes([63 + 64 * 30, 5])).tolist() == [-1, -1]


@given(st.lists(st.lists(st.text("abc", max_size=12).map(str.encode), max_size=8), max_size=5))
def test_names_and_rows_are_inverse(batches):
    ids, known = Ids(Store(), "video"), {}
    for batch in batches:
        names = np.array(batch or [b""])[: len(batch)]
        assert ids.learn(names).tolist() == [known.setdefault(name, len(known)) for name in batch]
    assert ids.names().tolist() == list(known)
    assert ids.rows(ids.names()).tolist() == list(range(len(known)))
    assert ids.names(np.arange(len(known))[::-1]).tolist() == list(known)[::-1]


def test_a_long_name_widens_the_column_and_keeps_the_short_ones():
    ids = Ids(Store(), "video")
    ids.learn(np.array([b"v1", b"v2"]))
    ids.learn(np.array([b"v2", b"a-much-longer-name"]))
    assert ids.names().tolist() == [b"v1", b"v2", b"a-much-longer-name"]


def test_a_mapped_table_is_there_when_opened_again(tmp_path):
    names = np.array([f"name-{i}".encode() for i in range(300)])
    mapped = Mapped(tmp_path, write=True)
    ids = Ids(Store(mapped), "video")
    ids.learn(names[:10])
    mapped.commit(1, 0)
    mapped.begin()
    ids.learn(names)
    mapped.commit(2, 0)
    third = Ids(Store(Mapped(tmp_path, write=False)), "video")
    assert len(third) == 300
    assert third.rows(names).tolist() == list(range(300))
    assert third.names().tolist() == names.tolist()
