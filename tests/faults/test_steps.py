"""Killed at every step, one after the other: of an append, a fold, a repair, a publication, the writing of a release."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.faults.dying import steps
from tests.faults.held import current_is_whole, log_keeps
from tests.logs import random_log
from tests.tiny import Tiny

from sixfold import golden, upkeep
from sixfold import release as releases
from sixfold.errors import DataError
from sixfold.events.log import EventLog
from sixfold.events.repair import repair
from sixfold.events.schema import Events, take
from sixfold.features.online import State
from sixfold.serving.writer import Writer
from sixfold.workspace import Workspace

STATE = ("features/mapped.py", "features/journal.py", "features/store.py", "upkeep.py")


def anew(source: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(source, folder, ignore=shutil.ignore_patterns("cache")))


class Folding:
    """A small state at batch 3 of a log of 5, and what it is to hold after each batch."""

    def __init__(self, tiny: Tiny, folder: Path) -> None:
        model, design = tiny.trained.release.model, tiny.trained.release.design
        self.features, self.memory = model.features, design.memory
        self.folder = folder
        parts = [
            random_log(np.random.default_rng(seed), members=20 + 30 * seed, items=20 + 30 * seed) for seed in range(5)
        ]
        with EventLog(folder / "log.sqlite") as log:
            for seed, part in enumerate(parts):
                log.append(_renamed(part, seed))
            self.batches = list(log.read())
        state = self.kept(folder / "state")
        self.after: dict[int, dict[str, np.ndarray]] = {}
        for offset, events in self.batches:
            upkeep.fold(state, events, offset, self.crc(offset))
            self.after[offset] = {name: state.store[name].copy() for name in state.store.nbytes()}
            if offset == 3:
                shutil.copytree(folder / "state", folder / "at 3")
        upkeep.close(state)

    def crc(self, offset: int) -> int:
        with EventLog(self.folder / "log.sqlite") as log:
            return log.crc(offset)

    def kept(self, folder: Path) -> State:
        with EventLog(self.folder / "log.sqlite") as log:
            return upkeep.keeper(folder, self.features, self.memory, log)

    def attempt(self, source: str = "at 3") -> Callable[[], object]:
        """The work of folding what the log holds beyond a copy of a state."""
        folder = anew(self.folder / source, self.folder / "cut") if source else self.folder / "cut"
        if not source:
            shutil.rmtree(folder, ignore_errors=True)

        def work() -> None:
            with EventLog(self.folder / "log.sqlite") as log:
                upkeep.catch_up(upkeep.keeper(folder, self.features, self.memory, log), log)

        return work

    def check(self) -> int:
        """The state that was cut short is that of some batch, wholly; gives which."""
        state = self.kept(self.folder / "cut")
        offset = upkeep.folded(state)
        if offset:
            for name, expected in self.after[offset].items():
                np.testing.assert_array_equal(state.store[name][: len(expected)], expected, err_msg=name)
        upkeep.close(state)
        return offset


def _renamed(events: Events, seed: int) -> Events:
    """The same events under ids of their own."""

    def fresh(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        ids = np.char.add(table["id"], f"-{seed}".encode())
        out = {**table, "id": ids}
        if "decision" in table:
            out["decision"] = np.where(
                table["decision"] == b"", b"", np.char.add(table["decision"], f"-{seed}".encode())
            )
        return out

    # The tiny world's vectors are of another width, which its log would refuse.
    entities = {of: {k: v for k, v in table.items() if k != "embedding"} for of, table in events.entities.items()}
    return Events(
        {name: fresh(dict(table)) for name, table in entities.items()}, fresh(dict(events.decisions)), events.shown,
        {name: fresh(dict(table)) for name, table in events.outcomes.items()},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folding(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Folding:
    return Folding(tiny, tmp_path_factory.mktemp("folding"))


def fold(folding: Folding, stride: int) -> None:
    reached = {folding.check() for _ in steps(stride, STATE, folding.attempt)}
    assert reached == {3, 4, 5} and folding.check() == 5


def build(folding: Folding, stride: int) -> None:
    reached = {folding.check() for _ in steps(stride, STATE, lambda: folding.attempt(""))}
    # Only few lines come after the commit: whether a stride meets one of them is chance.
    assert 0 in reached <= {0, 5} and folding.check() == 5


def test_a_fold_that_is_cut_short_is_taken_back_whole(folding):
    fold(folding, 197)


def test_a_state_that_was_being_built_is_built_again(folding):
    build(folding, 411)


@pytest.mark.slow
def test_a_fold_cut_at_every_third_line(folding):
    fold(folding, 3)
    build(folding, 7)


def watches(start: int, n: int) -> Events:
    ts = 1_900_000_000_000_000 + start
    table = {
        "id": np.array([f"w{start + row}".encode() for row in range(n)]), "ts": np.arange(ts, ts + n),
        "decision": np.zeros(n, "S1"), "value": np.full(n, 40.0), "member": np.array([b"m3"] * n), "video": np.array([b"v7"] * n),
    }  # fmt: skip
    return Events(outcomes={"watch": table})


def append(tiny: Tiny, tmp_path: Path, stride: int) -> None:
    """Three batches are taken in and folded; the child says which were acknowledged."""
    told = tmp_path / "told"

    def attempt() -> Callable[[], object]:
        folder = anew(tiny.workspace.folder, tmp_path / "mine")
        told.write_text("")

        def work() -> None:
            writer = Writer(Workspace(folder))
            for start in (0, 5, 10):
                writer.take([watches(start, 5)])
                with told.open("a") as file:
                    file.write("".join(f"w{start + row} " for row in range(5)))
                writer.fold()

        return work

    files = (*STATE, "events/log.py", "events/known.py", "serving/writer.py")
    for _ in steps(stride, files, attempt):
        workspace = Workspace(tmp_path / "mine")
        log_keeps(workspace, set(told.read_text().split()))
        writer = Writer(workspace)
        writer.take([watches(0, 15)])
        writer.fold()
        (state,) = writer.states.values()
        assert upkeep.folded(state) == writer.log.head()
        log_keeps(workspace, {f"w{row}" for row in range(15)})
        writer.close()


def test_an_append_that_is_cut_short_is_whole_or_not_there(tiny, tmp_path):
    append(tiny, tmp_path, 4001)


@pytest.mark.slow
def test_an_append_cut_at_every_hundredth_line(tiny, tmp_path):
    append(tiny, tmp_path, 101)


def test_a_publication_that_is_cut_short_leaves_one_release_or_the_other(tiny, tmp_path):
    first = tiny.trained.release

    def attempt() -> Callable[[], object]:
        workspace = Workspace(anew(tiny.workspace.folder, tmp_path / "mine"))
        second = _second(workspace)
        return lambda: workspace.promote(second)

    reached = {current_is_whole(Workspace(tmp_path / "mine")) for _ in steps(5, ("sixfold/workspace.py",), attempt)}
    reached.add(current_is_whole(Workspace(tmp_path / "mine")))
    assert len(reached) == 2 and first.id in reached


def _second(workspace: Workspace) -> str:
    held = workspace.current()
    assert held.path is not None
    return releases.write(
        workspace.releases, held.model, items=held.items, titles=held.titles, digest="2" * 16,
        sample=golden.read(held.path / "golden"), cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip


def test_a_release_that_was_being_written_is_none(tiny, tmp_path):
    held = tiny.trained.release

    def attempt() -> Callable[[], object]:
        workspace = Workspace(anew(tiny.workspace.folder, tmp_path / "mine"))
        return lambda: _second(workspace)

    for _ in steps(401, ("sixfold/release.py",), attempt):
        workspace = Workspace(tmp_path / "mine")
        for number in workspace.release_ids():
            releases.read(workspace.releases / number)
        assert current_is_whole(workspace) == held.id
        with workspace.training():
            _second(workspace)
            assert not list(workspace.releases.glob(".draft-*")), "what was left is cleared away"


def test_a_repair_that_is_cut_short_goes_on(tmp_path):
    events = random_log(np.random.default_rng(0), decisions=200).outcomes["watch"]
    with EventLog(tmp_path / "sound" / "log.sqlite") as log:
        for part in np.array_split(np.arange(len(events["ts"])), 12):
            log.append(Events(outcomes={"watch": take(events, part)}))
    path = tmp_path / "sound" / "log.sqlite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)

    def attempt() -> Callable[[], object]:
        folder = anew(tmp_path / "sound", tmp_path / "mine")
        return lambda: repair(folder / "log.sqlite")

    for _ in steps(29, ("events/repair.py", "events/log.py"), attempt):
        mine = tmp_path / "mine" / "log.sqlite"
        done = repair(mine)
        with EventLog(mine, create=False) as log:
            log.hold()
            kept = [offset for offset, _ in log.read()]
            assert len(kept) >= 10 and (done is None or done.batches == len(kept))
            assert log.append(Events(outcomes={"watch": take(events, np.arange(3))})).crc is not None
        asides = list((tmp_path / "mine").glob("log.damaged-1.sqlite"))
        assert asides and asides[0].read_bytes() == bytes(data)


def test_an_exception_is_no_kill():
    def work() -> None:
        raise DataError("a test's own")

    with pytest.raises(AssertionError, match="the child ended with 1"):
        list(steps(10, ("nothing.py",), lambda: work))
