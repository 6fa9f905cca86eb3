"""The feature table: its columns, and each value by hand through a source of plain numbers."""

from __future__ import annotations

import numpy as np
import pytest
from tests.logs import START, random_log

from sixfold.errors import DesignError
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import SEP, Events
from sixfold.features import fit, table, words
from sixfold.features.attributes import Kind, members
from sixfold.features.indexed import Frame, Vocabulary, index
from sixfold.features.spec import Memory, Stream
from sixfold.features.store import Store
from sixfold.types import DAY, SECOND, Queries

MONDAY = 1_704_067_200 * SECOND
"""2024-01-01 00:00 UTC."""


class Plain:
    """A source whose attributes are the same for all, and whose totals count how often they were asked for."""

    memory = Memory("member", "video", Stream("watch"), Stream("watch"), 5)

    def __init__(self, **attributes: np.ndarray) -> None:
        self.attributes, self.asked = attributes, []

    def attribute(self, path, rows, ts):
        return np.repeat(self.attributes[path.partition(".")[2]][None], len(rows), axis=0)

    def worked(self, work, rows, ts):
        return work.of(self.attribute, rows, ts)

    def hashed(self, entity, rows):
        return np.where(rows >= 0, np.uint64(1000) + rows.astype(np.uint64), np.uint64(0))

    def totals(self, wanted, rows):
        self.asked += wanted.accumulators
        return np.tile(np.arange(len(rows.frame), dtype=np.float64), (len(wanted.accumulators), 1))


def fitted(*features, kinds=None, widths=None, vocabularies=None, labels=None) -> table.Fitted:
    return table.Fitted(features, kinds or {}, widths or {}, vocabularies or {}, labels or {}, {})


def frame(n: int = 2, ts: int = MONDAY, **context: np.ndarray) -> Frame:
    rows = np.arange(n, dtype=np.int32)
    keys = {"member": rows, "video": rows}
    return Frame(np.full(n, ts), keys, {f"context.{k}": v for k, v in context.items()}, rows + 1)


def log_of(events: Events):
    return index(events, Vocabulary(Store(), ("member", "video")), item="video")


def test_a_bucket_is_the_hash_of_an_id_and_nothing_of_a_stranger():
    features = fitted(words.bucket("video", 300))
    asked = frame(3)
    asked.keys["video"][2] = -1
    assert features.columns == ("bucket(video, 300)",)
    np.testing.assert_array_equal(features.matrix(Plain(), asked)[:, 0], [100, 101, np.nan])
    with pytest.raises(DesignError, match=r"'bucket\(store, 256\)' is of an entity that a request does not name"):
        fitted(words.bucket("store")).matrix(Plain(), asked)
    with pytest.raises(DesignError, match="name an entity, and 2 to"):
        words.bucket("video.genre")


def test_time_columns():
    features = fitted(words.hour(), words.weekday(), words.position())
    assert features.columns == ("hour.sin", "hour.cos", "weekday", "position")
    got = features.matrix(Plain(), frame(1, MONDAY + 6 * 3600 * SECOND))
    assert np.allclose(got, [[1, 0, 0, 1]], atol=1e-6) and got.dtype == np.float32
    assert features.matrix(Plain(), frame(1, MONDAY + 6 * DAY))[0, 2] == 6


def test_age_in_days():
    features = fitted(words.age("video.published"))
    source = Plain(published=np.array((MONDAY - 3 * DAY) / SECOND))
    assert np.allclose(features.matrix(source, frame(1)), np.log(4))
    assert features.matrix(source, frame(1, MONDAY - 9 * DAY)).tolist() == [[0.0]], "not yet born is of age 0"


def test_a_category_is_multi_hot():
    hashes = hash_strings(np.array([b"drama", b"news"])).tolist()
    features = fitted(
        words.attribute("video.genre"), kinds={"video.genre": "category"}, vocabularies={"video.genre": hashes},
        labels={"video.genre": ["drama", "news"]},
    )  # fmt: skip
    assert features.columns == ("video.genre=drama", "video.genre=news")
    source = Plain(genre=np.array([hashes[1], 7, 0], np.uint64))
    assert features.matrix(source, frame(1)).tolist() == [[0.0, 1.0]]


def test_a_vector_is_a_column_for_each_number():
    features = fitted(words.attribute("video.e"), kinds={"video.e": "vector"}, widths={"video.e": 2})
    assert features.columns == ("video.e[0]", "video.e[1]")
    assert features.matrix(Plain(e=np.array([3.0, 4.0])), frame(1)).tolist() == [[3.0, 4.0]]


def test_an_accumulator_of_two_features_is_asked_for_once():
    features = fitted(
        words.rate("watch", by="video", half_life="1d"), words.rate("click", by="video", half_life="1d"),
        words.count("watch", window="7d"),
    )  # fmt: skip
    source = Plain()
    assert features.matrix(source, frame()).shape == (2, 3)
    assert len(source.asked) == len(set(source.asked)) == len(features.accumulators()) == 7


def test_no_features_and_no_rows():
    assert fitted().matrix(Plain(), frame(3)).shape == (3, 0)
    assert fitted(words.hour(), words.weekday()).matrix(Plain(), frame(0)).shape == (0, 3)


