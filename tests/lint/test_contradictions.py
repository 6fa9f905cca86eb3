"""Contradictions of published designs, number for number. Each is found, and said with the number that is right."""

import msgspec
import numpy as np
import pytest
from tests.designs import edited, good

from sixfold.errors import DesignError
from sixfold.language import Happens, attribute, ndcg, normalised_entropy, outcome, rate
from sixfold.lint import lint
from sixfold.loading import checked, from_json
from sixfold.metrics import ranking
from sixfold.steps import Scale


def loaded(*, size: int = 20, required: float | None = None, **scale) -> list:
    """The findings of the good design under another load."""
    design = edited("problem.decides", size=size)
    design = msgspec.structs.replace(design, scale=Scale(**{"users": 1e6, "items": 1e6, "peak_over_mean": 1, **scale}))
    return lint(design if required is None else edited("requirements", of=design, requests_per_s=required))


def by_path(findings: list) -> dict[str, str]:
    return {finding.path: finding.message for finding in findings}


def test_rental_ndcg_of_mixed_gains():
    """DCG with rel, its ideal with 2^rel - 1: a perfect order scores 0.474. Here one gain serves both sides."""
    gains = np.array([3, 3, 2, 1, 0])
    discount = 1 / np.log2(np.arange(2, 7))
    assert gains @ discount / ((2.0**gains - 1) @ discount) == pytest.approx(0.474, abs=5e-4)
    perfect = ranking.judge(np.arange(5)[None], request=np.zeros(5, int), item=np.arange(5), gain=gains)
    assert ranking.ndcg(perfect, gain="linear")[0] == ranking.ndcg(perfect, gain="exponential")[0] == 1
    for mixed in ("linear/exponential", ["linear", "exponential"]):
        metric = msgspec.structs.replace(ndcg(at=10), gain=mixed)
        with pytest.raises(DesignError, match=r"metrics\.offline\[0\]\.metric\.gain"):
            checked(edited("metrics", offline=(metric >= 0.3,)))


@pytest.mark.parametrize("peak_over_mean", [1, 3])
def test_video_bandwidth(peak_over_mean):
    """10 million requests a second, where 7.5 billion pages a month are 2 894: 3 456 times fewer."""
    found = loaded(requests_per_month=7.5e9, required=10e6, peak_over_mean=peak_over_mean)
    (finding,) = found
    assert (finding.level, finding.path) == ("error", "requirements.requests_per_s")
    assert "10 000 000" in finding.message and "2 894 a second" in finding.message
    assert "3 456 times" in finding.message


def test_video_labels():
    """15 + 750 billion labels, 800 billion rows, 0.4 PB; pages of a hundred make 750 in all, so 735 are negative."""
    found = loaded(
        size=100, requests_per_month=7.5e9, shown_per_request=100, rows_per_month=800e9, positive_rate=0.02,
        positives_per_month=15e9, negatives_per_month=750e9, bytes_per_row=500, bytes_per_month=0.4e15, required=2894,
    )  # fmt: skip
    messages = by_path(found)
    assert set(messages) == {"scale.rows_per_month", "scale.negatives_per_month", "scale.bytes_per_month"}
    assert "800 000 000 000" in messages["scale.rows_per_month"]
    assert "= 750 000 000 000, which is 1.07 times less" in messages["scale.rows_per_month"]
    assert "= 735 000 000 000, which is 1.02 times less" in messages["scale.negatives_per_month"]
    assert "= 375 000 000 000 000, which is 1.07 times less" in messages["scale.bytes_per_month"]


def test_feed_labels():
    """1 % of 120 billion is 1.2 and not 1 billion, which leaves 118.8 and not 110; 1 157 visits a second on average."""
    found = loaded(
        size=40, users=300e6, requests_per_user_per_month=10, shown_per_request=40, rows_per_month=120e9,
        positive_rate=0.01, positives_per_month=1e9, negatives_per_month=110e9, bytes_per_row=500,
        bytes_per_month=60e12, required=100_000,
    )  # fmt: skip
    messages = by_path(found)
    assert set(messages) == {
        "scale.positives_per_month", "scale.negatives_per_month", "requirements.requests_per_s",
    }  # fmt: skip
    assert "= 1 200 000 000, which is 1.2 times more" in messages["scale.positives_per_month"]
    assert "= 118 800 000 000, which is 1.08 times more" in messages["scale.negatives_per_month"]
    assert "1 157 a second" in messages["requirements.requests_per_s"]


