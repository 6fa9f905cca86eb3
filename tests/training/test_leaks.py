import doctest

import numpy as np
import pytest
from tests.training.logs import changed, found, log

from sixfold.training import leaks
from sixfold.training.leaks import ROWS, suspicious

RNG = np.random.default_rng(0)
LABEL = (RNG.random(5000) < 0.02).astype(np.float32)


def noise():
    return RNG.normal(size=len(LABEL)).astype(np.float32)


def test_doctests():
    result = doctest.testmod(leaks)
    assert result.attempted and not result.failed


@pytest.mark.parametrize(
    "leak",
    [
        LABEL,
        -LABEL,
        LABEL + 0.1 * noise(),
        np.where(LABEL > 0, noise(), np.nan),
        np.where(LABEL > 0, np.nan, noise()),
        np.where(LABEL > 0, np.inf, noise()),
    ],
)
def test_a_column_that_gives_the_label_away(leak):
    table = np.stack([noise(), leak.astype(np.float32), noise()], axis=1)
    (finding,) = suspicious(table, ["a", "leak", "b"], LABEL)
    assert (finding.level, finding.path) == ("error", "learning.features: leak")


@pytest.mark.parametrize("column", [noise(), 2 * LABEL + noise(), np.full(len(LABEL), np.nan), np.ones(len(LABEL))])
def test_a_good_column_is_none(column):
    """Two standard deviations between the classes are an AUC of 0.92."""
    assert suspicious(column.astype(np.float32)[:, None], ["a"], LABEL) == []


def test_one_class_and_no_rows_say_nothing():
    assert suspicious(noise()[:, None], ["a"], np.zeros(len(LABEL))) == []
    assert suspicious(np.empty((0, 2), np.float32), ["a", "b"], np.empty(0)) == []


def test_many_rows_are_spread_evenly():
    label = np.zeros(3 * ROWS)
    label[-1000:] = 1  # the end counts as much as the beginning
    (finding,) = suspicious(label.astype(np.float32)[:, None], ["a"], label)
    assert "1.000" in finding.message


def of_video(table, rows, genre):
    """Entity events of the videos, followed by others at the ts of outcomes."""
    outcomes, known = rows
    keys = known["video"][outcomes]
    more = {
        "id": np.array([b"more%d" % i for i in range(len(keys))]),
        "ts": known["ts"][outcomes],
        "key": keys,
        "genre": np.full(len(keys), genre),
        "length_s": np.full(len(keys), np.nan),
        "published": np.full(len(keys), np.nan),
        "embedding": np.full((len(keys), 3), np.nan, np.float32),
    }
    return {name: np.concatenate([column, more[name]]) for name, column in table.items()}


def test_an_attribute_that_changes_with_the_label():
    events = log()
    watches = events.outcomes["watch"]
    liked = np.flatnonzero(watches["value"] >= 30)
    rows = liked[np.argsort(watches["ts"][liked], kind="stable")][-40:]  # each later than its video's first event
    video = of_video(events.entities["video"], (rows, watches), b"watched")
    (one,) = found(changed(events, "video", **video))
    assert one[:2] == ("warning", "log.entities.video.genre")
    assert one[2].startswith("40 of the 40 changes of 'video.genre'")


def test_an_attribute_that_changes_at_other_times():
    events = log()
    watches = events.outcomes["watch"]
    rows = np.flatnonzero(watches["value"] >= 30)[:40]
    off = {**watches, "ts": watches["ts"] + 1}
    assert found(changed(events, "video", **of_video(events.entities["video"], (rows, off), b"news"))) == []
