"""What must hold of a workspace whatever happened to it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np

from sixfold import release as releases
from sixfold.events.schema import concat
from sixfold.features.indexed import Frame
from sixfold.features.online import State
from sixfold.workspace import Workspace


def ids(workspace: Workspace) -> Counter[str]:
    """How often the log holds each id."""
    events = concat(list(workspace.batches()))
    return Counter(name.decode() for _, table in events.tables() for name in table["id"].tolist())


def log_keeps(workspace: Workspace, acknowledged: set[str]) -> None:
    """Nothing that was acknowledged is lost, nothing is there twice."""
    found = ids(workspace)
    assert not acknowledged - found.keys(), f"{len(acknowledged - found.keys())} acknowledged events are lost"
    assert max(found.values()) == 1, "an event is in the log twice"


def state_is_that_of_the_log(workspace: Workspace, elsewhere: Path) -> None:
    """Every array of the kept state is bit for bit that of one built from the log alone, and so is what features read."""
    kept = workspace.state(workspace.current())
    copy = Workspace(
        Path(shutil.copytree(workspace.folder, elsewhere, ignore=shutil.ignore_patterns("state", "*.lock", "cache")))
    )
    rebuilt = copy.state(copy.current())
    assert kept.store.mapped is not None and rebuilt.store.mapped is not None
    assert kept.store.mapped.offset == rebuilt.store.mapped.offset
    assert kept.store.nbytes().keys() == rebuilt.store.nbytes().keys()
    for name in rebuilt.store.nbytes():
        # A kept array may have more room than one that was made at its final size.
        rows = min(len(kept.store[name]), len(rebuilt.store[name]))
        np.testing.assert_array_equal(kept.store[name][:rows], rebuilt.store[name][:rows], err_msg=name)
    np.testing.assert_array_equal(_features(workspace, kept), _features(workspace, rebuilt))
    shutil.rmtree(elsewhere)


def _features(workspace: Workspace, state: State) -> np.ndarray:
    """The features of a few hundred pairs of a member and an item, as of just after the log."""
    model, rng = workspace.current().model, np.random.default_rng(0)
    n = 300
    names = [model.design.member, model.design.item]
    keys = {name: rng.integers(0, len(state.ids[name]), n).astype(np.int32) for name in names}
    contexts = {f"context.{name}": np.zeros(n, np.uint64) for name in model.features.contexts}
    ts = np.full(n, state.now() + 1)
    return model.features.matrix(state, Frame(ts, keys, contexts, np.ones(n, np.int16)))


def current_is_whole(workspace: Workspace) -> str:
    """CURRENT names a release all of which is there; gives its id."""
    found = workspace.current_id()
    assert found is not None
    return releases.read(workspace.releases / found).id
