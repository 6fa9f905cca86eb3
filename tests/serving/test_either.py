"""What holds of a service whatever it decides: releases are swapped, damaged ones refused, no body finds a defect."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.either import FIXTURES, system
from tests.serving.running import Running, serving

from sixfold import golden
from sixfold import release as releases
from sixfold.workspace import Workspace


@pytest.fixture(params=FIXTURES, scope="module")
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    kept: Workspace = request.getfixturevalue(request.param).workspace
    return Workspace(Path(shutil.copytree(kept.folder, tmp_path_factory.mktemp("either") / "mine")))


@pytest.fixture(scope="module")
def service(workspace: Workspace):
    with serving(workspace.folder) as running:
        yield running


def ask(service: Running, workspace: Workspace, number: int = 1) -> tuple[int, Any]:
    body = system(workspace).body(number)
    body.pop("order", None)  # Asked for again, an order gets its first estimate.
    return service.ask("POST", system(workspace).path, body)


def another(workspace: Workspace) -> str:
    """A release that says another goal, and of estimates promises by other costs: neither needs a training."""
    held = workspace.current()
    assert held.path is not None
    design, decides = held.design, held.design.problem.decides
    if design.estimates:
        promise = msgspec.structs.replace(design.estimate.promise, late_per_min=300.0)
        decides = msgspec.structs.replace(design.estimate, promise=promise)
    problem = msgspec.structs.replace(design.problem, goal="another", decides=decides)
    learned = type(held.learned)(
        msgspec.structs.replace(design, problem=problem),
        *(getattr(held.learned, name) for name in held.learned.__slots__[1:]),
    )
    return releases.write(
        workspace.releases, learned, items=held.items, titles=held.titles, digest=held.manifest.digest,
        sample=golden.read(held.path / "golden"), cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip


def until_served(service: Running, workspace: Workspace, release: str, number: int) -> Any:
    end = time.monotonic() + 20
    while True:
        status, answer = ask(service, workspace, number)
        number += 1
        if status == 200 and answer["release"] == release:
            return answer
        assert status in (200, 503) and time.monotonic() < end, answer


def test_a_release_is_swapped_while_it_is_asked_for(service: Running, workspace: Workspace):
    first = workspace.current().id
    before = until_served(service, workspace, first, 0)
    workspace.promote(fresh := another(workspace))
    after = until_served(service, workspace, fresh, 50)
    if workspace.design.estimates:
        assert after["promise_s"] > before["promise_s"], "late minutes cost a hundred times as much"
    assert workspace.rollback() == first
    until_served(service, workspace, first, 100)


def test_a_damaged_release_is_refused_and_the_one_served_goes_on(service: Running, workspace: Workspace):
    first = workspace.current()
    folder = workspace.releases / "damaged"
    shutil.copytree(first.path, folder)
    (folder / "features.json").write_bytes(b"x")
    workspace.promote("damaged")
    end = time.monotonic() + 10
    while "sixfold_releases_refused_total 1" not in service.ask("GET", "/metrics")[1]:
        assert time.monotonic() < end
    until_served(service, workspace, first.id, 120)
    workspace.rollback()
    assert service.ask("GET", "/health/ready")[0] == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"{}x", b"[" * 99, b'{"context": 3}', b'{"\xff": 1}', b'{"nothing": 1}',
             b'{"context": {"a": {"b": {"c": {"d": {"e": 1}}}}}}', b'{"context": {"drop": [1e999, 1]}}', b'{"ts": "never"}',
             b'{"ts": -1e300}', b'{"context": {"a'],
)  # fmt: skip
def test_a_malformed_body_is_the_clients_fault(service: Running, workspace: Workspace, body: bytes):
    status, answer = service.ask("POST", system(workspace).path, body)
    assert 400 <= status < 500 and answer["error"]["message"]


def test_an_event_of_a_clock_that_is_far_ahead_comes_back_and_one_a_little_ahead_is_kept(
    service: Running, workspace: Workspace
):
    now = log_time(service)
    first, second, third = system(workspace).events("ahead", np.random.default_rng(0), 3)
    sent = [first | {"ts": now + 7_200}, second | {"ts": now + 30}, third | {"ts": now - 86_400}]
    status, answer = service.ask("POST", "/v1/events", sent)
    assert status == 200 and answer["accepted"] == 2
    (back,) = answer["rejected"]
    assert (back["line"], back["id"]) == (1, "ahead-0") and "ahead of the service's clock; set the clock" in back[
        "error"
    ]
    assert service.ask("POST", "/v1/events", first | {"ts": now})[1]["accepted"] == 1, "mended, it is taken in"


def log_time(service: Running) -> float:
    """What time it is for the service, in Unix seconds."""
    said = service.ask("GET", "/v1/status")[1]["clock"]
    return datetime.strptime(said, "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC).timestamp()


def test_what_a_client_may_get_wrong_of_http_is_told_apart(service: Running, workspace: Workspace):
    path = system(workspace).path
    assert service.ask("POST", path, b"{}", "text/plain")[0] == 415
    assert service.ask("GET", path)[0] == 405
    assert service.ask("POST", path, b" " * (2 << 20))[0] == 413


def test_a_keep_alive_connection_outlives_a_rolling_restart(service: Running, workspace: Workspace):
    (worker,) = service.children("worker")
    os.kill(service.process.pid, signal.SIGHUP)
    end, statuses = time.monotonic() + 15, []
    body = json.dumps(system(workspace).body(1)).encode()
    while service.children("worker") == [worker] or len(service.children("worker")) > 1:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        connection.request("POST", system(workspace).path, body, {"content-type": "application/json"})
        statuses.append(connection.getresponse().status)
        connection.close()
        assert time.monotonic() < end
    assert statuses and set(statuses) == {200}
