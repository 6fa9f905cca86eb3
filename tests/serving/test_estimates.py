"""`sixfold serve` of a release that estimates, from outside: the time told is that of the log, and what is wrong is named."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.serving.running import Running, serving
from tests.serving.test_serve import in_the_log
from tests.tiny_times import LEVELS, TinyTimes

from sixfold import estimate, golden
from sixfold import release as releases
from sixfold.estimation.adaptive import Adaptive
from sixfold.features.batch import Batch
from sixfold.features.indexed import Frame
from sixfold.following import steered
from sixfold.training.material import prepare
from sixfold.workspace import Workspace

SAID = {
    "store": "s12", "drop": [52.37, 4.89], "items": 3, "subtotal": 31.5, "rain": 0.2, "couriers_free": 6, "driving_s": 540,
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(timed: TinyTimes, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(Path(shutil.copytree(timed.workspace.folder, tmp_path_factory.mktemp("estimated") / "mine")))


@pytest.fixture(scope="module")
def service(workspace: Workspace):
    with serving(workspace.folder, "--clock", "request") as running:
        yield running


def ask(service: Running, context: dict[str, Any] = SAID, **more: Any) -> tuple[int, Any]:
    return service.ask("POST", "/v1/estimate", {"context": context, **more})


def of_the_log(workspace: Workspace, ts: int, keys: dict[str, str], context: dict[str, float]) -> estimate.Estimated:
    """The estimate of one request by the log in bulk, steered by no outcome: of a log without estimates none steers."""
    release = workspace.current()
    material = prepare(release.design, list(workspace.batches()))
    rows = {of: material.ids[of].rows(np.array([keys.get(of, "").encode()])) for of in release.features.entities(None)}
    columns = {name: np.array([context.get(name.removeprefix("context."), np.nan)]) for name in context_names(release)}
    known = Batch(material.log, material.ids, None)
    found = estimate.estimate(release.estimator, known, Frame(np.array([ts]), rows, columns, np.ones(1, np.int16)))
    return steered(release.estimator, found, np.zeros(len(LEVELS)))


def context_names(release: Any) -> list[str]:
    return [f"context.{name}" for name in release.features.contexts]


def test_the_served_estimate_is_that_of_the_log_in_bulk(service: Running, workspace: Workspace):
    """Seconds within 1e-3, each time over the log with the decisions before it."""
    start = max(batch.span()[1] for batch in workspace.batches())
    plain = {name: value for name, value in SAID.items() if not isinstance(value, str | list)}
    for number, store in enumerate(["s1", "s12", "s29", "never seen"], 1):
        ts = start + number * 1_000_000
        expected = of_the_log(workspace, ts, {"store": store}, {**plain, "drop_lat": 52.37, "drop_lon": 4.89})
        status, told = ask(service, SAID | {"store": store}, ts=ts / 1e6)
        assert status == 200 and told["degraded"] == [] and told["of"] == "order"
        np.testing.assert_allclose([told["quantiles"][level] for level in LEVELS], expected.quantiles[0], atol=1e-3)
        np.testing.assert_allclose(
            [leg["median_s"] for leg in told["legs"].values()], expected.legs[0, :, LEVELS.index("0.5")], atol=1e-3
        )
        assert told["promise_s"] == expected.promised_s[0] and abs(told["mean_s"] - expected.mean[0]) < 1e-3
        assert told["told"] == {
            "first_min": told["promise_s"] / 60, "last_min": told["promise_s"] / 60,
            "words": f"{told['promise_s'] / 60:g} minutes",
        }  # fmt: skip
        in_the_log(workspace, told["decision"])


def test_what_was_told_is_in_the_log_with_its_keys_and_context(service: Running, workspace: Workspace):
    _, told = ask(service, order="o-logged", keys={"courier": "c7"}, timing=True)
    assert set(told["timing_ms"]) == {"gather", "estimate"}
    events, at = in_the_log(workspace, told["decision"])
    held = {name: column[at] for name, column in events.decisions.items()}
    assert told["decision"] == "order-o-logged" and held["order"] == b"o-logged"
    assert held["store"] == b"s12" and held["courier"] == b"c7" and held["release"] == told["release"].encode()
    assert held["context.items"] == 3 and held["context.drop_lat"] == 52.37 and held["context.drop_lon"] == 4.89
    assert held["estimate.promised_s"] == told["promise_s"] and not (events.shown["decision"] == at).any()
    for level in LEVELS:
        assert held[f"estimate.whole@{level}"] == told["quantiles"][level]


def test_the_same_order_asked_again_gets_the_first_estimate(service: Running, workspace: Workspace):
    _, first = ask(service, order="o-twice")
    _, again = ask(service, SAID | {"items": 40}, order="o-twice")
    assert again == first
    _, third = ask(service)
    events, _ = in_the_log(workspace, third["decision"])
    assert events.decisions["id"].tolist().count(b"order-o-twice") == 1


@pytest.mark.parametrize(
    ("drop", "reason"),
    [
        ([0, 0], "the place is (0, 0)"),
        ([152.37, 4.89], "latitude and longitude are swapped"),
        (None, "a coordinate is missing"),
    ],
)
def test_a_place_that_is_none_is_unknown_and_said(service: Running, workspace: Workspace, drop, reason):
    _, told = ask(service, SAID | {"drop": drop})
    (note,) = told["degraded"]
    assert note == {"stage": "context.drop", "fallback": "unknown place", "reason": reason}
    events, at = in_the_log(workspace, told["decision"])
    assert np.isnan(events.decisions["context.drop_lat"][at]) and np.isnan(events.decisions["context.drop_lon"][at])


def test_what_is_left_out_is_unknown(service: Running, workspace: Workspace):
    status, told = ask(service, {})
    assert status == 200 and [one["reason"] for one in told["degraded"]] == ["a coordinate is missing"]
    in_the_log(workspace, told["decision"])


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"context": {"items": "three"}}, 422, "context 'items' is the text 'three'"),
        ({"context": {"items": True}}, 422, "context 'items' is True"),
        ({"context": {"drop": [1, 2, 3]}}, 422, "context 'drop' is [1, 2, 3]"),
        ({"context": {"drop": ["a", "b"]}}, 422, "context 'drop' is ['a', 'b']"),
        ({"context": {"drop": {"lat": 1}}}, 422, "context 'drop' is"),
        ({"context": {"store": 12}}, 422, "context 'store' is 12; expected the id of a store"),
        ({"context": {"drop_lat": "north", "drop_lon": 4.9}}, 422, "context 'drop_lat' is the text 'north'"),
        ({"context": {"items": 10**400}}, 422, "context 'items' is"),
        ({"context": [1]}, 400, "$.context"),
        ({"contexts": {}}, 400, "'contexts' is no field of Estimate"),
        ({"order": ""}, 400, "$.order"),
        ({"order": "a\0b"}, 400, "without NUL"),
        ({"order": "o" * 255}, 422, "order is too long"),
        ({"keys": {"ts": "x"}}, 422, "keys names 'ts'"),
        ({"keys": {"a.b": "x"}}, 422, "keys names 'a.b'"),
        ({"keys": {"store": 3}}, 400, "$.keys"),
        (b"{", 400, "no JSON"),
        (b'{"context": {"items": NaN}}', 400, "no JSON"),
    ],
)
def test_what_is_wrong_is_named(service: Running, body, status, said):
    found, answer = service.ask("POST", "/v1/estimate", body)
    assert found == status and said in answer["error"]["message"]


def test_only_what_the_release_does_is_offered(service: Running):
    _, document = service.ask("GET", "/openapi.json")
    assert "/v1/estimate" in document["paths"] and "/v1/recommend" not in document["paths"]
    assert "Estimate" in document["components"]["schemas"] and "Slate" not in document["components"]["schemas"]
    assert service.ask("POST", "/v1/recommend", {"member": "m1"})[0] == 404
    status = service.ask("GET", "/v1/status")[1]
    assert status["design"] == "delivery" and status["trial"]["member"] == "order"
    assert [one["name"] for one in status["stages"]][:3] == ["features", "gather", "estimate"]


# An order on its way


def status(id: str, name: str, order: str, ts: float, value: float) -> dict[str, Any]:
    keys = {"order": order, "store": "s12"}
    return {
        "kind": "outcome",
        "id": id,
        "name": name,
        "ts": ts,
        "keys": keys,
        "decision": f"order-{order}",
        "value": value,
    }


def latest(service: Running, order: str, until: Any = lambda one: True) -> Any:
    """What is told of an order, once it is so."""
    end = time.monotonic() + 10
    while True:
        code, told = service.ask("GET", f"/v1/estimates/{order}")
        if code == 200 and until(told):
            return told
        assert time.monotonic() < end, told
        time.sleep(0.01)


def test_what_becomes_known_at_once_counts(service: Running):
    """A status that comes while its estimate still waits to be handed to the writer."""
    asked = time.time() - 100
    for number in range(10):
        ask(service, order=f"o-now-{number}", ts=asked)
        sent = status(f"now-{number}", "picked_up", f"o-now-{number}", asked + 60, 60)
        assert service.ask("POST", "/v1/events", sent)[1]["accepted"] == 1
    for number in range(10):
        told = latest(service, f"o-now-{number}")
        assert told["legs"]["picked_up"].get("took_s") == 60


def test_an_order_is_followed_to_its_end(service: Running):
    asked = time.time() - 1_000
    _, told = ask(service, order="o-way", ts=asked)
    first = latest(service, "o-way")
    assert first["state"] == "under_way" and first["promises"][0] == {"at_s": 0, "promise_s": told["promise_s"]}
    assert first["elapsed_s"] >= 1_000 and first["quantiles"]["0.05"] >= 1_000
    events = [status("w1", "picked_up", "o-way", asked + 600, 600), status("w2", "arrived", "o-way", asked + 900, 300)]
    assert service.ask("POST", "/v1/events", events)[1]["accepted"] == 2
    there = latest(service, "o-way", lambda one: "took_s" in one["legs"]["arrived"])
    assert there["legs"]["picked_up"]["took_s"] == 600 and there["legs"]["arrived"]["took_s"] == 300
    assert "took_s" not in there["legs"]["dropoff"] and there["changes"] <= 3
    spread = [one["quantiles"]["0.95"] - one["quantiles"]["0.05"] for one in (told, there)]
    assert spread[1] < spread[0]
    ended = status("w3", "delivered", "o-way", asked + 990, 990)
    assert service.ask("POST", "/v1/events", [ended, ended])[0] == 200
    done = latest(service, "o-way", lambda one: one["state"] == "ended")
    assert set(done["quantiles"].values()) == {990} and done["promise_s"] == there["promise_s"]
    late = status("w4", "picked_up", "o-way", asked + 995, 995)
    assert service.ask("POST", "/v1/events", late)[0] == 200
    assert latest(service, "o-way")["state"] == "ended"


def test_each_worker_and_the_next_one_tell_the_same(workspace: Workspace, service: Running, tmp_path: Path):
    """What another process knows of an order is what this one does, and the estimate asked for again the first one."""
    _, told = ask(service, order="o-same", ts=time.time() - 700)
    here = latest(service, "o-same")
    ignored = shutil.ignore_patterns("state", "*.lock")
    copy = Path(shutil.copytree(workspace.folder, tmp_path / "copy", ignore=ignored))
    with serving(copy, "--clock", "request") as other:
        there = other.ask("GET", "/v1/estimates/o-same")[1]
        assert there["promises"] == here["promises"] and there["changes"] == here["changes"]
        assert ask(other, order="o-same")[1] == told


def test_a_status_of_a_clock_that_runs_behind(service: Running):
    """Far behind, it comes back with the reason and is nowhere; a little, it is taken as just come; late, its time counts."""
    asked = time.time() - 400
    ask(service, order="o-behind", ts=asked)
    latest(service, "o-behind")
    code, answer = service.ask("POST", "/v1/events", status("b1", "picked_up", "o-behind", asked - 900, 200))
    (back,) = answer["rejected"]
    assert code == 422 and answer["accepted"] == 0 and "900 s before the decision 'order-o-behind'" in back["error"]
    assert "took_s" not in latest(service, "o-behind")["legs"]["picked_up"]
    assert service.ask("POST", "/v1/events", status("b1", "picked_up", "o-behind", asked - 60, 200))[0] == 200
    told = latest(service, "o-behind", lambda one: "took_s" in one["legs"]["picked_up"])
    assert told["state"] == "under_way" and told["legs"]["picked_up"]["took_s"] == 200
    assert all(seconds >= told["elapsed_s"] for seconds in told["quantiles"].values())
    assert service.ask("POST", "/v1/events", status("b2", "delivered", "o-behind", asked - 30, 380))[0] == 200
    done = latest(service, "o-behind", lambda one: one["state"] == "ended")
    assert set(done["quantiles"].values()) == {380} and done["promises"][0]["at_s"] == 0


def test_a_status_that_took_less_than_no_time_comes_back(service: Running):
    code, answer = service.ask("POST", "/v1/events", status("n1", "delivered", "o-negative", time.time(), -3))
    assert code == 422 and answer["rejected"][0]["error"].startswith("value is -3; ")
    assert service.ask("POST", "/v1/events", status("n2", "cancelled", "o-negative", time.time(), -3))[0] == 200


def test_a_status_that_another_worker_takes_in_at_once_counts(workspace: Workspace, tmp_path: Path):
    """It may be in the log before its estimate, which the worker that made it hands over a little later."""
    ignored = shutil.ignore_patterns("state", "*.lock")
    copy = Path(shutil.copytree(workspace.folder, tmp_path / "copy", ignore=ignored))
    orders = [f"o-early-{number}" for number in range(40)]
    with serving(copy, "--workers", "2", "--clock", "request") as service:
        asked = time.time() - 100
        for number, order in enumerate(orders):
            # Each request is a connection of its own, which either worker may get.
            assert ask(service, order=order, ts=asked)[0] == 200
            sent = status(f"early-{number}", "picked_up", order, asked + 60, 60)
            assert service.ask("POST", "/v1/events", sent)[1]["accepted"] == 1
            assert service.ask("GET", f"/v1/estimates/{order}")[0] == 200, "it was made, by whichever worker"
        for order in orders:
            assert latest(service, order)["legs"]["picked_up"].get("took_s") == 60


def test_an_order_that_nobody_asked_for_is_not_found(service: Running):
    code, answer = service.ask("GET", "/v1/estimates/nobody")
    assert code == 404 and "no estimate 'nobody' is under way" in answer["error"]["message"]
    assert service.ask("GET", "/v1/estimates/nobody/changes")[0] == 404
    assert service.ask("GET", "/v1/estimates/")[0] == 404 and service.ask("GET", "/v1/estimates/a/b")[0] == 404
    assert service.ask("POST", "/v1/estimates/nobody", {})[0] == 405


def test_changes_are_pushed_until_the_end(service: Running):
    asked = time.time() - 60
    _, told = ask(service, order="o-stream", ts=asked)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)) as connection:
        connection.request("GET", "/v1/estimates/o-stream/changes")
        stream = connection.getresponse()
        assert stream.status == 200 and stream.headers["content-type"] == "text/event-stream"
        kind, one = pushed(stream)
        assert kind == "promise" and one["promise_s"] == told["promise_s"]
        assert service.ask("POST", "/v1/events", status("s1", "delivered", "o-stream", asked + 50, 50))[0] == 200
        kind, one = pushed(stream)
        assert kind == "ended" and one["quantiles"]["0.5"] == 50
        assert stream.read() == b""


def pushed(stream: http.client.HTTPResponse) -> tuple[str, Any]:
    """The next event of a stream."""
    kind, data, blank = (stream.readline().decode().strip() for _ in range(3))
    assert not blank
    return kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_stream_does_not_hold_up_the_end_of_a_service(timed: TinyTimes, tmp_path: Path):
    folder = Path(shutil.copytree(timed.workspace.folder, tmp_path / "mine"))
    with serving(folder) as service:
        ask(service, order="o-open")
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
        connection.request("GET", "/v1/estimates/o-open/changes")
        stream = connection.getresponse()
        pushed(stream)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    connection.close()


def test_outcomes_steer_what_is_told_where_the_design_says_so(timed: TinyTimes, tmp_path: Path):
    workspace = Workspace(Path(shutil.copytree(timed.workspace.folder, tmp_path / "mine")))
    workspace.promote(steering(workspace))
    begun = time.time() - 6 * 3600
    with serving(workspace.folder, "--clock", "request") as service:
        _, before = ask(service, ts=begun)
        for number in range(30):
            ask(service, order=f"o{number}", ts=begun + number)
        latest(service, "o29")
        slow = [status(f"slow-{number}", "delivered", f"o{number}", begun + 9_000, 9_000) for number in range(30)]
        assert service.ask("POST", "/v1/events", slow)[1]["accepted"] == 30
        end = time.monotonic() + 10
        while (after := ask(service, ts=begun)[1])["quantiles"]["0.95"] <= before["quantiles"]["0.95"] * 1.2:
            assert time.monotonic() < end, "thirty very slow orders changed nothing"
        assert after["promise_s"] > before["promise_s"]


def steering(workspace: Workspace) -> str:
    """The release of a workspace with coverage that outcomes steer."""
    held = workspace.current()
    assert held.path is not None
    learning = msgspec.structs.replace(held.design.learning, adaptive=Adaptive())
    model = replace(held.estimator, design=msgspec.structs.replace(held.design, learning=learning))
    return releases.write(
        workspace.releases, model, digest=held.manifest.digest, sample=golden.read(held.path / "golden"),
        cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip
