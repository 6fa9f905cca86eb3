"""Online equals offline on whole logs; a kernel that folds otherwise is found, and the feature named."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tiny import design
from tests.training.logs import design as random_design
from tests.training.logs import log as random_log
from tests.training.logs import without_decisions

from sixfold.design import Design
from sixfold.evaluation import skew
from sixfold.evaluation.skew import compare, logged, verify_log
from sixfold.events.schema import Events
from sixfold.features import attributes, decay, history, windows
from sixfold.language import age, attribute, count, mean, outcome, similarity
from sixfold.training.material import prepare
from sixfold.worlds.video import VideoWorld

WORLD = VideoWorld(members=30, days=4, videos=100, new_videos=4, slate=8, visits=3.0, rate=0.15, late=0.1)
INTERACTIONS = random_design(
    features=(
        attribute("video.genre"), age("video.published"), count("watch", by="video", window="1d"),
        count("watch", by=("member", "video.genre"), window="2d"), mean("watch", by="video", half_life="1d"),
        similarity("video.embedding"),
    ),
    history=outcome("watch"),
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> list[Events]:
    return list(WORLD.events())


@pytest.fixture(scope="module")
def random() -> list[Events]:
    return [random_log(decisions=400)]


def test_a_small_world(world):
    found = verify_log(design(), world)
    assert not found, [str(difference) for difference in found.differences]
    assert found.rows == sum(len(events.shown["item"]) for events in world) > 1000
    assert found.columns == len(prepare(design(), world).features.columns)


def test_a_log_of_interactions_alone(random):
    bare = [without_decisions(random[0])]
    found = verify_log(INTERACTIONS, bare)
    assert not found, [str(difference) for difference in found.differences]
    assert found.rows == len(bare[0].outcomes["watch"]["ts"])


def test_the_last_rows_only(random):
    seen = []
    found = verify_log(random_design(), random, most=100, progress=lambda done, total: seen.append((done, total)))
    assert (found.rows, bool(found)) == (100, False)
    assert seen[-1][0] == seen[-1][1] == len(seen)


def honest_but_last(fold):
    """A fold that drops the last event of every batch."""

    def broken(*args, **kwargs):
        *state, cells, ts = args
        kwargs["weight"] = kwargs["weight"][:-1]
        return fold(*state, cells[:-1], ts[:-1], **kwargs)

    return broken


def late(fold):
    """A fold that dates everything an hour late."""

    def broken(sums, reference, cells, ts, **kwargs):
        return fold(sums, reference, cells, ts + 3_600_000_000, **kwargs)

    return broken


def last_by_arrival(values, known, by, rows, ts, ids, column):
    values[rows] = attributes.pack(column)


def backwards(fold):
    def broken(items, times, members, new, ts):
        return fold(items, times, members, new, -ts)

    return broken


BROKEN = [
    (windows, "fold", honest_but_last(windows.fold), "count("),
    (decay, "fold", honest_but_last(decay.fold), "rate("),
    (decay, "fold", late(decay.fold), "rate("),
]


@pytest.mark.parametrize(
    ("kernel", "name", "broken", "column"), BROKEN, ids=["window drops", "decay drops", "decay late"]
)
def test_a_broken_fold_is_found_and_named(random, kernel, name, broken, column, monkeypatch):
    monkeypatch.setattr(kernel, name, broken)
    found = verify_log(random_design(), random)
    assert found
    assert all(difference.column.startswith(column) for difference in found.differences)


def test_a_history_in_the_wrong_order_is_found(random, monkeypatch):
    monkeypatch.setattr(history, "fold", backwards(history.fold))
    found = verify_log(INTERACTIONS, [without_decisions(random[0])])
    assert [difference.column for difference in found.differences] == ["similarity(video.embedding, 30d)"]


def test_last_by_arrival_is_found(random, monkeypatch):
    """Of two values of one instant the greater id must win, whichever came last."""
    video = random[0].entities["video"]
    other = {**video, "id": np.array([b"n" + i for i in video["id"].tolist()]), "length_s": video["length_s"] * 2 + 1}
    both = {name: np.concatenate([other[name], video[name]]) for name in video}
    events = [Events({**random[0].entities, "video": both}, random[0].decisions, random[0].shown, random[0].outcomes)]
    wanted = random_design(features=(attribute("video.length_s"), attribute("member.country")))
    assert not verify_log(wanted, events)
    monkeypatch.setattr(attributes, "fold", last_by_arrival)
    assert [d.column for d in verify_log(wanted, events).differences] == ["video.length_s"]


def test_a_comparison_names_column_row_and_numbers():
    online = np.array([[1, 2], [3, np.nan], [5, 6]], np.float32)
    batch = np.array([[1, 2], [3, np.nan], [5, 7]], np.float32)
    found = compare(online, batch, ("a", "b"))
    assert [str(d) for d in found.differences] == ["b: 1 rows differ, most row 2: online 6, batch 7"]
    assert (found.rows, found.columns) == (3, 2)
    assert not compare(batch, batch, ("a", "b"))
    assert compare(np.array([[np.nan]]), np.array([[1.0]]), ("a",)), "missing is not equal to a number"
    assert not compare(np.array([[1 + 1e-9]]), np.array([[1.0]]), ("a",))


def of(design_: Design, events: list[Events]):
    return logged(prepare(design_, events))


def test_rows_are_what_was_shown_or_what_was_done(random):
    shown = of(random_design(), random)
    assert len(shown) == len(random[0].shown["item"]) and shown.position.max() == 4
    done = of(INTERACTIONS, [without_decisions(random[0])])
    assert len(done) == len(random[0].outcomes["watch"]["ts"]) and (done.position == 1).all()
    assert skew.Skew(1, 1, ()).rows == 1
