"""`sixfold serve` from outside: the slate is the pipeline's own, events are kept and seen, parts may go and come back."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.serving.running import Running, serving
from tests.tiny import Tiny

from sixfold import pipeline
from sixfold.evaluation import served
from sixfold.events.schema import Events, concat
from sixfold.features.batch import Batch
from sixfold.features.served import decode
from sixfold.scaling.served import free_port
from sixfold.training.material import prepare
from sixfold.types import Asks
from sixfold.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path_factory.mktemp("served") / "mine")))


@pytest.fixture(scope="module")
def service(workspace: Workspace):
    with serving(workspace.folder, "--clock", "request") as running:
        yield running


def test_the_served_slate_is_that_of_the_log_in_bulk(service: Running, workspace: Workspace):
    """The same ids in the same order and scores within 1e-6, each time over the log with the slates before it."""
    release, design = workspace.current(), workspace.current().design
    contexts = {f"context.{name}": np.zeros(1, np.uint64) for name in release.model.features.contexts}
    start = max(batch.span()[1] for batch in workspace.batches())
    for number, member in enumerate(["m0", "m5", "m40", "m77", "a stranger"], 1):
        ts = start + number * 1_000_000
        material = prepare(design, list(workspace.batches()))
        log = Batch(material.log, material.ids, design.memory)
        asks = Asks(material.ids["member"].rows(np.array([member.encode()])), np.array([ts]), contexts)
        decided = pipeline.decide(release.model, log, asks, size=10)
        status, slate = service.ask("POST", "/v1/recommend", {"member": member, "k": 10, "ts": ts / 1e6})
        assert status == 200 and slate["known"] == (asks.member[0] >= 0) and slate["degraded"] == []
        items = material.ids["video"].names(decided.slate[0]).astype(str).tolist()
        assert [one["item"] for one in slate["items"]] == items
        value = dict(zip(decided.pool.item.tolist(), decided.scored.value.tolist(), strict=True))
        expected = [value[item] for item in decided.slate[0].tolist()]
        np.testing.assert_allclose([one["score"] for one in slate["items"]], expected, rtol=1e-6, atol=1e-6)
        in_the_log(workspace, slate["decision"])


def in_the_log(workspace: Workspace, decision: str) -> tuple[Events, int]:
    """The events of a log that holds a decision, and its row; waits for it."""
    end = time.monotonic() + 10
    while True:
        events = concat(list(workspace.batches()))
        mine = np.flatnonzero(events.decisions["id"] == decision.encode())
        if len(mine):
            return events, int(mine[0])
        assert time.monotonic() < end, "the decision is not in the log"


def test_an_answer_explains_itself(service: Running):
    _, slate = service.ask("POST", "/v1/recommend", {"member": "m3", "k": 2, "explain": True, "timing": True})
    first = slate["items"][0]
    assert set(first["heads"]) == {"watch", "seconds"} and first["sources"] and first["features"] and first["reasons"]
    assert set(slate["removed"]) == {"seen", "unavailable"}
    assert list(slate["timing_ms"]) == ["retrieval", "filters", "features", "scores", "slate"]


def test_the_callers_own_items_are_ranked_and_the_unknown_named(service: Running):
    status, slate = service.ask("POST", "/v1/rank", {"member": "m3", "items": ["v1", "new", "v2", "v9"]})
    assert status == 200 and slate["unknown"] == ["new"]
    scores = [one["score"] for one in slate["items"]]
    assert scores == sorted(scores, reverse=True) and {one["item"] for one in slate["items"]} == {
        "v1",
        "new",
        "v2",
        "v9",
    }


def watch(id: str, member: str, video: str, ts: float) -> dict[str, object]:
    return {
        "kind": "outcome",
        "id": id,
        "name": "watch",
        "ts": ts,
        "keys": {"member": member, "video": video},
        "value": 99,
    }


def test_an_event_is_kept_once_and_seen_by_the_next_request(service: Running, workspace: Workspace):
    ts = time.time() - 100
    _, before = service.ask("POST", "/v1/recommend", {"member": "m5", "k": 1})
    item = before["items"][0]["item"]
    fresh = watch("fresh", "m5", item, ts)
    assert service.ask("POST", "/v1/events", fresh) == (
        200,
        {"accepted": 1, "duplicates": 0, "conflicts": [], "rejected": []},
    )
    assert service.ask("POST", "/v1/events", [fresh, fresh])[1]["duplicates"] == 2
    assert service.ask("POST", "/v1/events", fresh | {"value": 1})[0] == 422
    end = time.monotonic() + 5
    while service.ask("POST", "/v1/recommend", {"member": "m5", "k": 1})[1]["items"][0]["item"] == item:
        assert time.monotonic() < end, "what was watched is still recommended"


def test_bad_lines_are_named_and_the_rest_is_kept(service: Running):
    good = json.dumps(watch("line-1", "m6", "v2", time.time() - 50))
    body = "\n".join([good, '{"kind": "outcom"}', good.replace("line-1", "line-3")]).encode()
    status, answer = service.ask("POST", "/v1/events", body, "application/x-ndjson")
    assert status == 200 and answer["accepted"] == 2 and [one["line"] for one in answer["rejected"]] == [2]


def test_decisions_reach_the_log(service: Running, workspace: Workspace):
    _, slate = service.ask("POST", "/v1/recommend", {"member": "m8", "k": 4, "context": {"device": "tv", "extra": 5}})
    events, at = in_the_log(workspace, slate["decision"])
    assert events.decisions["member"][at] == b"m8" and events.decisions["context.device"][at] == b"tv"
    shown = events.shown["decision"] == at
    assert events.shown["item"][shown].astype(str).tolist() == [one["item"] for one in slate["items"]]
    assert events.shown["propensity"][shown].tolist() == [one["propensity"] for one in slate["items"]]


def test_a_decision_that_contradicts_the_log_does_not_hold_up_the_others(service: Running, workspace: Workspace):
    """A context was text so far: one that is a number cannot be logged, is counted, and the next one is logged all the same."""
    _, first = service.ask("POST", "/v1/recommend", {"member": "m2", "k": 1, "context": {"lat": "north"}})
    in_the_log(workspace, first["decision"])
    _, wrong = service.ask("POST", "/v1/recommend", {"member": "m2", "k": 1, "context": {"lat": 52.5}})
    end = time.monotonic() + 10
    while "sixfold_decisions_dropped 1" not in service.ask("GET", "/metrics")[1]:
        assert time.monotonic() < end
    _, right = service.ask("POST", "/v1/recommend", {"member": "m2", "k": 1})
    events, _ = in_the_log(workspace, right["decision"])
    assert wrong["decision"].encode() not in events.decisions["id"].tolist()


def test_events_of_another_kind_than_the_log_are_refused_for_good(service: Running):
    said = {"kind": "entity", "id": "kind-1", "of": "video", "key": "v1", "values": {"length_s": "long"}}
    status, answer = service.ask("POST", "/v1/events", said)
    assert status == 422 and "was numbers in the log so far and is text now" in answer["error"]["message"]


def test_what_was_served_is_what_the_log_says(service: Running, workspace: Workspace):
    """A sample of slates carries its feature values; events that come late are told from values that are wrong."""
    start = max(batch.span()[1] for batch in workspace.batches()) / 1e6
    for number in range(250):
        service.ask("POST", "/v1/recommend", {"member": f"m{number % 90}", "k": 5, "ts": start + 1 + number})
        if number == 120:
            # Known before what follows is asked, and said to have happened before what was asked.
            late = [watch(f"late-{n}", f"m{n}", "v3", start + 0.5) for n in range(90)]
            assert service.ask("POST", "/v1/events", late)[1]["accepted"] == 90
    # Whether a slate falls into the sample, and whether a batch was folded while it was made, is chance.
    for more in range(20):
        for number in range(50):
            ask = {"member": f"m{number}", "ts": start + 300 + 50 * more + number}
            _, last = service.ask("POST", "/v1/recommend", ask)
        in_the_log(workspace, last["decision"])
        with workspace.log() as log:
            batches, kept = list(log.read()), [decode(body) for body in log.kept()]
        if any(one.offset >= 0 for one in kept):
            break
    found = served.verify(workspace.current(), batches, kept)
    whole = sum(one.offset >= 0 for one in kept)
    assert found.decisions == whole >= 1 and not found, [str(one) for one in found.skew.differences]
    wrong = [msgspec.structs.replace(one, values=(one.table + np.float32(1)).tobytes()) for one in kept]
    assert served.verify(workspace.current(), batches, wrong)


def test_what_it_says_of_itself(service: Running):
    assert service.ask("GET", "/health/live")[1] == {"ok": True, "reasons": []}
    status, document = service.ask("GET", "/openapi.json")
    assert status == 200 and "/v1/recommend" in document["paths"]
    assert 'sixfold_stage_seconds_bucket{stage="features"' in service.ask("GET", "/metrics")[1]
    assert service.ask("GET", "/v1/status")[1]["design"] == "video"
    assert "Sixfold" in service.ask("GET", "/")[1]


def test_a_request_may_not_go_back_in_time_unless_it_is_said(workspace: Workspace, tiny: Tiny, tmp_path: Path):
    folder = Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine"))
    with serving(folder) as service:
        status, answer = service.ask("POST", "/v1/recommend", {"member": "m3", "ts": 1_700_000_000})
        assert status == 422 and "start with --clock request" in answer["error"]["message"]


def test_the_parts_as_services_of_their_own_give_the_same_slate(tiny: Tiny, tmp_path: Path):
    workspace = Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))
    release = workspace.current()
    one, two = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    ts = time.time_ns() // 1000
    ask = {"member": "m11", "k": 10, "ts": ts / 1e6, "explain": True}
    with serving(workspace.folder, "--only", "app", "--clock", "request", "--candidates", one, "--ranking", two) as app:
        alone = app.ask("POST", "/v1/recommend", ask)[1]
        assert {d["stage"] for d in alone["degraded"]} == {"candidates", "ranking"} and len(alone["items"]) == 10
        in_the_log(workspace, alone["decision"])
        state = workspace.state(release)
        contexts = {f"context.{name}": np.zeros(1, np.uint64) for name in release.model.features.contexts}
        asks = Asks(state.ids["member"].rows(np.array([b"m11"])), np.array([ts]), contexts)
        decided = pipeline.decide(release.model, state, asks, size=10)
        with _part(workspace.folder, "candidates", one), _part(workspace.folder, "ranking", two):
            end = time.monotonic() + 10
            while (slate := app.ask("POST", "/v1/recommend", ask)[1])["degraded"]:
                assert time.monotonic() < end, slate["degraded"]
            items = state.ids["video"].names(decided.slate[0]).astype(str).tolist()
            assert [one["item"] for one in slate["items"]] == items and slate["items"][0]["features"]
            assert slate["removed"] == {why: len(rows) for why, (_, rows) in decided.pool.removed.items()}


def _part(folder: Path, name: str, url: str):
    return serving(folder, "--only", name, "--clock", "request", port=int(url.rpartition(":")[2]))


def test_a_writer_that_is_killed_comes_back_and_nothing_is_lost(service: Running, workspace: Workspace):
    """While it is away slates are answered and events refused; what was acknowledged before is there."""
    sent = [watch(f"kill-{n}", "m9", f"v{n}", time.time() - 30) for n in range(5)]
    assert service.ask("POST", "/v1/events", sent)[1]["accepted"] == 5
    killed = service.kill("writer")
    status, slate = service.ask("POST", "/v1/recommend", {"member": "m9"})
    assert status == 200 and slate["items"]
    while service.children("writer") in ([], [killed]):
        time.sleep(0.02)  # Before that a worker may not have seen that its writer is gone.
    service.until_ready()
    assert service.ask("POST", "/v1/events", sent)[1]["duplicates"] == 5
