"""A taste by hand: places from attributes, tastes from what was liked and from the member's own attributes."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.events.hashing import hash_strings
from sixfold.features.attributes import members
from sixfold.features.taste import Part, TasteFitted, taste
from sixfold.features.worked import Work
from sixfold.types import Asks, Queries

GENRES = np.array([b"drama", b"news", b"drama\x1fnews", b"unheard", b""])
KNOWN = np.argsort(hash_strings(GENRES[:2]))
PLACES = np.array([[1.0, 0.0], [0.0, 2.0]])
GENRE = Part("v.genre", hash_strings(GENRES[:2])[KNOWN].tolist(), [], [], PLACES[KNOWN].tolist())
LENGTH = Part("v.length", [], [10.0], [0.5], [[0.0, 1.0]])
COUNTRY = Part("m.country", hash_strings(np.array([b"nl"])).tolist(), [], [], [[0.3, -0.1]])
MEAN, USUAL, SPREAD = [0.5, 0.5], [0.1, 0.2], [0.5, 0.25]
FITTED = TasteFitted([GENRE, LENGTH], MEAN, [COUNTRY], USUAL, SPREAD)
LENGTHS = np.array([10.0, 12.0, np.nan, 10.0, 6.0])
COUNTRIES = np.array([b"nl", b"xx", b""])
HALF = 10
HISTORY = {0: [(1, 90), (0, 80)], 1: []}


def queries(asks: Asks) -> Queries:
    items, times = np.full((len(asks), 2), -1, np.int32), np.zeros((len(asks), 2), np.int64)
    for row, (member, now) in enumerate(zip(asks.member.tolist(), asks.ts.tolist(), strict=True)):
        for place, (item, ts) in enumerate([did for did in HISTORY.get(member, []) if did[1] < now]):
            items[row, place], times[row, place] = item, ts
    return Queries(asks.ts, asks.member, items, times, items, np.zeros(5, np.int64))


def attribute(path, rows, ts):
    return {"v.genre": members(GENRES), "v.length": LENGTHS, "m.country": members(COUNTRIES)}[path][rows]


def places(fitted: TasteFitted):
    work = Work(tuple(part.path for part in fitted.items), fitted.place)
    return lambda rows, ts: work.of(attribute, rows, ts)


def found(who, items, ts) -> np.ndarray:
    return taste(
        queries, places(FITTED), attribute, FITTED, half_life=HALF,
        members=np.array(who, np.int32), items=np.array(items, np.int32), ts=np.array(ts, np.int64),
    )  # fmt: skip


PLACE = np.array([[1, 0], [0, 2 + 1], [1 / np.sqrt(2), 2 / np.sqrt(2)], [0, 0], [0, -2]]) - MEAN
"""An unheard-of genre and an unknown length add nothing."""


def test_a_place_is_what_the_attributes_add():
    by_country = np.array(USUAL) + [0.3, -0.1]
    assert found([0] * 5, range(5), [70] * 5) == pytest.approx(PLACE @ by_country), "nothing was liked before 70"


def test_what_was_liked_is_weighed_against_what_was_expected():
    weight = np.array([2.0**-1, 2.0**-2])
    liked, expected = weight @ PLACE[[1, 0]], np.array(USUAL) + [0.3, -0.1]
    held = (liked + expected / SPREAD) / (weight.sum() + 1 / np.array(SPREAD))
    assert found([0, 0], [2, 4], [100, 100]) == pytest.approx(PLACE[[2, 4]] @ held)


def test_of_whom_nothing_is_known_the_usual_is_expected():
    assert found([1, 2], [0, 0], [100, 100]) == pytest.approx([PLACE[0] @ USUAL] * 2)


def test_no_directions_and_no_rows():
    nothing = TasteFitted([Part("v.length", [], [10.0], [0.5], [[]])], [], [], [], [])
    got = taste(
        queries, places(nothing), attribute, nothing, half_life=HALF,
        members=np.zeros(2, np.int32), items=np.zeros(2, np.int32), ts=np.full(2, 100),
    )  # fmt: skip
    assert got.tolist() == [0.0, 0.0]
    assert found([], [], []).tolist() == []
