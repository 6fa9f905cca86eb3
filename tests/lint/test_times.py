import msgspec
import pytest
from tests.designs import edited

from sixfold.language import ALS, Popular, count, rate
from sixfold.lint import lint
from sixfold.metrics.target import Metric


@pytest.mark.parametrize(
    ("section", "fields", "path"),
    [
        ("requirements", {"window": "six hours"}, "requirements.window"),
        ("requirements", {"retrain": "0d"}, "requirements.retrain"),
        ("problem.decides", {"seen_again_after": "7"}, "problem.decides.seen_again_after"),
        ("learning", {"features": (count("watch", by="video", window="1y"),)}, "learning.features[0].window"),
        ("learning", {"features": (rate("watch", by="video", half_life=""),)}, "learning.features[0].half_life"),
        ("learning", {"retrievers": (ALS(8), Popular(half_life="3 days"))}, "learning.retrievers[1].half_life"),
    ],
)
def test_durations_that_cannot_be_read(section, fields, path):
    design = edited("metrics", of=edited(section, **fields), slices=())
    assert [(finding.level, finding.path) for finding in lint(design)] == [("error", path)]


def test_the_duration_of_a_metric_that_came_as_data():
    metric = msgspec.json.decode(b'{"name":"new_share","over":"slate","younger_than":"soon"}', type=Metric)
    (finding,) = lint(edited("metrics", guardrails=(metric >= 0.1,)))
    assert finding.path == "metrics.guardrails[0].metric.younger_than"


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "Europe", "", "../etc"])
def test_a_zone_that_is_not_known(timezone):
    (finding,) = lint(edited("requirements", timezone=timezone))
    assert (finding.level, finding.path) == ("error", "requirements.timezone")


def test_a_zone_that_is_known():
    assert lint(edited("requirements", timezone="Europe/Berlin")) == []


def test_a_window_longer_than_the_time_between_trainings():
    assert lint(edited("requirements", window="1d", retrain="1d")) == []
    (finding,) = lint(edited("requirements", window="7d", retrain="2d"))
    assert (finding.level, finding.path) == ("warning", "requirements.window")
    assert "4 trainings pass" in finding.message
