from __future__ import annotations

from pathlib import Path

import pytest

from sixfold.events.naming import (
    happening,
    noun_of_column,
    noun_of_file,
    of_members,
    says_decision,
    says_id,
    says_member,
    says_position,
    says_value,
    singular,
    words,
)


def test_words_of_every_spelling() -> None:
    assert words("movieId") == words("movie_id") == words("Movie ID") == words("movieid") == ["movie", "id"]


@pytest.mark.parametrize(
    ("many", "one"),
    [("movies", "movie"), ("categories", "category"), ("dishes", "dish"), ("news", "news"), ("class", "class")],
)
def test_singular(many: str, one: str) -> None:
    assert singular(many) == one


@pytest.mark.parametrize(
    ("file", "noun"),
    [("movies.dat", "movie"), ("u.item", "item"), ("u.user", "user"), ("listings.csv.gz", "listing"), ("u.data", "")],
)
def test_the_noun_of_a_file(file: str, noun: str) -> None:
    assert noun_of_file(Path(file)) == noun


def test_glued_ids_are_only_those_of_known_things() -> None:
    assert (words("visitorid"), words("android"), words("paid")) == (["visitor", "id"], ["android"], ["paid"])


def test_what_columns_say() -> None:
    assert (noun_of_column("movie_id"), noun_of_column("c2"), noun_of_column("id")) == ("movie", "", "")
    assert says_id("movieId")
    assert says_id("user")
    assert not says_id("user_age")
    assert says_member("customer_key")
    assert not says_member("user_feature_2")
    assert of_members(Path("u.user"))
    assert says_decision("request_id")
    assert not says_decision("page_views")
    assert says_position("slot")
    assert says_value("watch_s")
    assert not says_value("seq")
    assert (happening("is_clicked"), happening("views.csv"), happening("genre")) == ("click", "view", "")
