from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
from contextlib import asynccontextmanager

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.serving.asking import JSON, ask

from sixfold.errors import DataError, DesignError, MissingExtra, Overloaded, ReleaseError
from sixfold.serving.body import MIB
from sixfold.serving.http import App, Context, Raw, Route, answer
from sixfold.serving.messages import Failure, Health, Rank, Recommend
from sixfold.serving.telemetry import Telemetry

ERRORS = {
    "design": DesignError("k is off"), "data": DataError("v9 is not in the log"), "release": ReleaseError("no release"),
    "busy": Overloaded("too much is asked", retry_after_s=1.2), "late": TimeoutError(), "defect": KeyError("secret"),
    "extra": MissingExtra("polars", "train"), "deep": RecursionError(), "stop": asyncio.CancelledError(),
}  # fmt: skip


async def hello(_, __) -> Health:
    return Health(ok=True)


async def size(body: bytes, context: Context) -> Raw:
    return Raw(b"%d %s" % (len(body), context.content_type.encode()), "text/plain")


async def echo(message: Recommend | Rank, _) -> Raw:
    return answer(message, status=200)


def failing(error):
    async def handler(_, __):
        raise error

    return handler


def app_of(*routes: Route, telemetry: Telemetry | None = None, **options) -> App:
    routes = (
        Route("GET", "/", hello), Route("POST", "/recommend", echo, Recommend), Route("POST", "/rank", echo, Rank),
        Route("POST", "/events", size, bytes, ("application/json", "application/x-ndjson"), 8 * MIB),
        Route("POST", "/packed", size, bytes, ("application/msgpack",)), *routes,
    )  # fmt: skip
    return App(routes, telemetry or Telemetry(), **options)


APP = app_of(*(Route("GET", f"/{name}", failing(error)) for name, error in ERRORS.items()))


def test_a_message_goes_in_and_one_comes_out():
    given = ask(APP, "POST", "/recommend", b'{"member":"m1","k":3}', headers=[JSON, (b"x-request-id", b"r-1")])
    assert given.status == 200
    assert msgspec.json.decode(given.body, type=Recommend) == Recommend(member="m1", k=3)
    assert given.headers[b"x-request-id"] == b"r-1"
    assert int(given.headers[b"content-length"]) == len(given.body)
    assert given.headers[b"content-type"] == b"application/json"


def test_head_is_get_without_its_body():
    get, head = ask(APP, "GET", "/"), ask(APP, "HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers[b"content-length"] == get.headers[b"content-length"] == b"%d" % len(get.body)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "header"),
    [
        ("GET", "/nothing", 404, "not_found", None), ("GET", "/recommend", 405, "method_not_allowed", (b"allow", b"POST")),
        ("DELETE", "/", 405, "method_not_allowed", (b"allow", b"GET, HEAD")), ("HEAD", "/rank", 405, None, None),
    ],
)  # fmt: skip
def test_paths_and_methods_that_are_not_there(method, path, status, code, header):
    given = ask(APP, method, path)
    assert given.status == status
    if code:
        assert given.code == code
    if header:
        assert given.headers[header[0]] == header[1]


@pytest.mark.parametrize("kind", [b"application/json", b"application/json; charset=utf-8", b"Application/JSON"])
def test_the_content_type_may_have_parameters(kind):
    assert ask(APP, "POST", "/recommend", b'{"member":"m"}', headers=[(b"content-type", kind)]).status == 200


@pytest.mark.parametrize(
    "headers", [[], [(b"content-type", b"text/plain")], [(b"content-type", b"application/x-ndjson")]]
)
def test_other_content_types_are_415(headers):
    given = ask(APP, "POST", "/recommend", b'{"member":"m"}', headers=headers)
    assert (given.status, given.code, given.headers[b"accept"]) == (415, "unsupported", b"application/json")


def test_a_handler_sees_the_type_of_a_raw_body():
    lines = [(b"content-type", b"application/x-ndjson")]
    assert ask(APP, "POST", "/events", b"{}\n" * 100, headers=lines).body == b"300 application/x-ndjson"


