"""A workspace: which release is CURRENT, and a state that follows the log whatever happens to its process."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from sixfold import beginning, golden, release
from sixfold.errors import DataError, ReleaseError
from sixfold.events import partitions
from sixfold.events.hours import wall_us
from sixfold.events.retention import retain
from sixfold.events.schema import Events, concat
from sixfold.events.settling import settle
from sixfold.features.mapped import Mapped
from sixfold.features.online import State
from sixfold.features.store import Store
from sixfold.types import DAY, Asks
from sixfold.workspace import Workspace
from sixfold.worlds.video import VideoWorld
from tests.tiny import WORLD, Tiny


@pytest.fixture
def workspace(tiny: Tiny, tmp_path: Path) -> Workspace:
    """A copy of the tiny workspace."""
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))


def another(workspace: Workspace, seed: int) -> str:
    """A second release: the same model under another digest, hence another id."""
    held = workspace.current()
    assert held.path is not None
    return release.write(
        workspace.releases, held.model, items=held.items, titles=held.titles, digest=f"{seed:016x}",
        sample=golden.read(held.path / "golden"), cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip


def answers(state: State) -> np.ndarray:
    """The history of each member, as items' ids."""
    n = len(state.ids["member"])
    asks = Asks(np.arange(n, dtype=np.int32), np.full(n, state.now() + 1), {})
    history = state.queries(asks).history
    return np.where(history >= 0, state.ids["video"].names()[history], b"")


# Releases


def test_current_is_the_one_promoted(tiny, workspace):
    assert workspace.current_id() == workspace.current().id == tiny.trained.release.id


def test_promote_and_roll_back(workspace):
    first = workspace.current_id()
    second = another(workspace, 2)
    assert workspace.current_id() == first, "writing publishes nothing"
    workspace.promote(second)
    assert workspace.current().id == second
    assert workspace.rollback() == first == workspace.current_id()
    with pytest.raises(ReleaseError, match="there is no release to roll back to"):
        workspace.rollback()
    assert workspace.current_id() == first


def test_promoting_twice_remembers_each_once(workspace):
    first = workspace.current_id()
    second, third = another(workspace, 2), another(workspace, 3)
    for number in (second, second, third, second):
        workspace.promote(number)
    assert [workspace.rollback(), workspace.rollback()] == [third, first]


def test_releases_are_found_by_the_start_of_their_id(workspace):
    first = workspace.current_id()
    assert workspace.release(first[:5]).id == first
    with pytest.raises(ReleaseError, match=f"no release starts with 'zzz'; there are: {first}"):
        workspace.release("zzz")
    second = another(workspace, 2)
    with pytest.raises(ReleaseError, match="more than one release starts with ''"):
        workspace.release("")
    assert workspace.release_ids() == [first, second]


def test_a_list_in_a_line_each(workspace):
    second = another(workspace, 2)
    listed = workspace.listed()
    assert [one.current for one in listed] == [True, False] and listed[1].id == second
    assert listed[0].headline.startswith("AUC 0.") and "nDCG@10 " in listed[0].headline
    assert listed[0].design == "video"


def test_an_empty_folder(tmp_path):
    empty = Workspace(tmp_path)
    assert (empty.current_id(), empty.release_ids(), empty.listed()) == (None, [], [])
    with pytest.raises(ReleaseError, match=r"no release is published in .*; run 'sixfold train' first"):
        empty.current()
    with pytest.raises(DataError, match="no log at"):
        empty.log()
    assert list(tmp_path.iterdir()) == [], "nothing is made before it is needed"


# State


def test_a_state_survives_and_is_not_folded_twice(workspace):
    current = workspace.current()
    first = workspace.state(current)
    again = Workspace(workspace.folder).state(current)
    np.testing.assert_array_equal(answers(again), answers(first))
    for name in first.store.nbytes():
        np.testing.assert_array_equal(first.store[name], again.store[name])


def test_a_batch_that_was_cut_short_is_folded_again(workspace):
    current = workspace.current()
    first = workspace.state(current)
    expected = answers(first)
    held = {name: first.store[name].copy() for name in first.store.nbytes()}
    # What a process that died in the middle of a fold leaves: some counts are doubled.
    cut = State(
        current.model.features, current.design.memory, Store(Mapped(workspace.state_folder(current), write=True))
    )
    cut.store.mapped.begin()
    cut.apply(concat(list(workspace.batches())[-2:]))
    os.close(cut.store.mapped._lock)
    again = workspace.state(current)
    np.testing.assert_array_equal(answers(again), expected)
    for name, values in held.items():
        np.testing.assert_array_equal(again.store[name], values)


