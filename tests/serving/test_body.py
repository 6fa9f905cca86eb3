from __future__ import annotations

import gzip
import json
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sixfold.serving.body import DEPTH, Refused, check_depth, inflated

LIMIT = 1000


def too_deep(body: bytes, *, lines: bool = False) -> bool:
    try:
        check_depth(body, lines=lines)
    except Refused as refused:
        assert refused.code == "too_deep"
        return True
    return False


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_the_limit_of_nesting_is_exact(opening, closing):
    times = DEPTH // (opening.count(b"[") + opening.count(b"{"))
    assert not too_deep(opening * times + b"1" + closing * times)
    assert too_deep(b"[" + opening * times + b"1" + closing * times + b"]")


@pytest.mark.parametrize(
    "text",
    [
        '"' + "[" * 200 + '"', json.dumps("[" * 200 + '"' + "{" * 200), json.dumps("\\" * 7 + "[" * 99), '"\\\\"',
        json.dumps({"a": "\\" + "[" * 99, "b\\\\\"[": ['"', "[" * 99]}),
    ],
)  # fmt: skip
def test_brackets_in_strings_do_not_count(text):
    assert not too_deep(b"[" + text.encode() + b"]")
    assert not too_deep(b"[]," * 70 + b"[" + text.encode() + b"]")


@given(
    st.recursive(
        st.text('[]{}"\\\n/a', max_size=12),
        lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text('[{"\\', max_size=4), part, max_size=3),
        max_leaves=30,
    ),
    st.integers(0, 80),
)
@example(["\\"], 64)
def test_the_depth_is_that_of_the_parsed_value(value, wraps):
    for _ in range(wraps):
        value = [value, '"[']
    assert too_deep(json.dumps(value).encode()) == (depth_of(value) > DEPTH)


def test_each_line_has_a_depth_of_its_own():
    unclosed = b'{"a":[\n' * 100
    assert not too_deep(unclosed, lines=True)
    assert too_deep(unclosed)
    assert not too_deep(b'{"a":"\n' * 100, lines=True), "a quote left open ends with its line"
    with pytest.raises(Refused, match="in line 102"):
        check_depth(unclosed + b"{}\n" + b"[" * 65 + b"\n{}", lines=True)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        (b"gzip", gzip.compress), (b"x-gzip", gzip.compress), (b"deflate", zlib.compress), (b" GZIP", gzip.compress),
        (b"deflate", lambda data: zlib.compress(data, wbits=-15)), (b"identity", bytes), (None, bytes),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [0, 1, LIMIT])
def test_bodies_are_inflated(name, pack, size):
    data = bytes(range(256)) * 4
    assert inflated(pack(data[:size]), name, LIMIT) == data[:size]


def test_a_bomb_stops_at_the_limit():
    with pytest.raises(Refused) as refused:
        inflated(gzip.compress(bytes(LIMIT + 1)), b"gzip", LIMIT)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"no gzip", "no gzip"), (b"", "cut short"), (gzip.compress(b"x")[:-9], "cut short"),
     (gzip.compress(b"x") * 2, "goes on"), (gzip.compress(b"x")[:-8] + bytes(8), "no gzip")],
)  # fmt: skip
def test_what_is_not_one_whole_stream_is_refused(body, words):
    with pytest.raises(Refused, match=words) as refused:
        inflated(body, b"gzip", LIMIT)
    assert (refused.value.status, refused.value.code) == (400, "bad_encoding")


@given(st.binary(max_size=60), st.sampled_from([b"gzip", b"deflate", b"br", b"gzip, gzip", b""]))
def test_no_bytes_and_no_encoding_do_worse_than_be_refused(body, encoding):
    try:
        assert len(inflated(body, encoding, LIMIT)) <= LIMIT
    except Refused as refused:
        assert refused.status in (400, 413, 415)
