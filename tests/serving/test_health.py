"""How a service says that it is: the counts of all its processes, what stands in for what, and the last minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.tiny import Tiny

from sixfold.serving import health
from sixfold.serving.clock import Clock
from sixfold.serving.engine import Engine
from sixfold.serving.health import Doing, Left, Note
from sixfold.serving.messages import Degraded, Stage, Status
from sixfold.serving.service import Service
from sixfold.serving.telemetry import Telemetry


class Time:
    """The time module of `health`, held still."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    held = Time()
    monkeypatch.setattr(health, "time", held)
    monkeypatch.setattr(health, "STALE_S", 10)
    return held


def other(run: Path, process: int, telemetry: Telemetry, time: Time, notes: Sequence[Note] = ()) -> None:
    """What another process leaves."""
    run.mkdir(exist_ok=True)
    path = run / f"{process}.json"
    path.write_bytes(msgspec.json.encode(Left(telemetry.snapshot(), list(notes))))
    os.utime(path, (time.now, time.now))


def counted(**counts: int) -> Telemetry:
    telemetry = Telemetry()
    for name, count in counts.items():
        telemetry.counter(f"{name}_total", "Counted.").of().add(count)
    return telemetry


def test_metrics_are_those_of_all_processes_that_live(tmp_path: Path, time: Time):
    other(tmp_path, 1, counted(asked=3), time)
    time.now -= 60
    other(tmp_path, 2, counted(asked=100), time)
    time.now += 60
    (tmp_path / "3.json").write_bytes(b'{"half')
    assert b"\nasked_total 5\n" in health.exposed(tmp_path, counted(asked=2))


def test_what_is_published_is_read_by_others(tmp_path: Path, time: Time):
    health.publish(tmp_path / "run", counted(asked=4), [Note(1.0, "ranking", "retrieval order", "late")])
    (path,) = (tmp_path / "run").iterdir()
    left = msgspec.json.decode(path.read_bytes(), type=Left)
    assert path.stem == str(os.getpid()) and left.counts["asked_total"]["series"] == [[[], 4]]
    assert left.notes == [Note(1.0, "ranking", "retrieval order", "late")]


def test_processes_that_ended_are_not_counted(tmp_path: Path, time: Time):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    other(tmp_path, ended.pid, counted(asked=1), time)
    other(tmp_path, os.getppid(), counted(asked=1), time)
    doing = Doing(tmp_path, counted(asked=1))
    doing.look()
    assert doing.processes == 2


# The status of a service, with a release of the tiny workspace


@pytest.fixture(scope="module")
def engine(tiny: Tiny) -> Engine:
    release = tiny.workspace.current()
    return Engine(release, tiny.workspace.state(release))


@pytest.fixture
def service(engine: Engine, tmp_path: Path, time: Time) -> Service:
    """A worker that never listened; what it counts is written into its telemetry directly."""
    link: Any = SimpleNamespace(up=True)
    made = Service(
        role="all", engine=engine, clock=Clock(), telemetry=Telemetry(), link=link, run=tmp_path / "run", follow=None
    )  # type: ignore[arg-type]
    made.started = time.now
    made.doing.look()
    return made


def answers(service: Service, n: int, *, took_s: float, status: str = "200", route: str = "/v1/recommend") -> None:
    telemetry = service.telemetry
    for _ in range(n):
        telemetry.histogram("sixfold_http_seconds", "", labels=("route",)).of(route).observe(took_s)
        telemetry.counter("sixfold_http_requests_total", "", labels=("route", "status")).of(route, status).add()


def status(service: Service, time: Time, after: float = 1) -> Status:
    time.now += after
    service.doing.look()
    return health.status(service)


def stage(found: Status, name: str) -> Stage:
    (one,) = (stage for stage in found.stages if stage.name == name)
    return one


def test_rates_are_of_the_last_minute_and_not_since_the_start(service: Service, time: Time):
    answers(service, 600, took_s=0.9)
    status(service, time)
    for _ in range(60):
        answers(service, 20, took_s=0.004)
        found = status(service, time)
    assert found.per_s == pytest.approx(20, rel=0.02) and 54 < found.window_s <= 60
    assert found.p99_ms is not None and found.p99_ms < 5
    assert found.events.decisions_per_s == pytest.approx(20, rel=0.02)
    assert max(slot.p99_ms for slot in found.slots if slot.p99_ms) > 500


