from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.events.reading import layout_of, read, require
from sixfold.events.rows import RawBatch, join
from sixfold.events.schema import SEP
from sixfold.events.sniffing import Form, Layout

CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


def all_of(path: Path, form: Form = Form(), *, size: int = 50_000) -> RawBatch:
    batches = list(read(path, layout_of(path, form), size=size))
    assert all(len(batch) <= size for batch in batches)
    whole = join(batches)
    rejected = sum((batch.rejected for batch in batches[1:]), batches[0].rejected)
    return RawBatch(whole.source, whole.columns, whole.rows, rejected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12), size=st.integers(1, 5))
def test_what_the_csv_module_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str, str]], size: int) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows(rows)
    path = tmp_path / "x.csv"
    path.write_bytes(stream.getvalue().encode())
    layout = Layout("csv", ("a", "b", "c"), header=False)
    batches = list(read(path, layout, size=size))
    assert [row for batch in batches for row in zip(*batch.columns.values(), strict=True)] == rows
    assert [int(row) for batch in batches for row in batch.rows] == list(range(1, len(rows) + 1))


def test_rows_of_another_width_come_out_beside(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,title,stars\n1,Heat,4\n2,Up\n\n3,Alien,5,extra\n4,Big,1\n" + "5,Ran,2\n" * 60)
    batch = all_of(path, size=2)
    assert batch.columns["title"][:2] == ("Heat", "Big")
    assert batch.rows[:2].tolist() == [2, 6]
    assert batch.rejected.rows == (3, 5)
    assert batch.rejected.reasons == ("has 2 fields, expected 3", "has 4 fields, expected 3")
    assert batch.rejected.raw[1] == {"id": "3", "title": "Alien", "stars": "5", "+1": "extra"}


def test_a_quote_that_never_closes_costs_its_row_and_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,4\n" + '5,"' + "x" * 140_000 + "\n6,7\n", encoding="utf-8")
    batch = all_of(path, Form(delimiter=",", quotes=True, header=True))
    assert batch.columns["a"][:2] == ("1", "3")
    assert "not closed" in batch.rejected.reasons[0]


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(gzip.compress("1::Café::4\n2::Bar::5\n".encode("latin-1")))
    assert all_of(path).columns["c2"] == ("Café", "Bar")


def test_jsonl_values_become_text(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id":1,"tags":["a","b"],"on":true,"x":null}\nnonsense\n{"id":2.5,"late":"y"}\n')
    batch = all_of(path)
    assert batch.columns["id"] == ("1", "2.5")
    assert batch.columns["tags"] == ("a" + SEP.decode() + "b", "")
    assert batch.columns["on"] == ("1", "")
    assert batch.columns["late"] == ("", "y")
    assert batch.rows.tolist() == [1, 3]
    assert batch.rejected.raw == ({"line": "nonsense"},)


def test_a_header_alone_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("user_id,item_id,ts\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        all_of(path)


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    layout = Layout("csv", ("user_id", "movie_id"))
    with pytest.raises(DataError, match=r"no column 'movie_idd'.*did you mean 'movie_id'"):
        require(tmp_path / "x.csv", layout, ["movie_idd"])


def test_bytes_that_do_not_fit_the_encoding_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 90_000 + b"2,\xe9\n")
    with pytest.raises(DataError, match="cannot be read as ascii"):
        all_of(path, Form(encoding="ascii"))
    assert all_of(path).columns["b"][-1] == "é"