def test_a_state_that_another_process_keeps_is_read(workspace):
    current = workspace.current()
    expected = answers(workspace.state(current))
    keeper = Mapped(workspace.state_folder(current), write=True)
    np.testing.assert_array_equal(answers(workspace.state(current)), expected)
    keeper.close()


def test_a_state_follows_the_log(workspace):
    current = workspace.current()
    before = workspace.state(current)
    item, member = before.ids["video"].names()[7], before.ids["member"].names()[3]
    late = {
        "id": np.array([b"new"]), "ts": np.array([before.now() + 1000]), "decision": np.zeros(1, "S1"),
        "value": np.array([500.0]), "member": np.array([member]), "video": np.array([item]),
    }  # fmt: skip
    with workspace.log() as log:
        log.append(Events(outcomes={"watch": late}))
    after = workspace.state(current)
    assert after.now() == late["ts"][0]
    assert answers(after)[3, 0] == item
    with workspace.log() as log:
        assert (after.store.mapped.offset, after.store.mapped.crc) == (log.head(), log.crc(log.head()))


def test_a_state_goes_on_where_its_batches_have_settled(workspace, monkeypatch):
    """It needs nothing of them, and so no Polars; built from them it is the same."""
    current = workspace.current()
    first = workspace.state(current)
    expected, held = answers(first), {name: first.store[name].copy() for name in first.store.nbytes()}
    with workspace.log() as log:
        assert settle(log, now=wall_us() + 30 * DAY).batches == log.head()
    with monkeypatch.context() as patch:
        patch.setattr(partitions, "frame", None)
        np.testing.assert_array_equal(answers(workspace.state(current)), expected)
    shutil.rmtree(workspace.folder / "state")
    again = workspace.state(current)
    assert (again.store.mapped.offset, again.store.mapped.crc) == (first.store.mapped.offset, first.store.mapped.crc)
    for name, values in held.items():
        np.testing.assert_array_equal(again.store[name], values)


def test_a_state_is_built_anew_where_events_were_dropped(workspace):
    current = workspace.current()
    workspace.state(current)
    with workspace.log() as log:
        settle(log, now=wall_us() + 30 * DAY)
        assert retain(log, now=wall_us(), keep=3 * DAY).events["decision"] > 0
    state = workspace.state(current)
    shutil.rmtree(workspace.folder / "state")
    fresh = workspace.state(current)
    for name in fresh.store.nbytes():
        np.testing.assert_array_equal(state.store[name], fresh.store[name])


def test_a_state_of_a_log_that_was_replaced_is_built_again(workspace):
    """Another log with as many batches and the same ids: only its content tells."""
    current = workspace.current()
    before = answers(workspace.state(current))
    shutil.rmtree(workspace.folder / "events")
    (workspace.folder / "world.json").unlink()
    beginning.fill(workspace, "video", msgspec.structs.replace(WORLD, rewatch=0.9))
    after = workspace.state(current)
    shutil.rmtree(workspace.folder / "state")
    fresh = workspace.state(current)
    assert answers(after).tolist() == answers(fresh).tolist() != before.tolist()


def test_releases_whose_features_are_kept_alike_share_a_state(workspace):
    first, second = workspace.current(), workspace.release(another(workspace, 2))
    assert workspace.state_folder(first) == workspace.state_folder(second)
    features = msgspec.structs.replace(first.model.features, features=first.model.features.features[:3])
    other = replace(first, learned=replace(first.model, features=features))
    assert workspace.state_folder(other) != workspace.state_folder(first)


def test_a_log_of_other_items_is_refused(workspace, tmp_path):
    elsewhere = Workspace(tmp_path / "other")
    beginning.fill(elsewhere, "video", msgspec.structs.replace(WORLD, seed=5))
    other = replace(workspace.current(), items=workspace.current().items[::-1])
    with pytest.raises(ReleaseError, match="was trained on another log than"):
        workspace.state(other)
    shutil.copytree(workspace.releases, elsewhere.releases)
    elsewhere.state(elsewhere.current())  # the same ids in the same order: the rows fit


def test_a_log_is_filled_once(workspace):
    filled = beginning.fill(workspace, "video", WORLD)
    assert filled["events"] == filled["impressions"] == 0 and filled["duplicates"] > 1000
    with pytest.raises(DataError, match="came from another world"):
        beginning.fill(workspace, "video", VideoWorld(members=7, days=2))