def test_a_slot_that_is_over_keeps_all_that_was_in_it(service: Service, time: Time):
    """It was asked for while it was under way, and is asked for again when it is over."""
    time.now += -time.now % 5
    status(service, time, after=0)
    for _ in range(4):
        answers(service, 3, took_s=0.004)
        found = status(service, time)
    before = len(found.slots)
    found = status(service, time, after=5)
    assert [slot.requests for slot in found.slots][-2:] == [12, 0] and len(found.slots) == before + 1
    assert status(service, time, after=0.5).slots[-2].requests == 12


def test_stages_have_the_deadlines_of_the_design_and_come_in_the_order_of_the_flow(service: Service, time: Time):
    service.observe("ranking", 0.004)
    service.observe("features", 0.003)
    found, parts = status(service, time), service.engine.release.design.components
    assert [one.name for one in found.stages][:3] == ["candidates", "retrieval", "filters"]
    assert stage(found, "ranking").deadline_ms == parts.ranking.deadline_ms
    assert stage(found, "ranking").fallback == parts.ranking.fallback
    assert stage(found, "features").within == "ranking" and stage(found, "features").deadline_ms is None
    assert stage(found, "features").p50_ms == pytest.approx(3, abs=1)
    assert stage(found, "filters").p50_ms is None and stage(found, "filters").per_s == 0


def test_refused_and_failed_are_told_apart(service: Service, time: Time):
    service._shed.add(4)
    answers(service, 4, took_s=0.001, status="503")
    answers(service, 2, took_s=0.1, status="500")
    answers(service, 3, took_s=0.1, status="422")
    answers(service, 1, took_s=0.1, status="503", route="/v1/events")
    answers(service, 9, took_s=0.1, status="503", route="/health/ready")
    found = status(service, time)
    assert (found.shed, found.failed) == (4, 3) and found.slots[-1].requests == 9


def test_a_fallback_is_said_with_its_reason_until_it_is_over(service: Service, time: Time):
    assert status(service, time).degraded == []
    service.fell(Degraded("ranking", "retrieval order", "late: 3 ms were left of 40"))
    service.fell(Degraded("ranking", "retrieval order", "late: 2 ms were left of 40"))
    (standing,) = status(service, time, after=2).degraded
    assert (standing.stage, standing.fallback, standing.reason) == (
        "ranking",
        "retrieval order",
        "late: 2 ms were left of 40",
    )
    assert (standing.ago_s, standing.count) == (2, 2)
    found = status(service, time, after=20)
    assert found.degraded == [] and found.fallbacks == 2 and stage(found, "ranking").fallbacks == 2


def test_a_fallback_of_another_worker_is_said_too(service: Service, time: Time):
    other(service.run, 1, Telemetry(), time, [Note(time.now - 3, "candidates", "popular", "down")])
    (standing,) = status(service, time, after=0).degraded
    assert (standing.stage, standing.ago_s) == ("candidates", 3)


def test_a_writer_that_is_away_and_a_release_that_was_refused_are_said(service: Service, time: Time):
    service.link.up = False  # type: ignore[union-attr, misc]
    service.telemetry.counter("sixfold_releases_refused_total", "").of().add()
    found = status(service, time)
    assert [one.stage for one in found.degraded] == ["writer", "release"]
    assert service.engine.release.id in found.degraded[1].fallback


def test_the_lag_of_events_comes_from_the_writer(service: Service, time: Time):
    assert status(service, time).event_lag_s is None
    writer = Telemetry()
    writer.histogram("sixfold_fold_seconds", "").of().observe(0.004)
    other(service.run, 1, writer, time)
    found = status(service, time, after=1)
    assert found.event_lag_s == pytest.approx(0.004, abs=0.001)
    assert stage(found, "fold").within == "writer" and stage(found, "fold").p50_ms == found.events.lag_p50_ms


def test_what_one_needs_to_try_a_member(service: Service, time: Time):
    trial = status(service, time).trial
    assert (trial.member, trial.item, trial.contexts) == ("member", "video", ["device"])
    assert trial.members and service.engine.rows("member", trial.members).min() >= 0
