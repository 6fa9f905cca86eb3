"""A full disk: nothing is acknowledged that is not kept, a sentence says so, and it goes on when there is room."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.either import watches
from tests.faults.dying import dies_at
from tests.faults.held import log_keeps
from tests.faults.test_kill import until
from tests.serving.running import serving
from tests.tiny import Tiny

from sixfold import files, upkeep
from sixfold.events.schema import Events
from sixfold.serving import writer as writers
from sixfold.serving.telemetry import Telemetry
from sixfold.serving.writer import Desk, Writer
from sixfold.workspace import Workspace

NDJSON = "application/x-ndjson"


@pytest.fixture
def workspace(tiny: Tiny, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))


def outcomes(start: int, n: int) -> Events:
    """Of many members and items that nobody has heard of, so that every array has to grow."""
    ts = 1_900_000_000_000_000 + start
    rows = range(start, start + n)
    table = {
        "id": np.array([f"w{row}".encode() for row in rows]), "ts": np.arange(ts, ts + n), "decision": np.zeros(n, "S1"),
        "value": np.full(n, 40.0), "member": np.array([f"new-{row}".encode() for row in rows]),
        "video": np.array([f"fresh-{row}".encode() for row in rows]),
    }  # fmt: skip
    return Events(outcomes={"watch": table})


class Told:
    """Stands in for a worker's connection."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.frames.append(data)

    def is_closing(self) -> bool:
        return False


def test_what_cannot_be_written_is_not_acknowledged(workspace):
    """No file may grow, as on a full disk: the log says so, and takes the same events in when there is room."""

    def work() -> None:
        writer = Writer(workspace)
        desk, to = Desk(writer, Telemetry()), Told()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        writer.log.db.execute("pragma wal_checkpoint(truncate)")
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        desk._write([writers._Waiting(1, outcomes(0, 2000), {}, 1, to)])  # type: ignore[arg-type]
        assert (
            b"the log cannot be written (" in to.frames[-1] and b"make room and send the events again" in to.frames[-1]
        )
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        desk._write([writers._Waiting(2, outcomes(0, 2000), {}, 1, to)])  # type: ignore[arg-type]
        assert b"cannot" not in to.frames[-1]
        writer.close()

    assert not dies_at(-1, (), work)
    log_keeps(workspace, {f"w{row}" for row in range(2000)})


@pytest.mark.parametrize("step", range(0, 40, 7))
def test_a_state_for_which_there_is_no_room_is_taken_back(workspace, monkeypatch, step):
    """Room is taken before a page is written: its lack is an error, after which the state is that of the batch before."""
    writer = Writer(workspace)
    writer.take([outcomes(0, 3000)])
    (state,) = writer.states.values()
    before = {name: state.store[name].copy() for name in state.store.nbytes()}
    offset, left = upkeep.folded(state), [step]
    allocate = files.allocate

    def full(path: Path) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        allocate(path)

    monkeypatch.setattr(files, "allocate", full)
    try:
        writer.fold()
    except OSError:
        assert upkeep.folded(state) == offset
        assert state.store.mapped is not None
        os.close(state.store.mapped._lock)  # The process is gone.
        log, current = writer.log, workspace.current()
        again = upkeep.keeper(workspace.state_folder(current), current.model.features, current.design.memory, log)
        for name, values in before.items():
            np.testing.assert_array_equal(again.store[name], values, err_msg=name)
        monkeypatch.setattr(files, "allocate", allocate)
        upkeep.catch_up(again, log)
        assert upkeep.folded(again) == offset + 1
        upkeep.close(again)
        log.close()
    else:
        writer.close()


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 80 MiB; needs the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_service_on_a_full_disk_goes_on_when_there_is_room(tiny, small_disk):
    """Slates are answered all the while; events are refused with a sentence, and taken when there is room."""
    workspace = Workspace(Path(shutil.copytree(tiny.workspace.folder, small_disk / "mine")))
    rng, acknowledged = np.random.default_rng(0), set()

    def post(mark: str) -> tuple[int, object]:
        events = watches(mark, rng, 400)
        status, answer = service.ask("POST", "/v1/events", "\n".join(map(_json, events)).encode(), NDJSON)
        if status == 200:
            acknowledged.update(event["id"] for event in events)
        return status, answer

    with serving(workspace.folder, "--clock", "wall") as service:
        assert post("before")[0] == 200
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            while _written(file):
                pass
        status, number, answer = 200, 0, None
        while status == 200:
            status, answer = post(f"full-{number}")
            number += 1
        assert status == 503 and "again" in str(answer)
        assert service.ask("POST", "/v1/recommend", {"member": "m1"})[0] == 200
        filler.unlink()
        until(lambda: post("after")[0] == 200, "events are taken in again")
    log_keeps(workspace, acknowledged)


def _json(event: dict[str, object]) -> str:
    import json

    return json.dumps(event)


def _written(file) -> bool:
    try:
        os.write(file.fileno(), bytes(1 << 16))
    except OSError:
        return False
    return True
