"""Batches as bytes and back, and bytes that are none."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.logs import random_log

from sixfold.errors import DataError
from sixfold.events.codec import decode, encode
from sixfold.events.schema import Events

LOG = random_log(np.random.default_rng(0))
COLUMNS = {
    "text": np.array([b"", b"a", "é".encode()]),
    "f8": np.array([0.1, np.nan, np.inf]),
    "f4": np.array([0.1, -0.0, 3], np.float32),
    "i8": np.array([-(2**63), 0, 2**63 - 1]),
    "i4": np.array([-1, 0, 1], np.int32),
    "i2": np.array([-1, 0, 1], np.int16),
    "u8": np.array([0, 1, 2**64 - 1], np.uint64),
    "flag": np.array([True, False, True]),
    "vector": np.arange(12, dtype=np.float32).reshape(3, 4),
}


def groups(events: Events) -> dict[str, dict[str, np.ndarray]]:
    return {**dict(events.tables()), "shown": dict(events.shown)}


@pytest.mark.parametrize("events", [LOG, Events(), LOG.before(-(2**62))], ids=["log", "nothing", "no rows"])
def test_a_batch_survives(events):
    before, after = groups(events), groups(decode(encode(events)))
    assert before.keys() == after.keys()
    for name, table in before.items():
        assert list(table) == list(after[name])
        for column in table:
            assert table[column].dtype == after[name][column].dtype
            np.testing.assert_array_equal(table[column], after[name][column])


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_each_kind_survives(name):
    table = {"id": np.array([b"a", b"b", b"c"]), "ts": np.arange(3), name: COLUMNS[name]}
    found = decode(encode(Events(entities={"video": table}))).entities["video"][name]
    assert found.dtype == COLUMNS[name].dtype and found.shape == COLUMNS[name].shape
    assert found.tobytes() == COLUMNS[name].tobytes()


def test_a_column_that_is_a_view_survives():
    every = np.arange(10.0)
    table = {"id": np.array([b"a", b"b"]), "ts": np.arange(2), "x": every[::5]}
    assert decode(encode(Events(entities={"video": table}))).entities["video"]["x"].tolist() == [0.0, 5.0]


def test_same_batch_same_bytes():
    assert encode(LOG) == encode(random_log(np.random.default_rng(0)))


@given(st.integers(0, len(encode(LOG)) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_no_batch(place, flip):
    body = bytearray(encode(LOG))
    body[place] ^= flip
    try:
        found = decode(bytes(body))
    except DataError as error:
        assert "restore the log from a backup" in str(error)
    else:
        # zlib leaves a few header bits unused; what is read is then the batch itself.
        assert encode(found) == encode(LOG)


def body(column: list[object]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode([{"video": {"x": column}}, {}, {}, {}]))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a batch",
        encode(LOG)[:-1],
        zlib.compress(b"not msgpack"),
        zlib.compress(msgspec.msgpack.encode([1, 2, 3])),
        body(["<f8", [3], b"\0" * 8]),
        body(["<f8", [1], b"\0" * 7]),
        body(["|O", [1], b"\0" * 8]),
        body(["nonsense", [1], b"\0" * 8]),
        body(["<f8", [-1], b"\0" * 8]),
    ],
    ids=["nothing", "text", "cut", "no msgpack", "other msgpack", "shape", "bytes", "objects", "dtype", "negative"],
)
def test_what_is_no_batch_is_refused(data):
    with pytest.raises(DataError, match="a batch of the log cannot be decoded"):
        decode(data)
