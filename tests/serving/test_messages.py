from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.serving.messages import Placed, Rank, Recommend, Slate


def recommend(**fields):
    return msgspec.json.decode(msgspec.json.encode({"member": "m1", **fields}), type=Recommend)


def rank(items, **fields):
    return msgspec.json.decode(msgspec.json.encode({"member": "m1", "items": items, **fields}), type=Rank)


def test_a_member_is_enough():
    assert recommend() == Recommend(member="m1")


@pytest.mark.parametrize(
    "fields",
    [
        {"k": 1}, {"k": 1000}, {"exclude": ["x"] * 1000}, {"context": {str(n): n for n in range(32)}},
        {"context": {"device": "tv", "price": 1.5}}, {"ts": 1.5}, {"ts": "2026-01-01T00:00:00Z"}, {"member": "é" * 128},
    ],
)  # fmt: skip
def test_what_is_within_the_limits_is_taken(fields):
    recommend(**fields)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"member": ""}, "$.member"), ({"member": "x" * 257}, "$.member"), ({"member": "é" * 129}, "member"),
        ({"member": "a\0"}, "member"), ({"member": 1}, "$.member"), ({"k": 0}, "$.k"), ({"k": 1001}, "$.k"),
        ({"k": 1.5}, "$.k"), ({"exclude": ["x"] * 1001}, "$.exclude"), ({"exclude": ["x", ""]}, "$.exclude[1]"),
        ({"exclude": ["x", "é" * 129]}, "exclude"), ({"context": {str(n): n for n in range(33)}}, "$.context"),
        ({"context": {"a": True}}, "$.context"), ({"context": {"a": None}}, "$.context"), ({"context": {"": 1}}, "$.context"),
        ({"context": {"a": "x" * 257}}, "$.context"), ({"explain": 1}, "$.explain"), ({"ts": "x" * 41}, "$.ts"),
        ({"membr": "x"}, "membr"),
    ],
)  # fmt: skip
def test_what_is_beyond_them_is_refused_by_its_path(fields, path):
    with pytest.raises(msgspec.ValidationError) as error:
        recommend(**fields)
    assert path in str(error.value)


@pytest.mark.parametrize(("items", "words"), [([], "items"), (["a"] * 1001, "items"), (["a", "b", "a"], "'a' twice")])
def test_items_to_rank_are_one_to_a_thousand_and_each_once(items, words):
    with pytest.raises(msgspec.ValidationError, match=words):
        rank(items)
    assert len(rank([str(n) for n in range(1000)]).items) == 1000


@given(st.text(max_size=300))
def test_an_id_is_taken_exactly_where_the_log_can_hold_it(member):
    fits = 1 <= len(member.encode()) <= 256 and "\0" not in member
    try:
        assert recommend(member=member).member == member
        taken = True
    except msgspec.ValidationError:
        taken = False
    assert taken == fits


def test_what_was_not_asked_for_is_absent():
    slate = Slate(
        decision="d", release="r", member="m", known=True, items=[Placed(item="a", position=1, score=0.5)], degraded=[]
    )
    assert msgspec.json.encode(slate) == (
        b'{"decision":"d","release":"r","member":"m","known":true,'
        b'"items":[{"item":"a","position":1,"score":0.5,"title":""}],"degraded":[]}'
    )


def test_an_answer_may_gain_fields():
    body = b'{"decision":"d","release":"r","member":"m","known":true,"items":[],"degraded":[],"later":1}'
    assert msgspec.json.decode(body, type=Slate).decision == "d"
