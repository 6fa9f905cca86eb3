"""Batches of events: cut by mask and by time, joined, and what they say as a hash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.logs import START, random_log

from sixfold.events.hashing import combine, hash_column, hash_strings
from sixfold.events.schema import ALWAYS, Events, concat, take
from sixfold.types import DAY

LOG = random_log(np.random.default_rng(1))
MIDDLE = START + 3 * DAY


def told(events: Events) -> set[tuple[object, ...]]:
    """Every impression in full, and every outcome, whatever the order."""
    at = events.shown["decision"]
    shown = zip(
        events.decisions["id"][at].tolist(), events.decisions["ts"][at].tolist(), events.shown["item"].tolist(),
        events.shown["position"].tolist(), strict=True,
    )  # fmt: skip
    outcomes = {
        (name, *row)
        for name, t in events.outcomes.items()
        for row in zip(*(c.tolist() for c in t.values()), strict=True)
    }
    return {*shown, *outcomes}


def test_length_counts_events_and_no_impressions():
    tables = [*LOG.entities.values(), LOG.decisions, LOG.outcomes["watch"]]
    assert len(LOG) == sum(len(table["ts"]) for table in tables)
    assert len(Events()) == 0 and Events().span() == (0, 0)


def test_span_is_that_of_decisions_and_outcomes():
    times = np.concatenate([LOG.decisions["ts"], LOG.outcomes["watch"]["ts"]])
    assert LOG.span() == (times.min(), times.max())


def test_selected_decisions_take_their_impressions_along():
    keep = np.zeros(len(LOG.decisions["ts"]), bool)
    keep[[3, 17]] = True
    cut = LOG.select({"decision": keep})
    assert cut.decisions["id"].tolist() == LOG.decisions["id"][keep].tolist()
    assert cut.shown["decision"].tolist() == [0] * 4 + [1] * 4
    assert cut.shown["item"].tolist() == LOG.shown["item"][np.isin(LOG.shown["decision"], [3, 17])].tolist()
    assert len(cut.outcomes["watch"]["ts"]) == len(LOG.outcomes["watch"]["ts"]), "no mask, kept whole"


def test_before_is_strict_and_between_is_half_open():
    ts = int(LOG.decisions["ts"][5])
    before, rest = LOG.before(ts), LOG.between(ts, 2**62)
    assert before.decisions["ts"].max() < ts <= rest.decisions["ts"].min()
    assert told(before) | told(rest) == told(LOG) and not told(before) & told(rest)
    assert len(before) + len(rest) == len(LOG)
    assert len(LOG.between(ts, ts)) == 0


def test_what_was_always_known_is_before_everything():
    always = {"id": np.array([b"e"]), "ts": np.array([ALWAYS]), "key": np.array([b"v"])}
    assert len(Events(entities={"video": always}).before(-(2**62))) == 1


def test_concat_of_parts_is_the_whole():
    parts = [LOG.before(MIDDLE), LOG.between(MIDDLE, 2**62)]
    assert told(concat(parts)) == told(LOG)
    assert len(concat([])) == 0
    assert concat([LOG]) is LOG
    assert told(concat([LOG, Events()])) == told(LOG)


def test_concat_fills_what_a_batch_lacks():
    n = len(LOG.decisions["ts"])
    bare = replace(LOG, decisions={k: v for k, v in LOG.decisions.items() if k != "context.device"})
    device = concat([LOG, bare]).decisions["context.device"]
    assert device.tolist() == [*LOG.decisions["context.device"].tolist(), *[b""] * n]
    video = LOG.entities["video"]
    bare = replace(LOG, entities={"video": {k: video[k] for k in ("id", "ts", "key")}})
    both = concat([bare, LOG]).entities["video"]
    assert np.isnan(both["length_s"][: len(video["ts"])]).all() and np.isnan(both["embedding"][0]).all()
    assert both["embedding"].shape == (2 * len(video["ts"]), 3)
    assert set(concat([bare, LOG]).entities) == {"video", "member"}


def test_concat_renumbers_slates():
    both = concat([LOG, LOG])
    n = len(LOG.decisions["ts"])
    assert both.shown["decision"].tolist() == [*LOG.shown["decision"].tolist(), *(LOG.shown["decision"] + n).tolist()]


def edited(table: str, column: str, row: int, value: object) -> Events:
    group = LOG.shown if table == "shown" else LOG.decisions if table == "decisions" else LOG.outcomes[table]
    fresh = group[column].copy()
    fresh[row] = value
    if table in ("shown", "decisions"):
        return replace(LOG, **{table: {**group, column: fresh}})
    return replace(LOG, outcomes={**LOG.outcomes, table: {**group, column: fresh}})


@pytest.mark.parametrize(
    ("table", "column", "value", "changed"),
    [
        ("decisions", "ts", 7, ("decision", 0)),
        ("decisions", "context.device", b"car", ("decision", 0)),
        ("shown", "item", b"v99", ("decision", 0)),
        ("shown", "position", 77, ("decision", 0)),
        ("watch", "value", -1.0, ("outcome watch", 0)),
        ("watch", "video", b"v99", ("outcome watch", 0)),
    ],
)
def test_content_tells_every_change_and_nothing_else(table, column, value, changed):
    before, after = LOG.content(), edited(table, column, 0, value).content()
    differ = {(name, int(row)) for name in before for row in np.flatnonzero(before[name] != after[name])}
    assert differ == {changed}


def test_content_leaves_ids_out_and_knows_a_columns_name():
    renamed = {**LOG.outcomes["watch"], "id": np.array([b"x"] * len(LOG.outcomes["watch"]["ts"]))}
    same = replace(LOG, outcomes={"watch": renamed}).content()["outcome watch"]
    assert (same == LOG.content()["outcome watch"]).all()
    watch = LOG.outcomes["watch"]
    swapped = replace(LOG, outcomes={"watch": {**watch, "member": watch["video"], "video": watch["member"]}})
    assert (swapped.content()["outcome watch"] != LOG.content()["outcome watch"]).all()


def test_content_does_not_go_by_the_order_of_a_slate():
    back = np.argsort(-np.arange(len(LOG.shown["decision"])), kind="stable")
    turned = replace(LOG, shown=take(LOG.shown, back))
    assert (turned.content()["decision"] == LOG.content()["decision"]).all()


def test_content_of_a_batch_without_a_column_is_that_of_a_missing_one():
    """An ingested file without a column, and one where it is empty, say the same."""
    watch = {**LOG.outcomes["watch"], "note": np.zeros(len(LOG.outcomes["watch"]["ts"]), "S1")}
    with_empty = replace(LOG, outcomes={"watch": watch}).content()["outcome watch"]
    assert (with_empty == LOG.content()["outcome watch"]).all()


@pytest.mark.parametrize("rows", [1, 3, 5_000])
def test_content_is_a_sum_over_columns_of_the_hash_of_name_and_value(rows: int):
    """By its definition, which logs keep: the hash of nothing else may take its place."""
    rng = np.random.default_rng(rows)
    numbers = {f"estimate.{name}": rng.normal(size=rows) for name in "abc"}
    numbers["estimate.b"][::2] = np.nan
    table = {
        "id": np.array([b"d%d" % row for row in range(rows)]), "ts": np.arange(rows), "release": np.full(rows, b"r"),
        "place": rng.choice([b"", b"here"], rows), "context.v": rng.normal(size=(rows, 3)).astype(np.float32),
        "context.f": rng.normal(size=rows).astype(np.float32), **numbers,
    }  # fmt: skip
    expected = np.zeros(rows, np.uint64)
    for name, column in table.items():
        if name != "id":
            said = combine(hash_strings(np.array([name.encode()])), hash_column(column))
            missing = (
                column == b""
                if column.dtype.kind == "S"
                else np.isnan(column.astype(float)).reshape(rows, -1).all(axis=1)
            )
            expected += np.where(missing, np.uint64(0), said)
    np.testing.assert_array_equal(Events(decisions=table).content()["decision"], expected)
