from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.serving.telemetry import LATENCY_S, Histogram, Telemetry, exposition, merge, quantile


def test_the_text_of_each_kind():
    telemetry = Telemetry()
    telemetry.counter("asked_total", "Asked.", labels=("route", "status")).of("/a", "200").add(3)
    telemetry.gauge("age_s", "Age.").of().set(1.5)
    seconds = telemetry.histogram("took_s", "Took.", labels=("route",), bounds=(0.25, 1.0)).of("/a")
    for value in (0.25, 0.5, 7.0):
        seconds.observe(value)
    assert exposition(telemetry.snapshot()).decode().splitlines() == [
        "# HELP age_s Age.",
        "# TYPE age_s gauge",
        "age_s 1.5",
        "# HELP asked_total Asked.",
        "# TYPE asked_total counter",
        'asked_total{route="/a",status="200"} 3',
        "# HELP took_s Took.",
        "# TYPE took_s histogram",
        'took_s_bucket{route="/a",le="0.25"} 1',
        'took_s_bucket{route="/a",le="1.0"} 2',
        'took_s_bucket{route="/a",le="+Inf"} 3',
        'took_s_sum{route="/a"} 7.75',
        'took_s_count{route="/a"} 3',
    ]


def test_help_and_label_values_are_escaped():
    telemetry = Telemetry()
    telemetry.counter("x_total", 'back\\slash, new\nline, "quote"', labels=("l",)).of('a\\b\n"c"').add()
    text = exposition(telemetry.snapshot()).decode()
    assert '# HELP x_total back\\\\slash, new\\nline, "quote"\n' in text
    assert 'x_total{l="a\\\\b\\n\\"c\\""} 1\n' in text


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (np.float64(0.5), "0.5"), (2, "2")]
)
def test_numbers_that_python_writes_otherwise(value, text):
    telemetry = Telemetry()
    telemetry.gauge("g", "G.").of().set(value)
    assert exposition(telemetry.snapshot()).decode().endswith(f"\ng {text}\n")


@given(st.lists(st.floats(0, 2), min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_falls_in_the_bucket_of_the_true_one(values, q):
    histogram = Histogram(LATENCY_S)
    for value in values:
        histogram.observe(value)
    true = np.quantile(values, q, method="inverted_cdf")
    bucket = np.searchsorted(LATENCY_S, true)
    low = LATENCY_S[bucket - 1] if bucket else 0.0
    high = LATENCY_S[min(bucket, len(LATENCY_S) - 1)]
    assert min(low, LATENCY_S[-1]) <= histogram.quantile(q) <= high


def test_there_is_no_quantile_of_nothing():
    assert quantile((1.0,), (0, 0), 0.5) is None


@given(st.lists(st.lists(st.floats(0, 2), max_size=20), min_size=1, max_size=4))
def test_what_processes_saw_together_is_what_one_would_have_seen(seen):
    def telemetry(values):
        out = Telemetry()
        histogram = out.histogram("s", "S.", labels=("l",)).of("x")
        for value in values:
            histogram.observe(value)
            out.counter("n_total", "N.").of().add()
        out.gauge("most", "Most.").of().set(max(values, default=0))
        out.gauge("all", "All.", merge="sum").of().set(len(values))
        return msgspec.json.decode(msgspec.json.encode(out.snapshot()))

    merged = merge(telemetry(values) for values in seen)
    whole = telemetry([value for values in seen for value in values])
    assert merged["s"]["series"][0][1][0] == whole["s"]["series"][0][1][0]
    assert merged["s"]["series"][0][1][1] == pytest.approx(whole["s"]["series"][0][1][1])
    for name in ("most", "all"):
        assert merged[name]["series"] == whole[name]["series"]
    assert merged.get("n_total", {}).get("series") == whole.get("n_total", {}).get("series")


def test_series_that_only_one_process_has_are_kept():
    one, other = Telemetry(), Telemetry()
    one.counter("n_total", "N.", labels=("l",)).of("a").add(1)
    other.counter("n_total", "N.", labels=("l",)).of("b").add(2)
    assert merge([one.snapshot(), other.snapshot()])["n_total"]["series"] == [[["a"], 1], [["b"], 2]]


def test_merging_leaves_the_parts_as_they_were():
    one = Telemetry()
    one.histogram("s", "S.").of().observe(0.1)
    snapshot = one.snapshot()
    merge([snapshot, snapshot])
    assert sum(snapshot["s"]["series"][0][1][0]) == 1


def test_families_that_differ_are_not_merged():
    one, other = Telemetry(), Telemetry()
    one.histogram("s", "S.", bounds=(1.0,))
    other.histogram("s", "S.", bounds=(2.0,))
    with pytest.raises(ValueError, match="not the same family"):
        merge([one.snapshot(), other.snapshot()])


def test_a_name_is_one_family():
    telemetry = Telemetry()
    assert telemetry.counter("n_total", "N.") is telemetry.counter("n_total", "N.")
    with pytest.raises(ValueError, match="there already as a counter"):
        telemetry.gauge("n_total", "N.")


@pytest.mark.parametrize(
    ("name", "labels"), [("a b", ()), ("1a", ()), ("a", ("le",)), ("a", ("__x",)), ("a", ("x y",))]
)
def test_names_that_prometheus_does_not_read_are_refused(name, labels):
    with pytest.raises(ValueError, match="no valid family"):
        Telemetry().counter(name, "N.", labels=labels)


def test_each_label_wants_a_value():
    with pytest.raises(ValueError, match="a value for each"):
        Telemetry().counter("n_total", "N.", labels=("a", "b")).of("x")
