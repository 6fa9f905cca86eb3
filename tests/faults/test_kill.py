"""kill -9 of any process at any moment, under load: what was acknowledged stays, once; the rest goes on answering."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.either import FIXTURES, system
from tests.faults.held import current_is_whole, log_keeps, state_is_that_of_the_log
from tests.faults.load import Asking, Feed
from tests.serving.running import Running, serving

from sixfold import golden
from sixfold import release as releases
from sixfold.workspace import Workspace

PATIENCE_S = 60


@pytest.fixture(params=FIXTURES)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    kept: Workspace = request.getfixturevalue(request.param).workspace
    return Workspace(Path(shutil.copytree(kept.folder, tmp_path / "mine")))


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.001)


def listening(port: int) -> int:
    """How many sockets listen on a port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "0A" for line in lines)


def both(service: Running, killed: int) -> bool:
    """Whether two workers listen, and neither is the one that was killed."""
    workers = service.children("worker")
    return killed not in workers and len(workers) == 2 and listening(service.port) == 2


def at_a_random_moment(feed: Feed, rng: np.random.Generator) -> None:
    """Some batches on, and some part of a millisecond into the next one, be it sent or acknowledged."""
    batches = int(rng.integers(1, 6))
    if rng.random() < 0.5:
        start = feed.sent
        until(lambda: feed.sent >= start + batches, "batches are sent")
    else:
        count = len(feed.acknowledged)
        until(lambda: len(feed.acknowledged) > count + 40 * (batches - 1), "batches are acknowledged")
    moment = time.monotonic() + rng.uniform(0, 0.004)
    while time.monotonic() < moment:
        pass


def kill_writers(workspace: Workspace, tmp_path: Path, *, times: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    with (
        serving(workspace.folder, "--clock", "wall") as service,
        Feed(service, f"writer-{seed}", system=system(workspace)) as feed,
        Asking(service, system(workspace)) as asking,
    ):
        for _ in range(times):
            at_a_random_moment(feed, rng)
            killed = service.kill("writer")
            count = len(feed.acknowledged)
            until(lambda: len(feed.acknowledged) > count + 40, "events are taken in again")  # noqa: B023
            assert service.children("writer") != [killed]
    assert 0 not in feed.refused, "the worker lived: it had to answer"
    assert len(asking.asked) > times and not asking.failed()
    log_keeps(workspace, feed.acknowledged)
    state_is_that_of_the_log(workspace, tmp_path / "rebuilt")


def kill_workers(workspace: Workspace, tmp_path: Path, *, times: int, seed: int) -> None:
    rng, moments = np.random.default_rng(seed), []
    with (
        serving(workspace.folder, "--workers", "2", "--clock", "wall") as service,
        Feed(service, f"worker-{seed}", system=system(workspace)) as feed,
        Asking(service, system(workspace)) as asking,
    ):
        until(lambda: listening(service.port) == 2, "two workers listen")
        for _ in range(times):
            at_a_random_moment(feed, rng)
            killed = service.children("worker")[0]
            moments.append(time.monotonic())
            os.kill(killed, signal.SIGKILL)
            until(lambda: both(service, killed), "two workers listen")  # noqa: B023
    assert not asking.failed(but_at=moments)
    log_keeps(workspace, feed.acknowledged)
    state_is_that_of_the_log(workspace, tmp_path / "rebuilt")


def test_a_killed_writer_loses_and_doubles_nothing(workspace, tmp_path):
    kill_writers(workspace, tmp_path, times=4, seed=1)


def test_a_killed_worker_costs_only_what_it_had_in_hand(workspace, tmp_path):
    kill_workers(workspace, tmp_path, times=3, seed=2)


def kill_commands(workspace: Workspace, tmp_path: Path, words: list[str], *, times: int, seed: int) -> int:
    """Start a command over and over and kill it at a random moment of its life; gives how often it came to its end."""
    rng, lasted, ended = np.random.default_rng(seed), 4.0, 0
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-m", "sixfold.cli.main", *words, "--dir", str(workspace.folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        began = time.monotonic()
        try:
            process.wait(timeout=rng.uniform(0.3, lasted))
            ended += 1
            lasted = time.monotonic() - began
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert current_is_whole(workspace) in workspace.release_ids()
        for number in workspace.release_ids():
            releases.read(workspace.releases / number)
    return ended


def kill_trainings(workspace: Workspace, tmp_path: Path, *, times: int, seed: int) -> None:
    kill_commands(workspace, tmp_path, ["train", "--quick", "--force"], times=times, seed=seed)
    done = subprocess.run(
        [sys.executable, "-m", "sixfold.cli.main", "train", "--quick", "--force", "--dir", str(workspace.folder)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not list(workspace.releases.glob(".draft-*")) and not list(workspace.cache.glob("*.[0-9]*.npz"))


def kill_publications(workspace: Workspace, tmp_path: Path, *, times: int, seed: int) -> None:
    held = workspace.current()
    assert held.path is not None
    other = releases.write(
        workspace.releases, held.learned, items=held.items, titles=held.titles, digest="2" * 16,
        sample=golden.read(held.path / "golden"), cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip
    for number in range(times):
        name = (other, held.id)[number % 2]
        kill_commands(workspace, tmp_path, ["releases", "promote", name], times=1, seed=seed + number)
    done = subprocess.run(
        [sys.executable, "-m", "sixfold.cli.main", "releases", "promote", other, "--dir", str(workspace.folder)]
    )
    assert done.returncode == 0 and workspace.current_id() == other


def test_a_killed_training_publishes_no_half_release(workspace, tmp_path):
    kill_trainings(workspace, tmp_path, times=2, seed=3)


def test_a_killed_publication_is_whole_or_not_there(workspace, tmp_path):
    kill_publications(workspace, tmp_path, times=2, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("kill", [kill_writers, kill_workers, kill_trainings, kill_publications])
def test_two_hundred_kills(workspace, tmp_path, kill):
    kill(workspace, tmp_path, times=200, seed=5)
