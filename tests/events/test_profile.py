from __future__ import annotations

from pathlib import Path

import pytest

from sixfold.errors import DataError
from sixfold.events.profile import profile
from sixfold.events.times import Time


def test_kinds(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = [
        f"{n},{n % 7}.0,{n % 2},{n / 3},0{n % 9}123,{1_700_000_000_000 + n},{n % 28 + 1:02}/12/2023,word {n % 5},"
        for n in range(50)
    ]
    path.write_text("id,float_id,on,x,zip,t,day,text,none\n" + "\n".join(rows) + "\n")
    found = profile(path)
    assert {column.name: column.kind for column in found.columns} == {
        "id": "integer", "float_id": "integer", "on": "flag", "x": "number", "zip": "text", "t": "time",
        "day": "time", "text": "text", "none": "empty",
    }  # fmt: skip
    assert found.column("float_id").floats
    assert found.column("float_id").distinct == 7
    assert found.column("id").unique
    assert found.column("t").time == Time("t", unit="ms")
    assert found.column("day").time == Time("day", format="%d/%m/%Y")
    assert (found.rows, found.whole) == (50, True)


def test_a_column_of_floats_has_the_values_of_its_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n" + "".join(f"{n}.0,a{n}\n" for n in range(30)))
    (tmp_path / "b.csv").write_text("id,x\n" + "".join(f"{n},a{n}\n" for n in range(30)))
    a, b = profile(tmp_path / "a.csv").column("id"), profile(tmp_path / "b.csv").column("id")
    assert a.values.tolist() == b.values.tolist()


def test_month_first_where_day_first_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("d,x\n12/31/2023,1\n01/02/2024,2\n02/20/2024,3\n")
    assert profile(tmp_path / "a.csv").column("d").time == Time("d", format="%m/%d/%Y")


def test_a_long_file_is_read_in_part(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,x\n" + "1,2\n" * 60_000)
    found = profile(tmp_path / "a.csv", most_rows=50_000)
    assert (found.rows, found.whole) == (50_000, False)


def test_a_header_alone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("u,x\n")
    with pytest.raises(DataError, match="no rows"):
        profile(tmp_path / "a.csv")
