"""What must hold of a workspace whatever happened to it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np

from sixfold import release as releases
from sixfold import upkeep
from sixfold.estimation.open import Open
from sixfold.events.schema import concat
from sixfold.features.indexed import Frame
from sixfold.features.online import State
from sixfold.following import watched
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
    if workspace.design.estimates:
        _under_way_is_that_of_the_log(workspace, copy)
    shutil.rmtree(elsewhere)


def _under_way_is_that_of_the_log(workspace: Workspace, copy: Workspace) -> None:
    """What is kept of estimates that are under way is that which the log gives, and there are some."""
    kept, rebuilt = _under_way(workspace), _under_way(copy)
    decisions = concat(list(workspace.batches())).decisions["id"].tolist()
    known = [(kept.read(one.decode()), rebuilt.read(one.decode())) for one in decisions if one.startswith(b"order-")]
    assert known and all(one is not None and other is not None for one, other in known)
    for one, other in known:
        for name in ("ts", "forecast", "when", "value"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert any((one.when >= 0).any() for one, _ in known if one is not None)


def _under_way(workspace: Workspace) -> Open:
    release = workspace.current()
    with workspace.log() as log:
        found = upkeep.open_keeper(workspace.open_folder(release), watched(release.design), log)
        upkeep.catch_up(found, log)
        upkeep.close(found)
    return found


def _features(workspace: Workspace, state: State) -> np.ndarray:
    """The features of a few hundred rows of entities, such as pairs of a member and an item, as of just after the log."""
    release, rng = workspace.current(), np.random.default_rng(0)
    features, n = release.features, 300
    names = features.entities(release.design.memory)
    keys = {name: rng.integers(0, len(state.ids[name]), n).astype(np.int32) for name in names}
    contexts = {name: np.repeat(column, n) for name, column in features.asked({}).items()}
    return features.matrix(state, Frame(np.full(n, state.now() + 1), keys, contexts, np.ones(n, np.int16)))


def current_is_whole(workspace: Workspace) -> str:
    """CURRENT names a release all of which is there; gives its id."""
    found = workspace.current_id()
    assert found is not None
    return releases.read(workspace.releases / found).id
