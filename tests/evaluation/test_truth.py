"""Slates judged by a world that knows: a toy world by hand, and the oracle that nothing beats."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold import formula
from sixfold.evaluation import slates, truth
from sixfold.features.history import NEVER
from sixfold.worlds.kept import kept

ORACLE = "oracle"


def judged(tiny, given: dict[str, np.ndarray], chosen: str, baseline: str) -> truth.Truth:
    found = slates.test(tiny.material, tiny.ready.sources, most=40, rng=np.random.default_rng(0))
    worth = formula.parse(tiny.design.value, list(tiny.design.heads))
    world = kept(tiny.workspace.folder).truth()
    return truth.judge(world, tiny.material, worth, found, given, chosen, baseline)


@pytest.fixture(scope="module")
def found(tiny) -> slates.Test:
    return slates.test(tiny.material, tiny.ready.sources, most=40, rng=np.random.default_rng(0))


def best(tiny, found: slates.Test) -> np.ndarray:
    """The oracle's own slates, made with a loop."""
    world, material, ts = kept(tiny.workspace.folder).truth(), tiny.material, tiny.material.cuts.third
    worth = formula.parse(tiny.design.value, list(tiny.design.heads))
    names, alive = world.items.tolist(), world.alive(ts)
    out = []
    for member in found.asks.member.tolist():
        row = world.members.tolist().index(material.ids["member"].names()[member])
        value = worth({name: column[0] for name, column in world.heads(np.array([row]), ts).items()})
        usable = []
        for place, name in enumerate(names):
            item = material.ids["video"].rows(np.array([name]))
            seen = item[0] >= 0 and (
                material.known.last_seen(np.array([member], np.int32), item, np.array([ts]))[0] != NEVER
            )
            if alive[place] and not seen:
                usable.append((value[place], int(item[0])))
        out.append([item for _, item in sorted(usable, reverse=True)[: tiny.design.problem.decides.size]])
    return np.array(out, np.int32)


def test_the_oracle_is_what_a_loop_finds_and_closes_the_gap(tiny, found):
    popular = slates.of_source(found, list(tiny.ready.sources).index("popular"), tiny.design.problem.decides.size)
    told = judged(tiny, {"popularity": popular, "ideal": best(tiny, found)}, "ideal", "popularity")
    assert told.value["ideal"] == pytest.approx(told.value[ORACLE], rel=1e-5)
    assert told.gap_closed == pytest.approx(1.0, abs=1e-4)
    assert told.value["popularity"] < told.value[ORACLE]


def test_the_baseline_closes_nothing(tiny, found):
    popular = slates.of_source(found, 0, tiny.design.problem.decides.size)
    assert judged(tiny, {"popularity": popular}, "popularity", "popularity").gap_closed == 0.0


def test_an_empty_place_is_worth_nothing(tiny, found):
    ideal = best(tiny, found)
    half = ideal.copy()
    half[:, 1:] = -1
    told = judged(tiny, {"popularity": np.full_like(ideal, -1), "half": half, "ideal": ideal}, "ideal", "popularity")
    assert told.value["popularity"] == 0.0 < told.value["half"] < told.value["ideal"]


def test_a_release_carries_what_its_world_said(tiny):
    told = tiny.trained.evaluation.truth
    assert told is not None and told.value["forest"] > told.value["popularity"]
    assert max(told.value, key=told.value.__getitem__) == ORACLE
