"""What `validate` says of a log of times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from msgspec import structs

from sixfold.estimation.adaptive import Adaptive
from sixfold.training.material import prepare
from sixfold.training.validate import lint_data


@pytest.fixture(scope="module")
def material(timed):
    return prepare(timed.design, timed.workspace.batches())


def changed(material, **tables):
    """The material with these tables of its log replaced."""
    return replace(material, log=replace(material.log, **tables))


def messages(material) -> list[str]:
    return [finding.message for finding in lint_data(material.design, material)]


def test_a_sound_log_is_sound(material):
    assert messages(material) == []


def test_impossible_times_are_counted(material):
    held = material.log.outcomes["delivered"]
    value = held["value"].copy()
    value[:3] = -1
    value[3] = 1e6
    outcomes = dict(material.log.outcomes) | {"delivered": dict(held) | {"value": value}}
    found = messages(changed(material, outcomes=outcomes))
    assert any(text.startswith("3 of") and "below 0" in text for text in found)
    assert any(text.startswith("1 of") and "longer than requirements.window" in text for text in found)


def test_places_that_are_none_are_counted(material):
    decisions = dict(material.log.decisions)
    lat, lon = decisions["context.drop_lat"].copy(), decisions["context.drop_lon"].copy()
    lat[:2], lon[:2], lat[2] = 0.0, 0.0, np.nan
    found = messages(changed(material, decisions=decisions | {"context.drop_lat": lat, "context.drop_lon": lon}))
    (text,) = [text for text in found if "places" in text]
    assert "2 where the place is (0, 0)" in text and "1 where a coordinate is missing" in text


def test_a_leg_after_the_whole_is_told(material):
    held = material.log.outcomes["arrived"]
    ts = held["ts"].copy()
    ts[:4] += 10**12
    outcomes = dict(material.log.outcomes) | {"arrived": dict(held) | {"ts": ts}}
    assert any("4 came after 'delivered'" in text for text in messages(changed(material, outcomes=outcomes)))


@pytest.mark.parametrize(("share", "level"), [(0.002, "warning"), (0.2, "error")])
def test_statuses_before_their_own_order_are_told(material, share, level):
    held = material.log.outcomes["picked_up"]
    ts, count = held["ts"].copy(), int(share * len(held["ts"]))
    ts[:count] = material.log.decisions["ts"].min() - 1
    outcomes = dict(material.log.outcomes) | {"picked_up": dict(held) | {"ts": ts}}
    found = lint_data(material.design, changed(material, outcomes=outcomes))
    (one,) = [one for one in found if "before the decision" in one.message]
    assert one.level == level and one.message.startswith(f"{count} outcomes") and one.path == "log.outcomes.picked_up"


def test_ends_that_nothing_names_are_asked_for(material):
    held = material.log.outcomes["delivered"]
    few = {name: column[: len(column) // 2] for name, column in held.items()}
    found = messages(changed(material, outcomes=dict(material.log.outcomes) | {"delivered": few}))
    assert any("never ended by 'delivered'" in text for text in found)


def test_an_entity_to_steer_by_that_there_is_not(material):
    learning = structs.replace(material.design.learning, adaptive=Adaptive(by="shop"))
    design = structs.replace(material.design, learning=learning)
    (found,) = lint_data(design, material)
    assert (found.level, found.path) == ("error", "learning.adaptive.by")
    assert "'shop' is no entity that both decisions and features name; " in found.message
