from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.events.parsing import categories, convert, encode, first_faults, keys, narrow, numbers, without_fraction


def reasons(parsed: object, size: int) -> dict[int, str]:
    return first_faults(size, parsed.faults)  # type: ignore[attr-defined]


@given(
    st.lists(st.one_of(st.floats(allow_nan=False).map(repr), st.sampled_from(["x", "1e", "--1", "12 3"])), max_size=40)
)
def test_convert_agrees_with_float_cell_by_cell(cells: list[str]) -> None:
    values, good = convert(np.array(cells, dtype=np.bytes_), np.dtype(np.float64))
    for cell, value, fine in zip(cells, values, good, strict=True):
        try:
            assert fine
            assert value == float(cell)
        except (ValueError, AssertionError):
            assert not fine
            with pytest.raises(ValueError):
                float(cell)


def test_numbers_missing_broken_infinite() -> None:
    parsed = numbers(["1.5", "", "NA", "x", "inf", "1_000", " 2 "], "v", required=True)
    assert parsed.values[[0, 6]].tolist() == [1.5, 2.0]
    assert reasons(parsed, 7) == {
        1: "v is missing", 2: "v is missing", 3: "v is not a number", 4: "v is infinite", 5: "v is not a number",
    }  # fmt: skip
    assert reasons(numbers(["", "NULL"], "v"), 2) == {}
    assert numbers(["3,5"], "v", decimal=",").values.tolist() == [3.5]


def test_keys_that_cannot_be_kept() -> None:
    parsed = keys(["a", "", "a\0b", "a\x1fb", "x" * 257, "é" * 128], "user")
    assert parsed.values[5].decode() == "é" * 128
    assert reasons(parsed, 6) == {
        1: "user is missing", 2: "user has a NUL character",
        3: "user has a separator character (0x1f)", 4: "user is longer than 256 bytes",
    }  # fmt: skip


def test_a_trailing_nul_is_seen_though_numpy_would_drop_it() -> None:
    assert reasons(keys(["ab\0"], "user"), 1) == {0: "user has a NUL character"}


def test_ids_that_a_float_column_spoilt() -> None:
    assert keys(["12.0", "100.00", "7", "1.5", "a.0", "0.0"], "id", integer=True).values.tolist() == [
        b"12", b"100", b"7", b"1.5", b"a.0", b"0",
    ]  # fmt: skip
    assert keys(["12.0"], "id").values.tolist() == [b"12.0"]
    assert without_fraction(np.array([b"100"])).tolist() == [b"100"]


def test_text_is_utf8_stripped_and_no_wider_than_needed() -> None:
    assert encode([" Café ", "x"], "t").values.tolist() == ["Café".encode(), b"x"]
    assert narrow(np.array([b"abc"], dtype="S90")).dtype == "S3"
    assert len(encode([], "t").values) == 0


def test_many_valued_categories_stand_apart_by_sep() -> None:
    assert categories(["a|b", "c", ""], "g", split="|").values.tolist() == [b"a\x1fb", b"c", b""]


def test_the_first_reason_counts() -> None:
    yes, no = np.array([True]), np.array([False])
    assert first_faults(1, [(no, "a"), (yes, "b"), (yes, "c")]) == {0: "b"}