def test_brackets_mean_nothing_in_a_body_that_is_no_json():
    packed = [(b"content-type", b"application/msgpack")]
    assert ask(APP, "POST", "/packed", b"[" * 100, headers=packed).body == b"100 application/msgpack"


@pytest.mark.parametrize(("path", "limit"), [("/recommend", MIB), ("/events", 8 * MIB)])
def test_the_limit_holds_for_what_is_declared_for_what_comes_and_for_what_it_inflates_to(path, limit):
    padded = b'{"member":"m"' + b" " * (limit - 14) + b"}"
    assert len(padded) == limit
    assert ask(APP, "POST", path, [padded[:1000], padded[1000:]]).status == 200
    for body, headers in (
        (b"", [(b"content-length", b"%d" % (limit + 1))]),
        ([padded, b" "], []),
        (gzip.compress(padded + b" "), [(b"content-encoding", b"gzip")]),
        (gzip.compress(bytes(64 * MIB)), [(b"content-encoding", b"gzip")]),
    ):
        given = ask(APP, "POST", path, body, headers=[JSON, *headers])
        assert (given.status, given.code) == (413, "too_large")


def test_a_client_that_holds_its_body_back_is_told_that_the_connection_ends():
    for headers, said in (((JSON, (b"expect", b"100-continue")), True), ((JSON,), False)):
        given = ask(APP, "POST", "/recommend", headers=[*headers, (b"content-length", b"9999999")])
        assert (b"connection" in given.headers) == said


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "words"),
    [
        ("/recommend", b"", 400, "bad_json", "no JSON"), ("/recommend", b"{", 400, "bad_json", "no JSON"),
        ("/recommend", b'{"member":"m","k":NaN}', 400, "bad_json", "invalid character"),
        ("/recommend", b'{"member":"m","context":{"a":1e999}}', 400, "invalid", "out of range"),
        ("/recommend", b'{"member":"\xff"}', 400, "bad_utf8", "UTF-8"),
        ("/recommend", b"[" * 100_000, 400, "too_deep", "64"), ("/recommend", b'{"a":' * 65, 400, "too_deep", "64"),
        ("/events", b"[" * 65 + b"]" * 65, 400, "too_deep", "64"),
        ("/recommend", b"[]", 400, "invalid", "$: expected `object`, got `array`"),
        ("/recommend", b'{"member":7}', 400, "invalid", "$.member: expected `str`, got `int`"),
        ("/recommend", b'{"k":1}', 400, "invalid", "missing required field `member`"),
        ("/recommend", b'{"exclud":[]}', 400, "invalid", "'exclud' is no field of Recommend; did you mean 'exclude'?"),
        ("/rank", b'{"member":"m","items":["a",7]}', 400, "invalid", "$.items[1]"),
        ("/rank", b'{"member":"m","items":["a","a"]}', 400, "invalid", "'a' twice"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_message_is_explained(path, body, status, code, words):
    given = ask(APP, "POST", path, body)
    assert (given.status, given.code) == (status, code)
    assert words in given.message


def test_a_long_mistyped_field_is_not_given_back_whole():
    given = ask(APP, "POST", "/recommend", b'{"' + b"x" * 900_000 + b'":1}')
    assert given.status == 400
    assert len(given.body) < 500


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("design", 400, "bad_request"), ("data", 422, "unprocessable"), ("release", 503, "unavailable"),
        ("busy", 503, "overloaded"), ("late", 504, "late"), ("defect", 500, "failed"), ("extra", 500, "failed"),
        ("deep", 500, "failed"), ("stop", 503, "unavailable"),
    ],
)  # fmt: skip
def test_what_a_handler_raises_is_an_answer(name, status, code):
    given = ask(APP, "GET", f"/{name}")
    assert (given.status, given.code) == (status, code)
    failure = msgspec.json.decode(given.body, type=Failure)
    assert failure.error.request_id.encode() == given.headers[b"x-request-id"]
    assert (b"retry-after" in given.headers) == (status == 503)
    if status < 500 or name == "busy":
        assert given.message == str(ERRORS[name])


