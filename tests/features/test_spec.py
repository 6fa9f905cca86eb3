"""What a design may say about features, and how a feature is called."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from sixfold.errors import DesignError
from sixfold.features import spec, words
from sixfold.features.spec import Accumulator, Decayed, Sawtooth, Stream, name_of

WATCHED = words.at_least("watch", 30)

USUAL = words.expected("done", words.context("items"), words.hour(), words.distance("store", "context.drop"))

NAMED = [
    (words.attribute("video.genre"), "video.genre"),
    (words.context("device"), "context.device"),
    (words.age("video.published"), "age(video.published)"),
    (words.hour(), "hour"),
    (words.weekday(), "weekday"),
    (words.position(), "position"),
    (words.similarity("video.embedding"), "similarity(video.embedding, 30d)"),
    (words.taste("video.embedding", "video.genre", given="member.country"), "taste(video.embedding+video.genre, 30d)"),
    (words.bucket("video"), "bucket(video, 256)"),
    (words.under_way("done", "gone", by="store"), "open(until done, by=store)"),
    (words.count("watch", window="7d"), "count(watch, by=all, 7d)"),
    (words.count(WATCHED, by=("member", "video"), window="7d"), "count(watch>=30, by=member+video, 7d)"),
    (words.rate("watch", by="video", half_life="1d"), "rate(watch per shown, by=video, 1d)"),
    (words.mean("watch", by="video", half_life="1d"), "mean(watch, by=video, 1d)"),
    (words.expression("a / (b + 1)"), "expression(a / (b + 1))"),
    (USUAL, "expected(done)"),
    (words.mean("done", by="store", half_life="6h", over=USUAL), "mean(done over expected, by=store, 6h)"),
]


@pytest.mark.parametrize(("feature", "name"), NAMED, ids=lambda value: value if isinstance(value, str) else "")
def test_names(feature, name):
    assert name_of(feature) == name


def test_nothing_under_way_is_nothing_and_not_what_sums_leave():
    one = words.under_way("done", by="store")
    left = one.combine([np.array([0.1 + 0.2, 2.0, 1.0]), np.array([0.3, 0.5, 1.5])])
    assert left.tolist() == [0.0, 1.5, 0.0]


@pytest.mark.parametrize("feature", [feature for feature, _ in NAMED], ids=[name for _, name in NAMED])
def test_a_feature_survives_json(feature):
    assert msgspec.json.decode(msgspec.json.encode(feature), type=spec.Feature) == feature


def test_a_count_is_one_window():
    count = words.count("watch", by="video", window="7d", tiles=4)
    assert count.accumulators() == (Accumulator(Stream("watch"), ("video",), Sawtooth("7d", 4)),)
    assert count.combine([np.array([3.0])]).tolist() == [3.0]


def test_a_rate_is_drawn_to_the_overall_rate():
    rate = words.rate("watch", by="video", half_life="1d", prior=10)
    own, per, all_own, all_per = rate.accumulators()
    assert own == Accumulator(Stream("watch"), ("video",), Decayed("1d"))
    assert per == Accumulator(Stream("shown"), ("video",), Decayed("1d"))
    assert (all_own.by, all_per.by) == ((), ())
    totals = [
        np.array([3.0, 0.0, 0.0]),
        np.array([10.0, 0.0, 0.0]),
        np.array([20.0, 20.0, 0.0]),
        np.array([100.0, 100.0, 0.0]),
    ]
    got = rate.combine(totals)
    assert got[:2].tolist() == [(3 + 10 * 0.2) / (10 + 10), 0.2]
    assert np.isnan(got[2]), "before anything happened there is no rate to be drawn to"


def test_a_mean_divides_values_by_events():
    own, per, *_ = words.mean("watch", by="video", half_life="1d").accumulators()
    assert (own.values, per.values, own.stream, per.stream) == (True, False, Stream("watch"), Stream("watch"))


def test_accumulators_that_differ_are_called_differently():
    by = ("video",)
    some = [
        Accumulator(Stream("watch"), by, Sawtooth("7d")),
        Accumulator(Stream("watch"), by, Sawtooth("7d", 4)),
        Accumulator(Stream("watch"), (), Sawtooth("7d")),
        Accumulator(Stream("watch", 30), by, Sawtooth("7d")),
        Accumulator(Stream("watch", 12_345_678), by, Sawtooth("7d")),
        Accumulator(Stream("watch", 12_345_679), by, Sawtooth("7d")),
        Accumulator(Stream("watch"), by, Decayed("7d")),
        Accumulator(Stream("watch"), by, Decayed("7d"), values=True),
    ]
    assert len({str(one) for one in some}) == len(some), "the state keeps each under its name"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: words.attribute("genre"), "'genre' names no entity"),
        (lambda: words.age("video."), "'video.' names no entity"),
        (lambda: words.similarity("v.e", half_life="soon"), "'soon' is not understood"),
        (lambda: words.taste("v.e", "m.country"), "v.e and m.country are of several entities"),
        (lambda: words.taste(), "needs an attribute of the item"),
        (lambda: words.taste("v.e", half_life="soon"), "'soon' is not understood"),
        (lambda: Sawtooth("7d", 0), "tiles is 0"),
        (lambda: Sawtooth("7", 8), "'7' is not understood"),
        (lambda: Decayed("0d"), "'0d' is not understood"),
    ],
)
def test_mistakes_are_named(wrong, said):
    with pytest.raises(DesignError, match=said):
        wrong()


def test_a_count_with_a_bad_window_is_refused_when_it_is_written():
    with pytest.raises(DesignError, match="'never'"):
        words.count("watch", window="never").accumulators()
