"""The writer: durable first, folded right after, each event once; and who may write."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.tiny import Tiny

from sixfold import upkeep
from sixfold.errors import Busy
from sixfold.events.schema import Events
from sixfold.serving.writer import Writer
from sixfold.workspace import Workspace


@pytest.fixture
def workspace(tiny: Tiny, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))


@pytest.fixture
def writer(workspace: Workspace):
    one = Writer(workspace)
    yield one
    one.close()


def watches(workspace: Workspace, *ids: str, value: float = 40.0) -> Events:
    ts = 1_900_000_000_000_000
    table = {
        "id": np.array([one.encode() for one in ids]), "ts": np.arange(ts, ts + len(ids)), "decision": np.zeros(len(ids), "S1"),
        "value": np.full(len(ids), value), "member": np.array([b"m3"] * len(ids)), "video": np.array([b"v7"] * len(ids)),
    }  # fmt: skip
    return Events(outcomes={"watch": table})


def test_each_batch_is_told_its_own_fate(writer, workspace):
    fates = writer.take(
        [watches(workspace, "a", "b"), watches(workspace, "b", "c"), watches(workspace, "a", value=1.0)]
    )
    assert [(fate.accepted, fate.duplicates, fate.conflicts) for fate in fates] == [
        (2, 0, []),
        (1, 0, ["b"]),
        (0, 0, ["a"]),
    ]


def test_the_same_again_is_a_duplicate(writer, workspace):
    writer.take([watches(workspace, "a", "b")])
    (fate,) = writer.take([watches(workspace, "a", "b")])
    assert (fate.accepted, fate.duplicates, fate.conflicts) == (0, 2, [])


def test_what_is_of_another_kind_than_the_log_is_refused_alone(writer, workspace):
    wrong = watches(workspace, "x")
    wrong.outcomes["watch"]["value"] = np.array([b"long"])
    fates = writer.take([watches(workspace, "a"), wrong, watches(workspace, "b")])
    assert [fate.accepted for fate in fates] == [1, 0, 1]
    assert fates[1].error == "'outcome watch value' was numbers in the log so far and is text now; send it as numbers"


def test_what_was_taken_is_seen_after_the_fold_and_counted_once(writer, workspace):
    current = workspace.current()
    (state,) = writer.states.values()
    reader = upkeep.reader(workspace.state_folder(current), current.model.features, current.design.memory)
    before = reader.now()
    writer.take([watches(workspace, "a", "b")])
    assert reader.now() == before, "durable, and not yet folded"
    writer.fold()
    assert reader.now() == 1_900_000_000_000_001
    writer.take([watches(workspace, "a")])
    writer.fold()
    shutil.copytree(
        workspace.folder, other := workspace.folder.parent / "again", ignore=shutil.ignore_patterns("state", "*.lock")
    )
    rebuilt = Workspace(other).state(current)
    for name in rebuilt.store.nbytes():
        np.testing.assert_array_equal(rebuilt.store[name], state.store[name], err_msg=name)


def test_one_process_writes(writer, workspace):
    with pytest.raises(Busy, match="is being written by another process"):
        Writer(workspace)
    with workspace.log() as log, pytest.raises(Busy, match="POST /v1/events"):
        log.append(watches(workspace, "z"))
