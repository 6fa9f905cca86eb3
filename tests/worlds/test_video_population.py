from __future__ import annotations

from functools import cache

import numpy as np

from sixfold.events.schema import SEP
from sixfold.worlds.video import VideoWorld
from sixfold.worlds.video_population import Members, Videos, names


@cache
def drawn() -> tuple[Members, Videos]:
    truth = VideoWorld(members=3000, days=2, videos=2000).truth()
    return truth.people, truth.catalogue


def test_names_are_as_wide_as_the_longest():
    np.testing.assert_array_equal(names(b"m", np.array([0, 17, 4])), np.array([b"m0", b"m17", b"m4"]))
    assert names(b"m", np.arange(0)).shape == (0,)


def test_a_video_has_one_to_three_different_genres():
    genres = [genre.split(SEP) for genre in drawn()[1].genre.tolist()]
    assert {len(several) for several in genres} == {1, 2, 3}
    assert all(len(set(several)) == len(several) and all(several) for several in genres)


def test_genres_tell_a_part_of_the_vector_and_the_embedding_another():
    videos = drawn()[1]
    signal = videos.vector - videos.vector.mean(axis=0)
    of_one = videos.genre == b"drama"
    assert of_one.sum() > 50
    assert signal[of_one].mean(axis=0) @ signal[of_one].mean(axis=0) > 0.2 * signal.shape[1]
    design = np.column_stack([videos.embedding, np.ones(len(signal))])
    left = signal - design @ np.linalg.lstsq(design, signal, rcond=None)[0]
    assert 0.1 < left.var() / signal.var() < 0.7


def test_attributes_tell_a_part_of_a_taste():
    people = drawn()[0]
    tastes = people.tastes[0]
    for column in (people.country, people.age_band):
        means = [tastes[column == value].mean(axis=0) for value in np.unique(column) if (column == value).sum() > 100]
        # By chance the means of 100 members or more differ by a variance of 0.01 at most.
        assert np.var(means, axis=0).mean() > 0.03


def test_activity_and_quality_have_heavy_tails_and_some_members_are_idle():
    people, videos = drawn()
    ordered = np.sort(people.activity)[::-1]
    assert ordered[: len(ordered) // 10].sum() > 0.3 * ordered.sum()
    assert 0.05 < (people.activity == 0).mean() < 0.12
    odds = np.sort(np.exp(videos.quality))[::-1]
    assert odds[0] > 8 * np.median(odds)


def test_entities_say_what_is_known():
    people, videos = drawn()
    rows = np.array([2, 5])
    table = videos.entities(rows, available=True)
    np.testing.assert_array_equal(table["key"], [b"v2", b"v5"])
    np.testing.assert_array_equal(table["published"], videos.published[rows] / 1e6)
    assert table["embedding"].shape == (2, 16)
    gone = videos.entities(rows, available=False)
    assert set(gone["id"]).isdisjoint(table["id"])
    assert (gone["available"] == 0).all()
    np.testing.assert_array_equal(people.entities(rows)["ts"], people.signup[rows])
