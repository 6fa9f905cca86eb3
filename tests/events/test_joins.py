from __future__ import annotations

from pathlib import Path

from sixfold.events.joins import join_of, pair_up
from sixfold.events.profile import FileProfile, profile


def files(tmp_path: Path) -> tuple[FileProfile, FileProfile, FileProfile]:
    rows = [f"{n % 40 + 1},{n % 30 + 1},{n % 5 + 1},{1_700_000_000 + n}" for n in range(400)]
    (tmp_path / "log.csv").write_text("user_id,movie_id,stars,ts\n" + "\n".join(rows) + "\n")
    (tmp_path / "users.csv").write_text("id,age\n" + "".join(f"{n},{20 + n % 30}\n" for n in range(1, 81)))
    (tmp_path / "movies.csv").write_text(
        "id,year\n" + "".join(f"{n},{1990 + n % 30}\n" for n in range(1, 41) if n != 7)
    )
    log, users, movies = (profile(tmp_path / f"{name}.csv") for name in ("log", "users", "movies"))
    return log, users, movies


def test_names_settle_what_small_numbers_leave_open(tmp_path: Path) -> None:
    log, users, movies = files(tmp_path)
    ids = [log.column("user_id"), log.column("movie_id"), log.column("stars")]
    found = pair_up(log, ids, [movies, users])
    assert {name: (table.path.name, key.name) for name, (table, key) in found.items()} == {
        "user_id": ("users.csv", "id"),
        "movie_id": ("movies.csv", "id"),
    }


def test_rates_both_ways(tmp_path: Path) -> None:
    log, _, movies = files(tmp_path)
    join = join_of(log, log.column("movie_id"), movies, movies.column("id"))
    missing = sum(n % 30 + 1 == 7 for n in range(400))
    assert missing == 14
    assert join.found == 1 - missing / 400
    assert join.unused == 10
    assert str(join) == "96.5 % of log.csv.movie_id found in movies.csv.id; 10 of movies.csv have no row in log.csv"


def test_a_table_of_something_else_joins_nothing(tmp_path: Path) -> None:
    log, _, _ = files(tmp_path)
    (tmp_path / "shops.csv").write_text("shop,city\n" + "".join(f"s{n},c{n % 3}\n" for n in range(30)))
    assert pair_up(log, [log.column("movie_id")], [profile(tmp_path / "shops.csv")]) == {}
