"""Stages kept by content: the same parts, the same key; nothing is computed twice, nothing stale is taken."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from tests.designs import edited
from tests.training.logs import design, log

from sixfold.language import Downsample, KeepAll, Linear, Popular, Recent
from sixfold.training import run
from sixfold.training.cache import Cache, key
from sixfold.training.material import prepare
from sixfold.training.run import Stages

LOG = log(decisions=400)
DESIGN = design(ranker=Linear(), retrievers=(Popular(half_life="1d"), Recent()), negatives=Downsample(0.5))


class Counting(Cache):
    """Says which stages were computed, and which were kept."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.computed: list[str] = []

    def through(self, stage, parts, compute):
        def counted():
            self.computed.append(stage)
            return compute()

        return super().through(stage, parts, counted)


def computed(folder, wanted) -> set[str]:
    cache = Counting(folder)
    run.ready(prepare(wanted, [LOG]), cache, Stages())
    return set(cache.computed)


ALL = {"source.popular", "source.recent", "rows.training", "rows.calibrating", "rows.test"}
ROWS = {"rows.training", "rows.calibrating", "rows.test"}


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        (DESIGN, set()),
        (edited("learning", of=DESIGN, negatives=KeepAll()), {"rows.training"}),
        (edited("learning", of=DESIGN, ranker=Linear(l2=9)), set()),
        (edited("metrics", of=DESIGN, offline=()), set()),
        (edited("learning", of=DESIGN, retrievers=(Popular(half_life="2d"), Recent())), ROWS | {"source.popular"}),
        (edited("learning", of=DESIGN, features=DESIGN.learning.features[1:]), ROWS),
        (edited("requirements", of=DESIGN, window="5h"), ALL),
        (edited("learning", of=DESIGN, seed=1), ROWS),
    ],
    ids=["nothing", "negatives", "ranker", "metrics", "retriever", "features", "window", "seed"],
)
def test_a_changed_field_recomputes_what_it_is_read_by_and_no_more(tmp_path, changed, again):
    assert computed(tmp_path, DESIGN) == ALL
    assert computed(tmp_path, changed) == again


def test_kept_rows_are_the_computed_ones(tmp_path):
    material = prepare(DESIGN, [LOG])
    first, kept = (run.ready(material, Cache(tmp_path), Stages()) for _ in range(2))
    for part in ("training", "calibrating", "test"):
        one, other = getattr(first, part), getattr(kept, part)
        np.testing.assert_array_equal(one.table, other.table)
        assert one.examples.labels.keys() == other.examples.labels.keys()
        for name in one.examples.labels:
            np.testing.assert_array_equal(one.examples.labels[name], other.examples.labels[name])
        np.testing.assert_array_equal(one.examples.pool.ask, other.examples.pool.ask)
        assert one.examples.pool.asks.context.keys() == other.examples.pool.asks.context.keys()


def test_another_log_is_another_stage(tmp_path):
    computed(tmp_path, DESIGN)
    cache = Counting(tmp_path)
    run.ready(prepare(DESIGN, [log(1, decisions=400)]), cache, Stages())
    assert set(cache.computed) == ALL


def test_keys():
    assert key("a", [1, {"x": 2}]) == key("a", [1, {"x": 2}])
    assert key("a", {"x": 1, "y": 2}) == key("a", {"y": 2, "x": 1}), "the order of a mapping says nothing"
    assert len({key("a", [1]), key("b", [1]), key("a", [2]), key("a", [DESIGN.learning]), key("a", ["1"])}) == 5
    assert len(key("a", [])) == 16


def test_without_a_folder_nothing_is_kept():
    cache = Counting(None)
    for _ in range(2):
        assert cache.through("stage", [], lambda: {"x": np.arange(3)})["x"].tolist() == [0, 1, 2]
    assert cache.computed == ["stage", "stage"]


def test_arrays_survive(tmp_path):
    arrays = {"label:watch": np.array([0, np.nan], np.float32), "empty": np.empty((0, 3)), "one": np.array(True)}
    for _ in range(2):
        found = Cache(tmp_path).through("stage", [msgspec.to_builtins(DESIGN.learning.split)], lambda: arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"], "no draft is left"
