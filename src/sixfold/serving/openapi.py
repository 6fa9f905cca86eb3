"""The OpenAPI 3.1 document of some routes, made from the types that decode their requests.

Limits, statuses and headers come from the routes and the application, field descriptions from the docstrings in
`messages`, so that the document cannot say what the service does not do.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from ..events.incoming import Rejected
from . import estimate_messages, messages
from .body import DEPTH, MIB
from .estimate_messages import Estimate, Estimated, Leg, Told
from .failures import Refused, failure
from .http import OPEN_PATHS, Raw, Route
from .messages import Accepted, Code, Degraded, Failure, Health, Placed, Rank, Recommend, Slate

JSON = "application/json"

EXAMPLES: dict[type[msgspec.Struct], msgspec.Struct] = {
    Recommend: Recommend(member="m17", context={"device": "tv"}, k=20, exclude=["v1"]),
    Rank: Rank(member="m17", items=["v12", "v7"], context={"device": "tv"}),
    Slate: Slate(
        decision="d-5f2c-1", release="3f6c2a90b1de", member="m17", known=True,
        items=[Placed(item="v12", position=1, score=0.12, propensity=0.9, title="The twelfth")],
        degraded=[Degraded("ranking", "retrieval order", "late: 40 ms of 40")],
    ),
    Estimate: Estimate(context={"store": "s12", "drop": [52.37, 4.89], "items": 3}, order="o17"),
    Estimated: Estimated(
        decision="order-o17", release="3f6c2a90b1de", of="order", promise_s=2700, told=Told(45, 45, "45 minutes"),
        mean_s=2280, quantiles={"0.05": 1320, "0.5": 2210, "0.95": 3310},
        legs={"picked_up": Leg(median_s=900, low_s=420, high_s=1730), "arrived": Leg(median_s=1290, low_s=700, high_s=2000)},
        degraded=[Degraded("context.drop", "unknown place", "the place is (0, 0)")],
    ),
    Accepted: Accepted(998, 1, ["o17"], [Rejected(3, "o9", "ts is missing")]),
    Health: Health(ok=True),
}  # fmt: skip

_ERRORS: dict[int, tuple[Code, str]] = {
    400: ("invalid", "The request is not well formed: its JSON, its encoding, a header or a field."),
    401: ("unauthorised", "The bearer token is missing or not the right one."),
    404: ("not_found", "Nothing of this id is known here, or no longer."),
    413: ("too_large", "The body is over the limit, as sent or inflated."),
    415: ("unsupported", "The content-type or content-encoding is not read here."),
    422: ("unprocessable", "Well formed, but it cannot be done: it names what the release does not know."),
    500: ("failed", "A defect of the service; it was logged with the request id."),
    503: ("overloaded", "Refused early and on purpose; ask again after the seconds of Retry-After."),
    504: ("late", "No answer was ready by the deadline."),
}


_PARAMETERS: dict[str, Any] = {
    name: {"name": name, "in": "header", "description": description, "schema": {"type": "string", "pattern": pattern}}
    for name, description, pattern in (
        ("x-request-id", "An id for this request; it is given back.", "^[A-Za-z0-9._-]{1,64}$"),
        ("x-sixfold-deadline-ms", "Milliseconds after which the answer is of no use.", "^[0-9]{1,9}([.][0-9]{1,6})?$"),
    )
}


def document(routes: Sequence[Route], *, version: str = "1", token: bool = False) -> dict[str, Any]:
    """The document as plain data. `token` says that the application asks for one."""
    kinds = list(dict.fromkeys([Failure, *(kind for route in routes for kind in _kinds(route))]))
    shapes, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for name, schema in schemas.items():
        _describe(schema, name)
    for kind, example in EXAMPLES.items():
        if kind.__name__ in schemas:
            schemas[kind.__name__]["examples"] = [msgspec.to_builtins(example)]
    shape = dict(zip(kinds, shapes, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shape, token=token)
    components = {"schemas": schemas, "responses": _responses(shape[Failure]), "parameters": _PARAMETERS}
    if token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    about = {"title": "Sixfold", "version": version, "description": "Decisions and events of one design."}
    return {"openapi": "3.1.0", "info": about, "paths": paths, "components": components}


def route(routes: Sequence[Route], *, version: str = "1", token: bool = False) -> Route:
    """The route that gives the document of these routes."""
    body = msgspec.json.encode(document(routes, version=version, token=token))

    async def handler(_: object, __: object) -> Raw:
        return Raw(body)

    return Route("GET", "/openapi.json", handler)


def _operation(route: Route, shape: dict[Any, Any], *, token: bool) -> dict[str, Any]:
    about = route.about
    guarded = token and not route.path.startswith(OPEN_PATHS)
    responses = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in _statuses(route, guarded=guarded)
    }
    for status, kind in about.other:
        forms = [shape[kind], *([shape[Failure]] if str(status) in responses else [])]
        schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
        responses[str(status)] = _answer(_ERRORS[status][1] if status in _ERRORS else "The answer.", JSON, schema)
    responses["200"] = _answer("The answer.", about.content_type, shape[about.answers] if about.answers else {})
    out: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": about.summary,
        "description": f"The answer is due in {route.deadline_s * 1e3:g} ms.",
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _open(route)),
            *({"$ref": f"#/components/parameters/{name}"} for name in _PARAMETERS),
        ],
        "responses": dict(sorted(responses.items())),
    }
    if route.request is not None:
        out["requestBody"] = _body(route, shape)
    if guarded:
        out["security"] = [{"token": []}]
    return out


def _open(route: Route) -> list[str]:
    """The names of the parts of a path that are left open."""
    return re.findall(r"\{(\w+)\}", route.path)


def _statuses(route: Route, *, guarded: bool) -> Iterator[int]:
    """The refusals that the application may give on a route: see `http` and `failures`."""
    yield 400
    if guarded:
        yield 401
    if route.request is not None:
        yield from (413, 415, 422)
    if _open(route):
        yield 404
    yield from (500, 503, 504)


def _body(route: Route, shape: dict[Any, Any]) -> dict[str, Any]:
    kind = _body_type(route)
    # Of lines the schema would be that of the whole body, which is no JSON.
    content = {name: {"schema": shape[kind]} if kind and name == JSON else {} for name in route.accepts}
    limit = f"At most {route.max_bytes / MIB:g} MiB, also when inflated, nested {DEPTH} deep at most"
    return {"required": True, "description": f"{limit}; content-encoding gzip, deflate or none.", "content": content}


def _body_type(route: Route) -> Any:
    return route.about.body if route.request is bytes else route.request


def _kinds(route: Route) -> Iterator[Any]:
    """The types that the description of a route names."""
    kinds = (_body_type(route), route.about.answers, *(kind for _, kind in route.about.other))
    yield from (kind for kind in kinds if kind is not None)


def _responses(schema: dict[str, Any]) -> dict[str, Any]:
    """Every refusal, under its status."""
    out = {}
    for status, (code, description) in _ERRORS.items():
        said = msgspec.json.decode(failure(Refused(status, code, description), "1f0c5a2e-7d1-2a"))
        out[str(status)] = _answer(description, JSON, schema, {code: {"value": said}})
    return out


def _answer(
    description: str, kind: str, schema: dict[str, Any], examples: dict[str, Any] | None = None
) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema} if schema else {}
    if examples:
        content["examples"] = examples
    return {"description": description, "content": {kind: content}}


@cache
def _docstrings() -> dict[str, dict[str, str]]:
    """By struct and field of what passes over HTTP: the string that stands below the field."""
    out: dict[str, dict[str, str]] = {}
    nodes = [node for room in (messages, estimate_messages) for node in ast.parse(inspect.getsource(room)).body]
    for node in nodes:
        if not isinstance(node, ast.ClassDef):
            continue
        fields = out.setdefault(node.name, {})
        for field, below in zip(node.body, node.body[1:], strict=False):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    fields[name] = " ".join(text.split())
    return out


def _describe(schema: dict[str, Any], name: str) -> None:
    for field, text in _docstrings().get(name, {}).items():
        schema["properties"][field] = {**schema["properties"][field], "description": text}
    # `title` would only repeat the name that the schema stands under.
    schema.pop("title", None)
