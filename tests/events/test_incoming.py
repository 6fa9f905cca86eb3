"""JSON events in, columns out; one bad event never loses another."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sixfold.errors import DataError
from sixfold.events.gathering import COLUMNS, forms
from sixfold.events.incoming import TABLES, Incoming, parse
from sixfold.events.schema import ALWAYS, SEP
from sixfold.types import DAY, SECOND

NOW = 1_700_000_000 * SECOND


def lines(*objects: Any, now: int = NOW, **known: str) -> Incoming:
    """These objects (or raw lines) as NDJSON, parsed."""
    body = b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in objects)
    return parse(body, now=now, lines=True, known={name.replace("__", "."): form for name, form in known.items()})


def outcome(identity: Any = "o1", **fields: Any) -> dict[str, Any]:
    return {"kind": "outcome", "id": identity, "name": "watch", "keys": {"member": "m1", "video": "v1"}} | fields


def entity(identity: str = "e1", **values: Any) -> dict[str, Any]:
    return {"kind": "entity", "id": identity, "of": "video", "key": identity, "values": values}


def decision(identity: str = "d1", **fields: Any) -> dict[str, Any]:
    return {"kind": "decision", "id": identity, "keys": {"member": "m1"}} | fields


def why(*objects: Any, **known: str) -> str:
    """The reason against the only event that is rejected."""
    (one,) = lines(*objects, **known).rejected
    return one.error


def test_the_three_kinds_of_the_design():
    got = lines(
        {"kind": "entity", "id": "e1", "ts": 1_600_000_000, "of": "video", "key": "v12",
         "values": {"genre": ["drama", "news"], "length_s": 1320, "free": True, "title": "Ü", "embedding": [0.5, 1]}},
        {"kind": "decision", "id": "d1", "ts": "2023-11-14T18:00:00+01:00", "keys": {"member": "m17"},
         "context": {"device": "tv", "hour": 18}, "release": "3f2a",
         "shown": [{"item": "v12", "position": 3, "score": 0.125, "propensity": 0.5}, {"item": "v13"}]},
        {"kind": "outcome", "id": "o1", "ts": 1_699_999_999.25, "name": "watch", "decision": "d1",
         "keys": {"member": "m17", "video": "v12"}, "value": 34},
    )  # fmt: skip
    assert not got.rejected
    (video,) = got.events.entities.values()
    assert {name: column.tolist() for name, column in video.items()} == {
        "id": [b"e1"], "ts": [1_600_000_000 * SECOND], "key": [b"v12"], "genre": [b"drama" + SEP + b"news"],
        "length_s": [1320.0], "free": [1.0], "title": ["Ü".encode()], "embedding": [[0.5, 1.0]],
    }  # fmt: skip
    assert (video["embedding"].dtype, video["length_s"].dtype) == (np.float32, np.float64)
    assert {name: column.tolist() for name, column in got.events.decisions.items()} == {
        "id": [b"d1"], "ts": [1_699_981_200 * SECOND], "release": [b"3f2a"], "member": [b"m17"],
        "context.device": [b"tv"], "context.hour": [18.0],
    }  # fmt: skip
    shown = got.events.shown
    assert (shown["decision"].tolist(), shown["item"].tolist()) == ([0, 0], [b"v12", b"v13"])
    assert (shown["position"].tolist(), shown["position"].dtype) == ([3, 2], np.int16)
    assert shown["score"].tolist()[0] == 0.125 and np.isnan(shown["score"][1]) and np.isnan(shown["propensity"][1])
    assert {name: column.tolist() for name, column in got.events.outcomes["watch"].items()} == {
        "id": [b"o1"], "ts": [NOW - SECOND * 3 // 4], "decision": [b"d1"], "value": [34.0],
        "member": [b"m17"], "video": [b"v12"],
    }  # fmt: skip


def test_what_is_left_out_has_its_default():
    got = lines(outcome(), decision(shown=[{"item": "a"}, {"item": "b"}]), entity(), entity("e2", price=None, tags=[]))
    watch = got.events.outcomes["watch"]
    assert (watch["ts"][0], watch["decision"][0], watch["value"][0]) == (NOW, b"", 1.0)
    assert (got.events.decisions["ts"][0], got.events.decisions["release"][0]) == (NOW, b"")
    assert got.events.shown["position"].tolist() == [1, 2]
    assert got.events.entities["video"]["ts"].tolist() == [ALWAYS, ALWAYS]
    assert set(got.events.entities["video"]) == {"id", "ts", "key"}


def test_one_object_an_array_and_lines_say_the_same():
    events = [outcome("o1"), outcome("o2", value=2.5), decision()]
    array = parse(json.dumps(events, indent=1).encode(), now=NOW, lines=False)
    ndjson = lines(*events)
    assert {k: v.tolist() for k, v in array.events.content().items()} == {
        k: v.tolist() for k, v in ndjson.events.content().items()
    }
    single = parse(json.dumps(outcome("o1"), indent=1).encode(), now=NOW, lines=False)
    assert single.events.outcomes["watch"]["id"].tolist() == [b"o1"]


def test_lines_are_counted_with_the_blank_ones():
    body = (
        b"\xef\xbb\xbf\r\n"
        + json.dumps(outcome("o1")).encode()
        + b"\r\n  \n"
        + json.dumps(decision()).encode()
        + b"\nx"
    )
    got = parse(body, now=NOW, lines=True)
    assert [(one.line, one.id) for one in got.rejected] == [(5, "")]
    assert {name: at.tolist() for name, at in got.lines.items()} == {"decision": [4], "outcome watch": [2]}


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_no_line_is_no_event(body):
    got = parse(body, now=NOW, lines=True)
    assert (len(got.events), got.rejected) == (0, [])
    assert len(parse(b"[]", now=NOW, lines=False).events) == 0


GOOD = [json.dumps(outcome(f"o{i}", value=i)).encode() for i in range(3)]

BAD = {
    b"{": "not JSON: input data was truncated",
    b"nonsense": "not JSON: invalid character",
    b"[1]": "expected object, got array",
    b"null": "expected object, got null",
    GOOD[0] + b" " + GOOD[1]: "trailing characters",
    GOOD[0] + b"," + GOOD[1]: "trailing characters",
    b'{"id": "x", "a": ' + b"[" * 5000 + b"]" * 5000 + b"}": "nested too deep",
    b'{"kind": "outcome", "id": "x", "a": ' + b"[" * 5000: "unknown field a",
    b'{"kind": "outcome", "id": "\xff"}': "not in UTF-8",
    b'{"kind": "outcome", "id": "\\ud800"}': "not JSON",
    b'{"kind": "click", "id": "x"}': "invalid value 'click'; kind is entity, decision or outcome",
    b'{"id": "x"}': "missing required field kind; kind is entity, decision or outcome",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda line: line[:24].decode("latin1"))
def test_a_line_that_is_no_event_loses_no_other(bad):
    got = lines(GOOD[0], bad, GOOD[1], GOOD[2])
    assert got.events.outcomes["watch"]["id"].tolist() == [b"o0", b"o1", b"o2"]
    (one,) = got.rejected
    assert one.line == 2 and BAD[bad] in one.error
    assert got.lines["outcome watch"].tolist() == [1, 3, 4]


def test_an_object_over_two_lines_is_no_line():
    assert [one.line for one in lines(GOOD[0].replace(b", ", b",\n", 1), GOOD[1]).rejected] == [1, 2]


@pytest.mark.parametrize("body", [b"", b"{", b"[{}", b'{"a": 1}, {"a": 2}', b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_json_is_refused_whole(body):
    with pytest.raises(DataError, match=r"the body is n.*; send one event object or an array of them"):
        parse(body, now=NOW, lines=False)


def test_a_bad_event_of_an_array_loses_no_other():
    got = parse(b"[" + b",".join([GOOD[0], b'{"id": 7, "kind": "x"}', b"3", GOOD[1]]) + b"]", now=NOW, lines=False)
    assert [(one.line, one.id) for one in got.rejected] == [(2, "7"), (3, "")]
    assert got.events.outcomes["watch"]["id"].tolist() == [b"o0", b"o1"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (outcome(colour="red"), "unknown field colour"),
        (decision(shown=[{"item": "v", "prob": 1}]), "shown[0]: object contains unknown field prob"),
        ({"kind": "outcome", "id": "o", "name": "w"}, "missing required field keys"),
        (outcome(keys={}), "keys: expected object of length >= 1"),
        (outcome(keys=["m1"]), "keys: expected object, got array"),
        (outcome(keys={"member": True}), "got bool"),
        (outcome(keys={"member": 1.5}), "got float"),
        (outcome(keys={"member": ""}), "keys.member is empty"),
        (outcome(keys={"member": "a\nb"}), "keys.member has a control character"),
        (outcome(keys={"member": "a\0"}), "keys.member has a control character"),
        (outcome(keys={"member": "a\x85"}), "keys.member has a control character"),
        (outcome(keys={"member": "m" * 257}), "keys.member takes more than 256 bytes"),
        (outcome(keys={"member": "ü" * 129}), "keys.member takes more than 256 bytes"),
        (outcome(keys={"value": "x"}), "none of id, ts, decision, value"),
        (outcome(keys={"a.b": "x"}), "keys has a name that cannot be"),
        (outcome(keys={"": "x"}), "keys has a name that cannot be"),
        (outcome(""), "id is empty"),
        (outcome(10**300), "id takes more than 256 bytes"),
        (outcome(name="a\nb"), "name is no name: a name is 1 to 64 characters"),
        (outcome(value=None), "value: expected float, got null"),
        (outcome(value="3"), "value: expected float, got str"),
        (outcome(value=10**400), "value: number out of range"),
        (outcome(ts=10**400), "ts is more than a day in the future"),
        (outcome(ts=-(10**400)), "ts is before 1980"),
        (outcome(ts=NOW // 1000), "ts is more than a day in the future; give Unix seconds (not ms)"),
        (outcome(ts=1e308), "ts is more than a day in the future"),
        (outcome(ts=0), "ts is before 1980"),
        (outcome(ts=NOW / SECOND + 86_401), "ts is more than a day in the future"),
        (outcome(ts="2023-11-14T18:00:00"), "ts has no zone"),
        (outcome(ts="2023-11-14"), "ts has no zone"),
        (outcome(ts="yesterday"), "ts is no ISO 8601 time"),
        (outcome(ts=True), "got bool"),
        (decision(shown=[{"item": "v"}, {"item": ""}]), "shown[...].item is empty"),
        (decision(shown=[{"item": "v", "position": 0}]), "position: expected int >= 1"),
        (decision(shown=[{"item": "v", "position": 40_000}]), "expected int <= 32767"),
        (decision(shown=[{"item": "v", "propensity": 0}]), "propensity: expected float > 0"),
        (decision(shown=[{"item": "v", "propensity": 1.5}]), "propensity: expected float <= 1.0"),
        (decision(shown=[{"item": "v", "score": 1e39}]), "score: expected float"),
        (decision(shown=[{"item": "v"}] * 1001), "shown: expected array of length <= 1000"),
        (decision(context={"a.b": 1}), "context has a name that cannot be"),
        (decision(context={"device": ["tv"]}), "got array"),
        (decision(context={"device": "a\x1fb"}), "context.device has a NUL or a separator"),
        (decision(keys={"release": "x"}), "none of id, ts, release"),
        (entity(key="x"), "values has a name that cannot be"),
        (entity(genre="a\x1fb"), "values.genre has a NUL or a separator"),
        (entity(genre=["a", "b\0"]), "values.genre has a NUL or a separator"),
        (entity(genre="x" * 2049), "values.genre takes more than 2048 bytes"),
        (entity(genre=["a", 1]), "values.genre is a list of neither text alone nor up to 4096 numbers"),
        (entity(embedding=[0.0] * 5000), "values.embedding is a list of neither"),
        (entity(embedding=[1e39]), "values.embedding has a number too large for float32"),
        (entity(genre={"a": 1}), "got object"),
    ],
)  # fmt: skip
def test_what_an_event_may_not_say(event, reason):
    got = lines(outcome("good"), event)
    (one,) = got.rejected
    assert reason in one.error
    assert (one.line, one.id) == (2, str(event["id"])[:256])
    assert got.events.outcomes["watch"]["id"].tolist() == [b"good"]
    assert len(got.events) == 1


def test_what_an_event_may_say():
    """The sunny side of the limits."""
    got = lines(
        outcome("ä" * 128),
        outcome(17, keys={"member": 9_223_372_036_854_775_808, "v k": " blank "}),
        outcome("o3", ts=NOW / SECOND + 86_399, decision=None),
        outcome("o4", ts="20231114T180000Z", decision=""),
        decision(shown=[], context={"device": None, "battery": 0.5}),
    )
    assert not got.rejected
    watch = got.events.outcomes["watch"]
    assert watch["id"].tolist() == [("ä" * 128).encode(), b"17", b"o3", b"o4"]
    assert watch["member"].tolist()[1] == b"9223372036854775808"
    assert watch["v k"].tolist() == [b"", b" blank ", b"", b""]
    assert watch["ts"][3] == 1_699_984_800 * SECOND
    assert set(got.events.decisions) == {"id", "ts", "release", "member", "context.battery"}


def test_keys_that_some_events_lack_are_missing_there():
    watch = lines(outcome("o1", keys={"member": "m1"}), outcome("o2", keys={"video": "v1"})).events.outcomes["watch"]
    assert (watch["member"].tolist(), watch["video"].tolist()) == ([b"m1", b""], [b"", b"v1"])


@pytest.mark.parametrize(
    ("values", "kept", "reason"),
    [
        ([1, 2, "x"], [1.0, 2.0], "values.a is text where most events have a number"),
        (["x", "y", True], [b"x", b"y"], "values.a is a number where most events have text"),
        ([1, "x"], [1.0], "values.a is text where most events have a number"),
        (["x", ["y", "z"], 4], [b"x", b"y\x1fz"], "values.a is a number where most events have text"),
        ([[1, 2], [3], [4, 5]], [[1.0, 2.0], [4.0, 5.0]], "is a vector of 1 where most events have a vector of 2"),
        ([[1, 2], [3, 4], 5], [[1.0, 2.0], [3.0, 4.0]], "is a number where most events have a vector of 2"),
        ([["x", 1], ["y", 2], 3], [3.0], "is a list of neither"),
    ],
)
def test_a_column_has_the_form_of_most(values, kept, reason):
    """Two forms in one column could not be read together, so the fewer go, each with its reason."""
    got = lines(*(entity(f"e{i}", a=value) for i, value in enumerate(values)))
    assert got.events.entities["video"]["a"].tolist() == kept
    assert {one.error.split("; ")[0] for one in got.rejected} and all(reason in one.error for one in got.rejected)
    assert len(got.rejected) == len(values) - len(kept)


def test_the_form_that_the_log_has_wins_over_most():
    known = forms(lines(entity("e0", a="x", b=1, c=[1, 2]), decision(context={"hour": 3})).events)
    assert known == {"video.a": "text", "video.b": "a number", "video.c": "a vector of 2", "context.hour": "a number"}
    new = [entity("e1", a=1), entity("e2", a=2), entity("e3", a="y"), entity("e4", c=[1, 2, 3]), entity("e5", c=[3, 4])]
    got = parse(b"\n".join(json.dumps(one).encode() for one in [*new, decision(context={"hour": "late"})]),
                now=NOW, lines=True, known=known)  # fmt: skip
    assert [(one.id, one.error) for one in got.rejected] == [
        ("e1", "values.a is a number where the log has text"),
        ("e2", "values.a is a number where the log has text"),
        ("e4", "values.c is a vector of 3 where the log has a vector of 2"),
        ("d1", "context.hour is text where the log has a number"),
    ]
    assert got.events.entities["video"]["key"].tolist() == [b"e3", b"e5"]


def test_a_slate_with_a_bad_item_goes_whole_and_the_others_keep_their_items():
    slates = [["a", "b"], ["c", ""], ["d"]]
    got = lines(*(decision(f"d{i}", shown=[{"item": item} for item in slate]) for i, slate in enumerate(slates)))
    assert [one.id for one in got.rejected] == ["d1"]
    assert got.events.decisions["id"].tolist() == [b"d0", b"d2"]
    assert got.events.shown["decision"].tolist() == [0, 0, 1]
    assert got.events.shown["item"].tolist() == [b"a", b"b", b"d"]


def test_names_have_a_limit():
    """Each name is a column as long as the batch, so that a small body could ask for all memory."""
    many = lines(*(entity(f"e{i}", **{f"a{i}": 1}) for i in range(COLUMNS + 20)))
    assert len(many.rejected) == 20 and len(many.events) == COLUMNS
    assert "beyond the first 256" in many.rejected[0].error
    tables = lines(*(outcome(f"o{i}", name=f"n{i}") for i in range(TABLES + 3)))
    assert [one.id for one in tables.rejected] == ["o64", "o65", "o66"]
    assert len(tables.events.outcomes) == TABLES


@pytest.mark.parametrize(("body", "lines"), [(b"x\n" * 200_001, True), (b"[" + b"1," * 200_000 + b"1]", False)])
def test_rubbish_has_a_limit(body, lines):
    with pytest.raises(DataError, match="the body has 200,001 events; send at most 200,000 at once"):
        parse(body, now=NOW, lines=lines)


def test_a_long_cell_beside_very_many_events_is_refused():
    """An 'S' column is as wide as its widest cell: 30 000 rows of 2 KiB and 5 columns would be 300 MiB."""
    many = [json.dumps(entity(f"e{i}", title="x", genre="y")).encode() for i in range(30_000)]
    wide = json.dumps(entity("wide", title="x" * 2048)).encode()
    got = lines(*many, wide)
    assert [(one.line, one.id) for one in got.rejected] == [(30_001, "wide")]
    assert "send fewer events at once" in got.rejected[0].error
    assert got.events.entities["video"]["title"].dtype == "S1"
    assert not lines(*many[:1000], wide).rejected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["id", "ts", "of", "key", "values", "name", "decision", "keys", "value", "context", "release", "shown", "kind"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=7), max_size=6))
def test_whatever_is_sent_each_event_is_taken_or_named(hostile):
    """Mutations of good events: none raises, and taken and rejected add up."""
    shapes = [outcome(), decision(shown=[{"item": "v"}]), entity(a=1)]
    sent = [shapes[i % 3] | {"id": f"x{i}"} | fields for i, fields in enumerate(hostile)]
    got = lines(*sent, outcome("sound"))
    assert len(got.events) + len(got.rejected) == len(sent) + 1
    assert b"sound" in got.events.outcomes["watch"]["id"].tolist()
    assert all(len(column) == len(table["ts"]) for _, table in got.events.tables() for column in table.values())
    assert sum(len(at) for at in got.lines.values()) == len(got.events)
    got.events.content()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=5))
def test_bytes_of_any_kind_raise_nothing(parts):
    got = lines(GOOD[0], *(part.replace(b"\n", b"") for part in parts), GOOD[1])
    assert got.events.outcomes["watch"]["id"].tolist() == [b"o0", b"o1"]
    assert len(got.rejected) == sum(bool(part.replace(b"\n", b"").strip()) for part in parts)


def test_numbers_survive_a_day_and_one():
    """`ts` is exact to the microsecond, as a number and as ISO 8601."""
    ts = [NOW - DAY + offset for offset in (0, 1, 499_999, 999_999)]
    numbers = lines(*(outcome(f"n{i}", ts=one / SECOND) for i, one in enumerate(ts)))
    iso = lines(*(outcome(f"i{i}", ts=f"{np.datetime64(one, 'us')}Z") for i, one in enumerate(ts)))
    assert numbers.events.outcomes["watch"]["ts"].tolist() == ts == iso.events.outcomes["watch"]["ts"].tolist()