def test_columns_and_numbers_match():
    events = random_log(np.random.default_rng(0))
    features = fit.fit(
        (words.attribute("video.genre", top=2), words.context("device"), words.hour()), log_of(events), until=2**62
    )
    assert features.columns == (
        *(f"video.genre={name}" for name in features.labels["video.genre"]),
        *(f"context.device={name}" for name in features.labels["context.device"]), "hour.sin", "hour.cos",
    )  # fmt: skip
    assert set(features.labels["context.device"]) == {"tv", "phone"} and len(features.labels["video.genre"]) == 2
    assert features.contexts == ("device",)


def entities(genres, ts) -> Events:
    n = len(genres)
    names = np.array([f"v{i}".encode() for i in range(n)])
    return Events(entities={"video": {"id": names, "ts": np.array(ts), "key": names, "genre": np.array(genres)}})


def test_a_vocabulary_holds_the_most_frequent_before_the_cut():
    events = entities([b"a", SEP.join([b"b", b"a"]), b"b", b"c", b"z", b"z", b"z", b""], [1, 1, 2, 3, 9, 9, 9, 1])
    features = fit.fit((words.attribute("video.genre", top=2),), log_of(events), until=9)
    assert features.labels == {"video.genre": ["a", "b"]}, "z came at the cut"
    assert features.vocabularies["video.genre"] == hash_strings(np.array([b"a", b"b"])).tolist()


def test_vectors_are_centred_and_scaled_by_what_was_known_before_the_cut():
    names = np.array([b"v0", b"v1", b"v2", b"v3"])
    vectors = np.array([[1, 2], [np.nan, np.nan], [3, 2], [9, 9]], np.float32)
    events = Events(entities={"video": {"id": names, "ts": np.array([0, 1, 2, 5]), "key": names, "e": vectors}})
    similar = (words.similarity("video.e"),)
    assert fit.fit(similar, log_of(events), until=5).centres == {"video.e": [[2.0, 2.0], [1.0, 0.0]]}
    assert fit.fit(similar, log_of(events), until=0).centres == {"video.e": [[0.0, 0.0], [1.0, 1.0]]}


class Remembers(Plain):
    """A source in which every member liked the first video a day ago."""

    def __init__(self, ids: np.ndarray) -> None:
        super().__init__()
        self.ids = ids

    def attribute(self, path, rows, ts):
        return self.ids[rows]

    def queries(self, asks):
        history = np.zeros((len(asks), 1), np.int32)
        return Queries(asks.ts, asks.member, history, asks.ts[:, None] - DAY, history, np.zeros(3, np.int64))


def test_similarity_of_a_category_goes_by_shares():
    """Three videos of drama, news, and both: shares (1, 0), (0, 1), (.5, .5), mean .5, spread sqrt(1/6)."""
    events = entities([b"drama", b"news", SEP.join([b"news", b"drama"])], [0, 0, 0])
    features = fit.fit((words.similarity("video.genre", half_life="1d"),), log_of(events), until=1)
    got = features.matrix(Remembers(members(events.entities["video"]["genre"])), frame(3))
    unit = 0.5 / np.sqrt(1 / 6)
    liked = 0.5 / (0.5 + 3.0)
    assert np.allclose(got[:, 0], liked * np.array([2 * unit**2, -2 * unit**2, 0]), atol=1e-6)


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (words.attribute("video.genr"), "entity 'video' has no such field; did you mean 'genre'"),
        (words.attribute("vide.genre"), "the log has no entities 'vide'; did you mean 'video'"),
        (words.attribute("video.row"), "entity 'video' has no such field"),
        (words.count("watch", by="video.gnre", window="1d"), "did you mean 'genre'"),
        (words.similarity("video.length_s"), "needs a category or a vector, but video.length_s is a number"),
        (words.taste("video.genre"), "is learned from what members liked"),
    ],
    ids=str,
)
def test_what_no_entity_has_is_named(feature, said):
    with pytest.raises(DesignError, match=said):
        fit.fit((feature,), log_of(random_log(np.random.default_rng(0))), until=START)


def test_a_request_without_what_a_feature_reads_is_refused():
    with pytest.raises(
        DesignError, match=r"'context\.device' is not in the context of this request; did you mean 'context\.x'"
    ):
        fitted(words.context("device")).matrix(Plain(), frame(x=np.zeros(2)))
    with pytest.raises(DesignError, match=r"'shop\.size' is of an entity that a request does not name"):
        fitted(words.attribute("shop.size")).matrix(Plain(), frame())
    with pytest.raises(DesignError, match=r"'shop\.kind' is of an entity that a request does not name"):
        fitted(words.attribute("shop.kind"), kinds={"shop.kind": Kind.CATEGORY}).matrix(Plain(), frame())


def test_a_number_of_the_context_is_itself():
    got = fitted(words.context("x")).matrix(Plain(), frame(x=np.array([2.5, np.nan])))
    np.testing.assert_array_equal(got, np.array([[2.5], [np.nan]], np.float32))