def test_feed_latency():
    """A range is no requirement, and 50 ms in all do not hold a ranker of 50 ms and what comes before it."""
    data = msgspec.json.decode(good().to_json())
    for given in ([100, 200], "100-200"):
        data["requirements"]["p99_ms"] = given
        with pytest.raises(DesignError, match=r"\$\.requirements\.p99_ms"):
            from_json(msgspec.json.encode(data))
    design = edited("components.ranking", of=edited("requirements", p99_ms=50), deadline_ms=50)
    (finding,) = lint(design)
    assert (finding.level, finding.path) == ("error", "requirements.p99_ms")
    assert "50" in finding.message and "75 ms (candidates 25 + ranking 50)" in finding.message


def test_rental_scale():
    """1.25 billion are samples: at 30 a search they are 41.7 million searches, 16 a second and not millions."""
    taken_for_searches = by_path(
        loaded(size=30, requests_per_month=1.25e9, shown_per_request=30, rows_per_month=1.25e9, required=482)
    )
    assert set(taken_for_searches) == {"scale.rows_per_month"}
    assert "which is 30 times more" in taken_for_searches["scale.rows_per_month"]
    samples = by_path(loaded(size=30, shown_per_request=30, rows_per_month=1.25e9, required=1e6))
    assert set(samples) == {"requirements.requests_per_s"}
    assert "41 666 667 requests a month are 16.1 a second" in samples["requirements.requests_per_s"]


def test_rental_scale_users():
    """100 million users of five bookings a year make 41.7 million a month; 150 million make 62.5."""
    load = {"size": 30, "requests_per_month": 41.7e6, "requests_per_user_per_month": 5 / 12, "shown_per_request": 30}
    assert loaded(users=100e6, required=16.1, **load) == []
    (finding,) = loaded(users=150e6, required=24.1, **load)
    assert finding.path == "scale.requests_per_month"
    assert "= 62 500 000, which is 1.5 times more" in finding.message


def test_rental_scale_positive_rate():
    """One of 30 shown is booked: 3.3 %, and not the 1 % of another system."""
    rows = {
        "size": 30,
        "shown_per_request": 30,
        "rows_per_month": 1.25e9,
        "positives_per_month": 41.7e6,
        "required": 16.1,
    }
    assert loaded(positive_rate=0.033, **rows) == []
    (finding,) = loaded(positive_rate=0.01, **rows)
    assert finding.path == "scale.positives_per_month"


def test_delivery():
    """20 million deliveries a year are 1.67 million a month and 0.83 GB, not 2 million and 1 GB."""
    found = loaded(
        requests_per_year=20e6, requests_per_month=2e6, shown_per_request=1, bytes_per_row=500, bytes_per_month=1e9,
        required=0.643,
    )  # fmt: skip
    messages = by_path(found)
    assert set(messages) == {"scale.requests_per_month", "scale.bytes_per_month"}
    assert "= 1 666 667, which is 1.2 times less" in messages["scale.requests_per_month"]
    assert "= 833 333 333, which is 1.2 times less" in messages["scale.bytes_per_month"]


def test_delivery_predictions():
    """30 predictions a delivery are 600 million a year: 19 a second on average, and 190 at ten times the mean."""
    (finding,) = loaded(requests_per_year=600e6, peak_over_mean=10, required=100_000)
    assert "19.3 a second" in finding.message and "193 at peak" in finding.message


@pytest.mark.parametrize(
    "target", [normalised_entropy() <= -0.05, normalised_entropy() <= 1.2, normalised_entropy() <= 0]
)
def test_nce_is_a_ratio(target):
    """Log loss minus the background's entropy would be below 0 for a model that knows something."""
    (finding,) = lint(edited("metrics", offline=(target,)))
    assert (finding.level, finding.path) == ("error", "metrics.offline[0]")
    assert "ratio" in finding.message


def test_rental_follow_up():
    """Views went up with bookings trained beside them, bookings did not: a guardrail has to stand on the label."""
    booked, seen = outcome("book"), outcome("view", at_least=60)
    design = edited("learning", heads={"book": Happens(booked), "view": Happens(seen)}, value="book + 0.1 * view")
    design = edited("requirements", of=design, label=booked, window="1d")
    (finding,) = lint(design)
    assert (finding.level, finding.path) == ("warning", "metrics.guardrails")
    assert "view" in finding.message and "'book'" in finding.message
    guarded = edited("metrics", of=design, guardrails=(rate("book") >= 0.01,))
    assert lint(guarded) == []


@pytest.mark.parametrize("path", ["video.id", "video.key", "video.video_id"])
def test_listing_id(path):
    """Millions of ids with few bookings each are not enough to train on: that is a question to ask."""
    (finding,) = lint(edited("learning", features=(attribute(path), *good().learning.features)))
    assert (finding.level, finding.path) == ("warning", "learning.features[0]")
    assert "ask ids" in finding.message
