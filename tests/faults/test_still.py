"""Not dead and not well: a writer that stands still, events that say too little, a log that is damaged under a service."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from tests.either import watches
from tests.faults.held import state_is_that_of_the_log
from tests.faults.test_kill import until
from tests.serving.running import serving
from tests.tiny import Tiny

from sixfold.workspace import Workspace


@pytest.fixture
def workspace(tiny: Tiny, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))


def test_a_writer_that_stands_still_counts_as_away(workspace):
    """Slates are answered and say what they come from; events are refused and not piled up; then all is as before."""
    (event,) = watches("still", np.random.default_rng(0), 1)
    with serving(workspace.folder, "--clock", "wall") as service:
        (writer,) = service.children("writer")
        os.kill(writer, signal.SIGSTOP)

        def stale() -> bool:
            status, slate = service.ask("POST", "/v1/recommend", {"member": "m1"})
            return status == 200 and "state" in {one["stage"] for one in slate["degraded"]}

        until(stale, "slates say that the state is as it was")
        status, answer = service.ask("POST", "/v1/events", event)
        assert status == 503 and "the writer of the log is away" in answer["error"]["message"]
        os.kill(writer, signal.SIGCONT)
        until(lambda: service.ask("POST", "/v1/events", event)[0] == 200, "events are taken in again")
        until(lambda: not stale(), "slates are as designed")


def test_an_event_that_does_not_say_whose_it_is_is_kept_and_counted_nowhere(workspace, tmp_path):
    """It was acknowledged before anyone tried to fold it: it must not keep the writer from ever starting again."""
    (event,) = watches("whose", np.random.default_rng(0), 1)
    with serving(workspace.folder, "--clock", "wall") as service:
        (writer,) = service.children("writer")
        for number, keys in enumerate([{"video": "v1"}, {"member": "m1"}, {"other": "x"}]):
            status, answer = service.ask("POST", "/v1/events", event | {"id": f"odd-{number}", "keys": keys})
            assert (status, answer["accepted"]) == (200, 1)
        assert service.ask("POST", "/v1/events", event)[1]["accepted"] == 1
        assert service.children("writer") == [writer]
    state_is_that_of_the_log(workspace, tmp_path / "rebuilt")


def test_a_service_goes_on_from_what_is_whole_of_a_damaged_log(workspace, tmp_path):
    """The log is damaged while it serves, and the writer dies: it comes back, with a state of what is left."""
    with serving(workspace.folder, "--clock", "wall") as service:
        for number in range(6):
            body = watches(f"batch-{number}", np.random.default_rng(number))
            assert service.ask("POST", "/v1/events", body)[0] == 200
        (writer,) = service.children("writer")
        os.kill(writer, signal.SIGSTOP)
        beside = workspace.log_path.with_name("log.sqlite-wal")
        with beside.open("r+b") as file:
            file.truncate(beside.stat().st_size - 5000)
        os.kill(writer, signal.SIGKILL)
        event = watches("after", np.random.default_rng(7))
        until(lambda: service.ask("POST", "/v1/events", event)[0] == 200, "events are taken in again")
        assert service.ask("POST", "/v1/recommend", {"member": "m1"})[0] == 200
    assert list(workspace.log_path.parent.glob("log.damaged-1.sqlite*"))
    state_is_that_of_the_log(workspace, tmp_path / "rebuilt")