def test_a_shed_client_is_told_when_to_come_again():
    assert ask(APP, "GET", "/busy").headers[b"retry-after"] == b"2"


def test_a_defect_is_logged_once_and_not_told(caplog):
    given = ask(APP, "GET", "/defect", headers=[(b"x-request-id", b"r-7")])
    assert b"secret" not in given.body
    (record,) = [one for one in caplog.records if one.name == "sixfold.http"]
    line = json.loads(record.getMessage())
    assert line["request_id"] == "r-7"
    assert "KeyError: 'secret'" in line["traceback"]
    assert "\n" not in record.getMessage()


@pytest.mark.parametrize("given_id", [b"", b"a b", b"x" * 65, b"a\xff", b'"', b"a\r\nb"])
def test_an_id_that_is_not_sane_is_replaced(given_id):
    ids = [ask(APP, "GET", "/", headers=[(b"x-request-id", given_id)]).headers[b"x-request-id"] for _ in range(2)]
    assert given_id not in ids
    assert ids[0] != ids[1]


def test_no_two_applications_give_the_same_id():
    assert ask(app_of(), "GET", "/").headers[b"x-request-id"] != ask(app_of(), "GET", "/").headers[b"x-request-id"]


SECRET = "s3cret-s3cret-s3cret"
GUARDED = app_of(Route("GET", "/health/live", hello), token=SECRET)


@pytest.mark.parametrize("given", [f"Bearer {SECRET}", f"bearer {SECRET}", f"Bearer  {SECRET} "])
def test_the_token_opens(given):
    assert ask(GUARDED, "GET", "/", headers=[(b"authorization", given.encode())]).status == 200


@pytest.mark.parametrize("given", ["", SECRET, f"Basic {SECRET}", "Bearer ", f"Bearer {SECRET}x", "Bearer é"])
@pytest.mark.parametrize("path", ["/", "/nothing", "/healthy"])
def test_nothing_else_does(given, path):
    answered = ask(GUARDED, "GET", path, headers=[(b"authorization", given.encode())])
    assert (answered.status, answered.headers[b"www-authenticate"]) == (401, b"Bearer")


def test_health_is_open():
    assert ask(GUARDED, "GET", "/health/live", headers=[]).status == 200


@pytest.mark.parametrize(
    ("asked", "allowed"), [(None, 0.5), (b"80", 0.08), (b"9999", 0.5), (b"0", 0.0), (b"12.5", 0.0125)]
)
def test_the_deadline_is_the_earlier_of_the_clients_and_the_routes(asked, allowed):
    seen = []

    async def handler(_, context):
        seen.append(context)
        return Health(ok=True)

    app = app_of(Route("GET", "/due", handler, deadline_s=0.5))
    arrival = time.monotonic()
    ask(app, "GET", "/due", headers=[(b"x-sixfold-deadline-ms", asked)] if asked else [], arrival=arrival)
    assert seen[0].arrival == arrival
    assert seen[0].deadline == pytest.approx(arrival + allowed)


@pytest.mark.parametrize("asked", [b"", b"soon", b"-1", b"nan", b"1e3", b"9" * 40])
def test_a_deadline_that_is_none_is_400(asked):
    assert ask(APP, "GET", "/", headers=[(b"x-sixfold-deadline-ms", asked)]).code == "bad_header"


def test_a_handler_that_misses_its_deadline_by_far_is_cut():
    async def handler(_, __):
        await asyncio.Event().wait()

    app = app_of(Route("GET", "/never", handler, deadline_s=0.01))
    assert ask(app, "GET", "/never").status == 504


def test_a_client_that_leaves_gets_nothing_and_is_counted():
    telemetry = Telemetry()
    assert ask(app_of(telemetry=telemetry), "POST", "/recommend", []) is None
    assert telemetry.snapshot()["sixfold_http_requests_total"]["series"] == [[["/recommend", "499"], 1]]


