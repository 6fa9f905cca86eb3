from typing import get_args

import pytest
from tests.report.reading import Page
from tests.report.sample import measure

from sixfold.metrics import spec
from sixfold.metrics.target import Name
from sixfold.report import glossary


def test_every_metric_a_design_can_name_is_explained():
    assert set(glossary.MEANINGS) == set(get_args(Name))


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        (spec.auc(), {"a": 0.7, "b": 0.8}, {"b"}),
        (spec.log_loss(), {"a": 0.7, "b": 0.8}, {"a"}),
        (spec.calibration(), {"a": 1.2, "b": 0.9, "c": 2.0}, {"b"}),
        (spec.bias(), {"a": -3.0, "b": 2.0}, {"b"}),
        (spec.auc(), {"a": 0.8, "b": 0.8}, {"a", "b"}),
        (spec.novelty(), {"a": 8.0, "b": 9.0}, set()),
    ],
)
def test_the_best_is_what_the_metric_calls_better(metric, values, best):
    assert glossary.best({name: measure(metric, value) for name, value in values.items()}) == best


def test_an_undefined_value_is_never_the_best():
    undefined = glossary.Measure(spec.auc(), None, None, None, 0, 0)
    assert glossary.best({"a": undefined, "b": measure(spec.auc(), 0.1)}) == {"b"}
    assert glossary.best({"a": undefined}) == frozenset()


def test_metrics_of_one_kind_share_an_entry():
    text = Page(glossary.explained({"recall@10": spec.recall(at=10), "recall@100": spec.recall(at=100)})).text
    assert text.startswith("recall@10, recall@100 share of the relevant")
