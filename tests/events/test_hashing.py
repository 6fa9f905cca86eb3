"""A hash that state, releases and logs hold: the same for ever, whatever the width of an array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.events.hashing import combine, hash_column, hash_strings, mix

# NumPy's S arrays do not tell trailing zero bytes from their filling.
STRINGS = st.lists(st.binary(max_size=30).filter(lambda text: not text.endswith(b"\0")), min_size=1, max_size=20)


def test_golden_values():
    """These numbers are on users' disks."""
    names = np.array([b"", b"m17", b"12345678", b"a-name-of-24-characters!", b"a-name-of-24-characters!!"])
    assert [f"{h:016x}" for h in hash_strings(names).tolist()] == [
        "0000000000000000", "e6ef2b657eef604b", "ccc342c6c5b2087c", "3d442514e7e3f9ea", "c611ccc2199d85eb",
    ]  # fmt: skip


def test_the_mixer_is_splitmix64():
    """The first numbers of splitmix64 seeded with 0 (Vigna's reference implementation)."""
    state = np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert mix(state).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(STRINGS, st.integers(0, 40))
def test_width_is_irrelevant(values, more):
    narrow = np.array(values)
    wide = narrow.astype(f"S{narrow.dtype.itemsize + more}")
    np.testing.assert_array_equal(hash_strings(narrow), hash_strings(wide))


@given(STRINGS)
def test_equal_where_equal_and_different_where_not(values):
    found = hash_strings(np.array(values)).tolist()
    assert len(set(found)) == len(set(values))
    assert [found[values.index(value)] for value in values] == found


def test_a_string_is_hashed_alone_as_among_others():
    column = np.array([b"short", b"a much longer string than the others"])
    assert hash_strings(column)[0] == hash_strings(np.array([b"short"]))[0]


def test_only_bytes_are_hashed():
    with pytest.raises(TypeError, match="takes an 'S' array, not <U1"):
        hash_strings(np.array(["a"]))


def test_pairs_are_ordered_and_broadcast():
    a, b = np.array([1, 2], np.uint64), np.array([2, 1], np.uint64)
    assert (combine(a, b) != combine(b, a)).all()
    assert combine(a[:, None], b[None]).shape == (2, 2)
    assert (
        len(set(combine(np.arange(100, dtype=np.uint64)[:, None], np.arange(100, dtype=np.uint64)).ravel())) == 10_000
    )


def test_columns_of_numbers_and_vectors():
    floats = hash_column(np.array([0.5, 0.5, 1.0]))
    assert floats[0] == floats[1] != floats[2]
    assert (hash_column(np.array([0.5], np.float32)) == floats[:1]).all(), "the same number, narrower"
    vectors = hash_column(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
    assert vectors[0] == vectors[2] != vectors[1]
    assert hash_column(np.array([-3], np.int32)) == hash_column(np.array([-3], np.int64))


def test_scatter():
    """Neighbours differ in about half of the 64 bits."""
    words = mix(np.arange(1000, dtype=np.uint64))
    flipped = np.bitwise_count(words[1:] ^ words[:-1]).mean()
    assert 31 < flipped < 33
