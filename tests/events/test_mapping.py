from __future__ import annotations

from pathlib import Path

import pytest

from sixfold.errors import DataError
from sixfold.events.mapping import EntityTable, Mapping, OutcomeTable

RATINGS = OutcomeTable(file="sub/ratings*.csv", name="rating", ts="t", keys={"member": "u", "movie": "m"})
MOVIES = EntityTable(file="movies.dat", of="movie", key="id", values={"title": "name"})


def test_a_table_names_the_columns_it_needs_once() -> None:
    assert RATINGS.columns() == ("t", "u", "m")
    assert MOVIES.columns() == ("id", "name")


def test_the_table_of_a_file_is_found_by_name() -> None:
    mapping = Mapping((RATINGS, MOVIES))
    assert mapping.tables_for(Path("/elsewhere/ratings_2.csv")) == (RATINGS,)
    assert Mapping((MOVIES,)).tables_for(Path("anything.txt")) == (MOVIES,)
    with pytest.raises(DataError, match=r"no table for movie.dat; did you mean 'movies.dat'"):
        mapping.tables_for(Path("movie.dat"))


def test_files_are_sought_beside_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("sub/ratings_b.csv", "sub/ratings_a.csv", "movies.dat"):
        (tmp_path / name).touch()
    found = [(table.file, path.name) for table, path in Mapping((RATINGS, MOVIES)).files(tmp_path)]
    assert found == [
        ("sub/ratings*.csv", "ratings_a.csv"), ("sub/ratings*.csv", "ratings_b.csv"), ("movies.dat", "movies.dat"),
    ]  # fmt: skip
    with pytest.raises(DataError, match="is not in"):
        list(Mapping((MOVIES,)).files(tmp_path / "sub"))
