"""Directions are found where they were planted, with the spread of tastes along them, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from tests.logs import START, random_log

from sixfold.events.hashing import hash_strings
from sixfold.features import spec, taste_fit, words
from sixfold.features.attributes import members as packed
from sixfold.features.indexed import Vocabulary, index
from sixfold.features.store import Store
from sixfold.features.taste import Part, TasteFitted
from sixfold.features.taste_fit import Likes, fit

ITEMS, MEMBERS, SHOWN, DIMS = 400, 600, 300, 5
VECTOR = Part("v.e", [], [0.0] * DIMS, [1.0] * DIMS, [])
GROUP = Part("m.g", sorted(hash_strings(np.array([b"a", b"b"])).tolist()), [], [], [])


def world(rng, *, spread: float, shift: float = 0.0):
    """Members of two groups with tastes along dimension 0: N(+-shift, spread). Everything is shown alike."""
    vectors = rng.normal(size=(ITEMS, DIMS))
    group = np.arange(MEMBERS) % 2
    tastes = shift * (1 - 2 * group) + np.sqrt(spread) * rng.normal(size=MEMBERS)
    item = rng.integers(0, ITEMS, (MEMBERS, SHOWN))
    liked = rng.random(item.shape) < 0.06 * np.exp(tastes[:, None] * vectors[item, 0] - tastes[:, None] ** 2 / 2)
    member, place = np.nonzero(liked)
    likes = Likes(member.astype(np.int32), item[member, place].astype(np.int32), MEMBERS)
    held = packed(np.array([b"a", b"b"])[group])
    return vectors, held, likes, np.bincount(item.ravel(), minlength=ITEMS).astype(float)


def genre_part() -> Part:
    return Part("v.g", sorted(hash_strings(np.array([b"x", b"y"])).tolist()), [], [], [])


def fitted(vectors, held, likes, shown, factors=3) -> TasteFitted:
    return fit([(VECTOR, vectors)], [(GROUP, held)], likes, shown, factors=factors)


def test_a_planted_direction_is_found_with_its_spread():
    found = fitted(*world(np.random.default_rng(0), spread=0.5))
    table = np.array(found.items[0].table)
    assert found.spread[0] == pytest.approx(0.5, rel=0.15)
    assert abs(table[0, 0]) > 0.98 and np.abs(table[1:, 0]).max() < 0.1
    assert all(spread < 0.05 for spread in found.spread[1:])


def test_where_tastes_are_alike_there_is_no_direction():
    found = fitted(*world(np.random.default_rng(1), spread=0.0))
    assert all(spread < 0.05 for spread in found.spread)


def test_a_group_tells_where_its_members_tastes_lie():
    found = fitted(*world(np.random.default_rng(2), spread=0.1, shift=0.6), factors=1)
    (direction,) = np.array(found.items[0].table)[0]
    by_hash = dict(zip(found.members[0].hashes, np.array(found.members[0].table)[:, 0] * direction, strict=True))
    a, b = (by_hash[int(h)] for h in hash_strings(np.array([b"a", b"b"])))
    assert (a - b) / 2 == pytest.approx(0.6, rel=0.2)


def test_a_value_of_a_category_is_a_dimension():
    rng = np.random.default_rng(3)
    _, held, _, _ = world(rng, spread=0.0)
    genre = packed(np.array([b"x", b"y"])[np.arange(ITEMS) % 2])
    member = np.repeat(np.arange(MEMBERS, dtype=np.int32), 8)
    item = (2 * rng.integers(0, ITEMS // 2, len(member)) + member % 2).astype(np.int32)
    found = fit([(genre_part(), genre)], [(GROUP, held)], Likes(member, item, MEMBERS), np.ones(ITEMS), factors=4)
    one, other = np.array(found.items[0].table)[:, 0]
    assert one == pytest.approx(-other) and len(found.spread) == 1, "who likes x never likes y"


def test_blocks_make_no_difference(monkeypatch):
    made = world(np.random.default_rng(4), spread=0.5)
    whole = fitted(*made, factors=1)
    monkeypatch.setattr(taste_fit, "BLOCK", 97)
    parts = fitted(*made, factors=1)
    sign = np.sign(np.array(whole.items[0].table)[0, 0] * np.array(parts.items[0].table)[0, 0])
    assert np.array(parts.items[0].table) * sign == pytest.approx(np.array(whole.items[0].table), abs=1e-6)
    assert parts.spread == pytest.approx(whole.spread)


def test_a_value_is_known_by_the_mean_of_its_items():
    """What was learned with the means beside the values is the same once it is folded into the values' own places."""
    rng = np.random.default_rng(6)
    values = np.array([b"x", b"y", b"x\x1fy", b""])
    held = [(VECTOR, rng.normal(size=(4, DIMS))), (genre_part(), packed(values))]
    content = taste_fit._Content(held)
    turn = rng.normal(size=(content.size, 2))
    placed = sum(part.place(rows) for part, (_, rows) in zip(content.parts(turn), held, strict=True))
    assert placed == pytest.approx(content.of(np.arange(4)) @ turn)
    half = 1 / np.sqrt(2)
    mean = (held[0][1][0] + half * held[0][1][2]) / (1 + half + taste_fit.IMAGINED)
    assert content.of(np.array([0]))[0, -DIMS:] == pytest.approx(mean), "x has the first item, and a share of the third"


def test_nobody_liked_anything():
    vectors, held, _, shown = world(np.random.default_rng(5), spread=0.5)
    nothing = np.empty(0, np.int32)
    found = fitted(vectors, held, Likes(nothing, nothing, MEMBERS), shown)
    assert (found.spread, found.usual, found.mean) == ([], [], [])


def test_a_log_without_impressions_counts_every_item_once():
    events = random_log(np.random.default_rng(0))
    ids = Vocabulary(Store(), ("member", "video"))
    log = index(events, ids, item="video")
    memory = spec.Memory("member", "video", spec.Stream("watch"), spec.Stream("watch"), 5)
    feature = words.taste("video.embedding", "video.genre")
    found = taste_fit.learned(feature, log, memory, until=START - 1)
    assert found.spread == [], "nothing was liked so early"
    assert taste_fit.learned(feature, log, memory, until=2**62).spread
