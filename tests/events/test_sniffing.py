from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sixfold.errors import DataError
from sixfold.events.sniffing import Form, looks_like_header, sniff


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
def test_every_delimiter_is_found_with_and_without_header(tmp_path: Path, delimiter: str) -> None:
    rows = [["7", "Heat (1995)", "4.5"], ["8", "Alien", "3"], ["9", "Up, and away", "2"]]
    bare = "\n".join(delimiter.join(row) for row in rows) if delimiter != "," else '7,"Heat, (1995)",4\n8,Alien,3\n'
    layout = sniff(write(tmp_path / "bare.csv", bare), Form())
    assert (layout.delimiter, layout.header, layout.columns) == (delimiter, False, ("c1", "c2", "c3"))
    headed = sniff(write(tmp_path / "headed.csv", delimiter.join(["id", "title", "stars"]) + "\n" + bare), Form())
    assert (headed.delimiter, headed.header, headed.columns) == (delimiter, True, ("id", "title", "stars"))


def test_a_decimal_comma_does_not_beat_the_semicolon(tmp_path: Path) -> None:
    layout = sniff(write(tmp_path / "a.csv", "user;item;stars\n1;2;3,5\n1;3;2,5\n2;2;4,0\n"), Form())
    assert layout.delimiter == ";"


def test_a_list_inside_a_cell_does_not_beat_the_comma(tmp_path: Path) -> None:
    layout = sniff(write(tmp_path / "a.csv", "id,genres\n1,a|b|c\n2,a|d|e\n3,b|c|d\n"), Form())
    assert layout.columns == ("id", "genres")


def test_a_stray_quote_switches_quoting_off_only_where_that_fits_better(tmp_path: Path) -> None:
    stray = sniff(write(tmp_path / "a.tsv", '1\t"Heat\tx\n2\tUp\ty\n3\tAlien"\tz\n'), Form())
    proper = sniff(write(tmp_path / "b.csv", '1,"a, b",x\n2,"c, d",y\n'), Form())
    assert not stray.quotes
    assert proper.quotes


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    utf8 = sniff(write(tmp_path / "a.csv", "\ufeffid,stars\n1,2\n".encode()), Form())
    utf16 = sniff(write(tmp_path / "b.csv", ("id,name\n" + "1,é\n" * 90_000).encode("utf-16")), Form())
    assert utf8.columns == ("id", "stars")
    assert utf16.columns == ("id", "name")


def test_latin1_is_said(tmp_path: Path) -> None:
    layout = sniff(write(tmp_path / "a.dat", "1::Café::x\n2::Bar::y\n".encode("latin-1")), Form())
    assert "latin-1" in layout.notes[0]


def test_a_header_of_words_needs_no_numbers_below() -> None:
    assert looks_like_header([["user", "country"], ["ann", "de"], ["bob", "fr"]])
    assert not looks_like_header([["news", "sports"], ["x", "sports"]])
    assert not looks_like_header([["1", "2"], ["3", "4"]])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x00\x01\x02PAR1,\x00", "binary"),
        (b"just\nsome\nwords\n", "one column"),
        (b"id,name,id\n1,a,2\n", "names the column 'id' twice"),
        (gzip.compress(b"a,b\n1,2\n" * 9000)[:60], "damaged gzip"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(DataError, match=says):
        sniff(write(tmp_path / "x.csv", content), Form())


def test_no_such_file_and_no_such_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        sniff(tmp_path / "none.csv", Form())
    with pytest.raises(DataError, match="latin-99"):
        sniff(write(tmp_path / "x.csv", "a,b\n1,2\n"), Form(encoding="latin-99"))


def test_names_given_replace_those_of_the_header(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "id,id\n1,2\n")
    layout = sniff(path, Form(header=True, columns=("user", "item")))
    assert layout.columns == ("user", "item")
    assert layout.header