def test_requests_are_counted_and_timed_by_route():
    telemetry = Telemetry()
    app = app_of(telemetry=telemetry)
    ask(app, "GET", "/", arrival=time.monotonic() - 0.4)
    for path in ("/a", "/b"):
        ask(app, "GET", path)
    snapshot = telemetry.snapshot()
    assert snapshot["sixfold_http_requests_total"]["series"] == [[["/", "200"], 1], [["none", "404"], 2]]
    assert {tuple(key): sum(value[0]) for key, value in snapshot["sixfold_http_seconds"]["series"]}[("none",)] == 2
    waited = snapshot["sixfold_http_wait_seconds"]["series"][0][1]
    assert sum(waited[0]) == 3
    assert waited[1] >= 0.4


@pytest.mark.parametrize(
    ("log_every", "expected"),
    [(0, ["/nothing"]), (2, ["/", "/nothing", "/"]), (1, ["/"] * 2 + ["/nothing"] + ["/"] * 2)],
)
def test_good_answers_are_logged_by_sample_and_others_always(caplog, log_every, expected):
    app = app_of(log_every=log_every)
    with caplog.at_level(logging.INFO, "sixfold.access"):
        for path in ("/", "/", "/nothing", "/", "/"):
            ask(app, "GET", path, headers=[(b"authorization", b"Bearer secret")])
    lines = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["path"] for line in lines] == expected
    assert set(lines[0]) == {"request_id", "method", "path", "status", "ms"}


def lifespan(app: App) -> list[str]:
    sent, events = [], [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive():
        return events.pop(0)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    return sent


def test_the_lifespan_is_entered_and_left():
    seen = []

    @asynccontextmanager
    async def life():
        seen.append("in")
        yield
        seen.append("out")

    assert lifespan(app_of(lifespan=life)) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == ["in", "out"]


@pytest.mark.parametrize("stage", ["startup", "shutdown"])
def test_a_lifespan_that_fails_says_so(caplog, stage):
    @asynccontextmanager
    async def life():
        if stage == "startup":
            raise DataError("no log")
        yield
        raise DataError("no log")

    assert lifespan(app_of(lifespan=life))[-1] == f"lifespan.{stage}.failed"
    assert "no log" in caplog.text


# Hostile bodies: whatever comes, the answer is an answer and no defect of ours.

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(st.sampled_from(["member", "k", "items", "context", "x", ""]), part)
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=80)
    | JUNK.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(["member", "items", "k", "context", "exclude", "ts", "explain"]), JUNK).map(
        lambda value: json.dumps(value).encode("utf-8", "surrogatepass")
    )
    | st.text('[{"\\:,}]é\0', max_size=300).map(str.encode)
    | st.integers(0, 3000).map(lambda n: b'{"member":' + b"[" * n)
)
HEADER = st.sampled_from(
    [
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"x-request-id",
        b"x-sixfold-deadline-ms",
        b"authorization",
        b"expect",
    ]
)
VALUE = st.binary(max_size=20) | st.sampled_from(
    [b"application/json", b"gzip", b"deflate", b"99999999999", b"100", b"Bearer x"]
)


@settings(max_examples=300)
@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "X"]), st.sampled_from(["/", "/recommend", "/rank", "/events", "//", "/é"]),
    st.lists(BODIES, min_size=1, max_size=3), st.lists(st.tuples(HEADER, VALUE), max_size=4), st.booleans(), st.booleans(),
)  # fmt: skip
@example("POST", "/rank", [b'{"member":"m","items":["\\ud800"]}'], [], True, False)
@example("POST", "/recommend", [b'\xef\xbb\xbf{"member":"m"}'], [], True, False)
@example("POST", "/recommend", [b'{"member":"m","k":' + b"9" * 5000 + b"}"], [], True, False)
def test_hostile_requests_never_find_a_defect(method, path, parts, headers, typed, packed):
    if packed:
        parts = [gzip.compress(b"".join(parts))]
        headers = [(b"content-encoding", b"gzip"), *headers]
    given = ask(APP, method, path, parts, headers=[*headers, JSON] if typed else headers)
    assert given.status < 500
    assert int(given.headers[b"content-length"]) == len(given.body) or method == "HEAD"
    if given.status != 200 and method != "HEAD":
        failure = msgspec.json.decode(given.body, type=Failure)
        assert 0 < len(failure.error.message) < 600
