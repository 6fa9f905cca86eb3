"""Questions whose answers are known, for the log was made so."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests import designs
from tests.questions.logs import KEYS, PLACES, city, design

from sixfold.errors import DataError, DesignError
from sixfold.evaluation.results import Measure
from sixfold.events.schema import Events
from sixfold.features.spec import name_of
from sixfold.language import attribute, bucket, context, distance, expected, expression, hour, mean
from sixfold.metrics.spec import mae
from sixfold.questions import QUESTIONS, geo, ids, kept
from sixfold.questions.answer import verdict
from sixfold.questions.ask import ask, narrowed
from sixfold.questions.edits import with_features
from sixfold.training import estimates
from sixfold.training.cache import Cache
from sixfold.training.material import prepare
from sixfold.training.run import Stages


@pytest.fixture(scope="module")
def distant():
    """Where only the distance matters."""
    rows = []
    return ask("geo", design(), [city(per_km=150, orders=6000, seed=1)], row=rows.append), rows


def test_where_only_distance_matters_distance_is_recommended(distant):
    found, _ = distant
    by_name = {one.name: one for one in found.tried}
    assert found.recommended == "distance"
    for worse in ("none", "means by cell, level 15"):
        assert not by_name[worse].level and by_name[worse].behind.value > 1
    assert by_name["distance"].level
    assert by_name["distance"].measures["MAE"].value < 4


def test_the_gain_is_judged_on_rows_that_did_not_choose(distant):
    found, _ = distant
    assert found.gain is not None and abs(found.gain.value) < 0.5
    assert found.rows["judged on"] > 300 and found.gain.n == found.rows["judged on"]
    assert sum(found.rows.values()) <= 6000


def test_the_best_is_behind_nobody_and_costs_are_counted(distant):
    found, rows = distant
    assert [one.name for one in found.tried] == [one.name for one in rows]
    assert sum(one.behind is None for one in found.tried) == 1
    by_name = {one.name: one for one in found.tried}
    # Two coordinates of a store are two float64; a decayed mean is a sum, a count and the moments of both.
    assert by_name["none"].state_bytes == 0 and by_name["distance"].state_bytes == 16
    assert by_name["means by cell, level 15"].state_bytes == 2 * 32 + 16
    assert by_name["none"].columns == 2 and by_name["distance"].columns == 3
    assert all(one.estimate_us > 0 and one.model_bytes > 0 for one in found.tried)
    assert [one.name for one in found.tried if one.current] == ["as designed"]


def test_where_stores_differ_an_id_is_worth_something_and_means_carry_it():
    found = ask("ids", design(KEYS), [city(by_store=500)])
    by_name = {one.name: one for one in found.tried}
    assert list(by_name) == ["none", "hash of store", "as of, by store", "both"]
    assert not by_name["none"].level and by_name["none"].behind.value > 2
    assert by_name["hash of store"].measures["MAE"].value < by_name["none"].measures["MAE"].value - 2
    assert found.recommended not in (None, "none")


def test_where_nothing_matters_it_cannot_tell():
    found = ask("geo", design((hour(), PLACES[1])), [city(orders=6000)])
    assert found.recommended is None and found.gain is None
    assert found.said.startswith("cannot tell: ")


def test_the_same_log_gives_the_same_answer_and_the_table_is_kept(tmp_path):
    def answered():
        return ask("ids", design(KEYS), [city(by_store=500, orders=900)], cache=Cache(tmp_path))

    first = answered()
    held = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    second = answered()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == held and len(held) == 3

    def clockless(found):
        timeless = [msgspec.structs.replace(one, training_s=0.0, estimate_us=0.0) for one in found.tried]
        return msgspec.structs.replace(found, tried=timeless)

    assert clockless(first) == clockless(second)
    kept.write(tmp_path / "reports", first)
    assert kept.read(tmp_path / "reports", "orders") == [first]
    assert kept.read(tmp_path / "reports", "another") == []


def test_what_cannot_be_asked_is_said():
    log = [city(orders=900)]
    with pytest.raises(DataError, match="there is no question 'gee'; did you mean 'geo'"):
        ask("gee", design(), log)
    placed = r"name no place, though the log has 'context.drop' and 'store'; .* add distance\('context.drop', 'store'\)"
    with pytest.raises(DesignError, match=placed):
        ask("geo", design(KEYS), log)
    with pytest.raises(
        DesignError, match=r"kept by no key, though the log has 'store'; .* add mean\('done', by='store'"
    ):
        ask("ids", design((hour(), mean("done", half_life="1d"))), log)
    with pytest.raises(DataError, match="rows are left to choose by"):
        ask("geo", design(), [city(orders=120)])


def test_a_log_without_places_or_keys_is_told_from_a_design_that_names_none():
    whole = city(orders=100)
    kept_of = {name: column for name, column in whole.decisions.items() if name in ("id", "ts", "release")}
    bare = Events(decisions=kept_of, outcomes=whole.outcomes)
    with pytest.raises(
        DesignError, match="this log has no coordinates and the features of 'orders' name no place; ingest"
    ):
        ask("geo", design(KEYS), [bare])
    with pytest.raises(
        DesignError, match=r"this log's decisions carry none and .* kept by no key; ingest them with one"
    ):
        ask("ids", design((hour(),)), [bare])
    half = Events(decisions=kept_of | {"context.drop_lat": np.zeros(100)})
    assert geo.places_in([bare, half]) == set() and ids.keys_in([half]) == set()


def test_without_places_times_are_expected_by_none_either():
    """A design that takes means over what a distance tells knows distances in 'none' too, were that left as it is."""
    usual = expected("done", hour(), distance("store", "context.drop"))
    over = mean("done", by="store", half_life="7d", over=usual)
    tried = geo.alternatives(design((usual, over, context("items"))))
    none, distant, cells = (tried[name].learning.features for name in ("none", "distance", "means by cell, level 15"))
    plain = expected("done", hour())
    assert set(none) == {plain, mean("done", by="store", half_life="7d", over=plain), context("items")}
    assert set(distant) == {usual, over, context("items"), distance("store", "context.drop")}
    assert set(cells) - set(none) == {
        mean("done", by=f"{place}@15", half_life="14d", over=plain) for place in ("store", "context.drop")
    }
    # What is expected by places alone is not expected without them; then means are of the times.
    alone = expected("done", distance("store", "context.drop"))
    tried = geo.alternatives(design((alone, mean("done", by="store", half_life="7d", over=alone))))
    assert tried["none"].learning.features == (mean("done", by="store", half_life="7d"),)


def test_coordinates_go_by_whatever_name_they_are_read():
    raw = (attribute("store.lat", top=3), context("drop_lat", top=3), expression("drop_lat + drop_lon"))
    stays = (attribute("store.town"), context("items"), expression("items + 1"))
    tried = geo.alternatives(design((*raw, *stays, distance("store", "context.drop"))))
    assert tried["none"].learning.features == stays


def test_of_several_keys_each_is_tried_alone():
    by_store, by_courier = (mean("done", by=key, half_life="7d") for key in ("store", "courier"))
    both = mean("done", by=("store", "courier"), half_life="7d")
    tried = ids.alternatives(design((hour(), by_store, by_courier, both)))
    assert list(tried) == [
        "none", "hash of store and courier", "as of, by store", "as of, by courier", "as of, by store and courier", "both"
    ]  # fmt: skip
    assert tried["as of, by store"].learning.features == (hour(), by_store)
    assert tried["as of, by store and courier"].learning.features == (hour(), by_store, by_courier, both)
    # Two that are always counted together are no alternative apart.
    assert list(ids.alternatives(design((hour(), both))))[2:] == ["as of, by store and courier", "both"]
    # What is hashed only is counted by nobody.
    assert list(ids.alternatives(design((by_store, bucket("courier")))))[2:] == ["as of, by store", "both"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_slate_is_not_asked_of(name):
    with pytest.raises(DesignError, match=f"'sixfold ask {name}' is for designs that decide an estimate, but 'video'"):
        QUESTIONS[name].alternatives(designs.good(), ())


def test_a_file_that_is_no_answer_is_named(tmp_path):
    (tmp_path / "ask-geo.json").write_text('{"question": 3}')
    with pytest.raises(DataError, match=r"ask-geo.json is no answer"):
        kept.read(tmp_path, "orders")


def test_an_alternative_sees_its_own_columns_though_names_are_shared():
    """A design may count by the same cell with another prior than a question does."""
    drawn = mean("done", by="context.drop@15", half_life="14d", prior=500.0)
    both = tuple(geo.alternatives(design((hour(), drawn)))["all"].learning.features)
    assert {name_of(one) for one in both} >= {name_of(drawn)} and drawn not in both
    material = prepare(with_features(design(), (*both, drawn)), [city(orders=900)])
    made = estimates.spans(material, Cache(), Stages())
    edit = with_features(design(), (drawn, hour()))
    part = msgspec.structs.replace(material.features, features=edit.learning.features)
    alone = estimates.spans(prepare(edit, [city(orders=900)]), Cache(), Stages())
    np.testing.assert_array_equal(narrowed(made, material.features, part).test.table, alone.test.table)


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        ((0.08, 0.03, 0.12), "on the test part it has 0.08 [0.03, 0.12] minutes less MAE than the design as it is"),
        ((-0.02, -0.03, -0.01), "on the test part it has 0.02 [0.01, 0.03] minutes more MAE than the design as it is"),
        ((-0.02, -0.05, 0.01), "0.02 [-0.01, 0.05] minutes more MAE than the design as it is, which is no more than its "
                               "interval"),
    ],
)  # fmt: skip
def test_what_is_gained_or_lost_is_told_with_its_interval_the_same_way_round(distant, gain, said):
    found, _ = distant
    value, low, high = gain
    found = msgspec.structs.replace(found, gain=Measure(mae(), value, low, high, 100, 9))
    assert verdict(found)[1].endswith(said)
