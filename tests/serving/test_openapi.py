from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from tests.serving.asking import ask
from tests.serving.test_http import ERRORS, failing, hello

from sixfold.events.objects import Event
from sixfold.serving import openapi
from sixfold.serving.estimate_messages import Estimate, Estimated, Following
from sixfold.serving.failures import Refused
from sixfold.serving.http import About, App, Context, Route
from sixfold.serving.messages import Accepted, Health, Rank, Recommend, Slate
from sixfold.serving.telemetry import Telemetry


async def missing(message: object, context: Context) -> Health:
    """Found under one id only."""
    if context.part != "known":
        raise Refused(404, "not_found", "no such order")
    return Health(True)


EVENTS = ("application/json", "application/x-ndjson")
ROUTES = [
    Route("POST", "/v1/recommend", hello, Recommend, deadline_s=0.1, about=About("A slate.", Slate)),
    Route("POST", "/v1/rank", hello, Rank, about=About("The caller's items in order.", Slate)),
    Route("POST", "/v1/estimate", hello, Estimate, about=About("How long.", Estimated)),
    Route("GET", "/v1/estimates/{order}", missing, about=About("What is told now.", Following)),
    Route(
        "POST", "/v1/events", hello, bytes, EVENTS, 8 << 20, 30,
        About("Events.", Accepted, other=((422, Accepted),), body=Event | list[Event]),
    ),
    Route("GET", "/health/ready", hello, about=About("Ready or not.", Health, other=((503, Health),))),
    Route("GET", "/metrics", hello, about=About("Numbers.", content_type="text/plain")),
]  # fmt: skip
DOCUMENT = openapi.document(ROUTES, token=True)


def walk(node: object) -> Iterator[dict]:
    if isinstance(node, dict):
        yield node
        for part in node.values():
            yield from walk(part)
    elif isinstance(node, list):
        for part in node:
            yield from walk(part)


def resolve(document: dict, reference: str) -> dict:
    node = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def operations() -> Iterator[tuple[str, str, dict]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_reference_resolves_and_every_component_is_used():
    references = {node["$ref"] for node in walk(DOCUMENT) if "$ref" in node}
    assert all(resolve(DOCUMENT, reference) for reference in references)
    named = {
        f"#/components/{kind}/{name}" for kind in ("schemas", "parameters") for name in DOCUMENT["components"][kind]
    }
    assert named == references & named


def test_the_form_is_that_of_openapi():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert len({operation["operationId"] for *_, operation in operations()}) == len(ROUTES)
    for _, _, operation in operations():
        for response in operation["responses"].values():
            assert "$ref" in response or {"description", "content"} <= set(response)
    assert msgspec.json.decode(msgspec.json.encode(DOCUMENT)) == DOCUMENT


def test_it_passes_the_validator_where_there_is_one():
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(DOCUMENT)


def test_examples_are_what_they_are_examples_of():
    for kind, example in openapi.EXAMPLES.items():
        (shown,) = DOCUMENT["components"]["schemas"][kind.__name__]["examples"]
        assert msgspec.convert(shown, kind) == example


def test_requests_refuse_unknown_fields_and_say_their_limits():
    schema = DOCUMENT["components"]["schemas"]["Recommend"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["member"]
    assert schema["properties"]["exclude"]["maxItems"] == 1000
    assert "stranger" in schema["properties"]["member"]["description"]
    assert "8 MiB" in DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["description"]


def test_an_event_is_one_of_three_kinds():
    schema = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    (one,) = [form for form in schema["anyOf"] if "discriminator" in form or "anyOf" in form] or [schema]
    assert set(one["discriminator"]["mapping"]) == {"entity", "decision", "outcome"}


def test_health_asks_for_no_token():
    assert {path for _, path, operation in operations() if "security" not in operation} == {"/health/ready"}
    assert all("401" not in operation["responses"] for _, path, operation in operations() if path == "/health/ready")


@pytest.mark.parametrize(("method", "path", "operation"), list(operations()))
def test_every_documented_status_is_one_that_the_application_gives(method, path, operation):
    route = next(one for one in ROUTES if (one.method, one.path) == (method, path))
    token, secret = [(b"authorization", b"Bearer secret")], "secret"
    raised = {400: None, 401: None, 413: None, 415: None, 422: "data", 500: "defect", 503: "busy", 504: "late"}
    seen = {200} | {status for status, _ in route.about.other}
    for status, name in raised.items():
        handler = failing(ERRORS[name]) if name else hello
        app = App([with_handler(route, handler)], Telemetry(), token=secret)
        headers = [*token, (b"content-type", b"application/json")]
        bodies = {"/v1/rank": b'{"member":"m","items":["a"]}', "/v1/estimate": b"{}"}
        body = bodies.get(path, b'{"member":"m"}')
        match status:
            case 400:
                headers.append((b"x-sixfold-deadline-ms", b"soon"))
            case 401:
                headers = headers[1:]
            case 413:
                headers.append((b"content-length", b"999999999"))
            case 415:
                headers = token
        seen.add(ask(app, method, path.replace("{order}", "known"), body, headers=headers).status)
    if "{" in path:
        seen.add(ask(App([route], Telemetry()), method, path.replace("{order}", "other")).status)
    documented = {int(status) for status in operation["responses"]}
    assert documented <= seen


def with_handler(route: Route, handler) -> Route:
    return Route(route.method, route.path, handler, route.request, route.accepts, route.max_bytes, route.deadline_s)


def test_the_route_gives_the_document():
    routes = [*ROUTES, openapi.route(ROUTES, token=True)]
    given = ask(App(routes, Telemetry()), "GET", "/openapi.json")
    assert given.json == DOCUMENT
