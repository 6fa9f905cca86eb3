from dataclasses import replace

import numpy as np
import pytest
from tests.designs import edited
from tests.training.logs import changed, design, found, log, made_ready, without_decisions

from sixfold.language import Assume, attribute, auc, context, count, outcome, position, positive_rate, rate
from sixfold.training.validate import ALWAYS, OF_SLATES, lint_data
from sixfold.types import SECOND


def only(findings, level, path):
    """The message of the one finding there is."""
    ((*where, message),) = findings
    assert where == [level, path]
    return message


def test_a_good_log_says_nothing_against_a_good_design():
    assert found(log()) == []


def test_every_question_says_why():
    assert all(question.__doc__ for question in (*ALWAYS, *OF_SLATES))


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (
            edited("requirements", of=design(heads={"watch": design().heads["watch"]}), label=outcome("wacth")),
            "requirements.label",
        ),
        (design(history=outcome("wacth")), "learning.history"),
        (design(features=(position(), rate("wacth", half_life="1d"))), "learning.features[1]"),
    ],
)
def test_outcomes_that_the_log_does_not_have(of, path):
    assert "did you mean 'watch'?" in only(found(log(), of), "error", path)


def test_what_was_shown_cannot_be_counted_without_impressions():
    counted = design(features=(count("shown", by="video", window="1d"),))
    counted = edited("metrics", of=counted, offline=())
    assert "0 impressions" in only(found(without_decisions(log()), counted), "warning", "learning.features[0]")


def test_an_outcome_that_does_not_carry_its_item():
    events = log()
    like = {name: column for name, column in events.outcomes["watch"].items() if name != "video"}
    both = replace(events, outcomes={**events.outcomes, "like": like})
    of = design(features=(position(), count("like", by=("member", "video.genre"), window="1d")))
    errors = [one for one in found(both, of) if one[0] == "error"]
    assert "kept by 'video', but outcomes 'like' do not carry it" in only(errors, "error", "learning.features[1]")


@pytest.mark.parametrize(
    ("path", "hint"), [("video.gener", "did you mean 'genre'"), ("member.age", "known are: country")]
)
def test_fields_that_the_log_does_not_have(path, hint):
    of = design(features=(position(), attribute(path)))
    assert hint in only(found(log(), of), "error", "learning.features[1]")


def test_contexts_that_the_log_does_not_have():
    of = design(features=(position(), context("devise")))
    assert "did you mean 'device'?" in only(found(log(), of), "error", "learning.features[1]")
    of = edited("metrics", of=design(features=(context("device"),)), offline=())
    assert "no decisions" in only(found(without_decisions(log()), of), "error", "learning.features[0]")


def test_positions_that_no_feature_reads():
    of = design(features=(context("device"),))
    assert "12 000 impressions" in only(found(log(), of), "warning", "learning.features")
    flat = changed(log(), "shown", position=np.ones(12_000, np.int16))
    assert found(flat, of) == []


def test_metrics_over_impressions_need_some():
    of = edited("metrics", of=design(features=()), guardrails=(auc() >= 0.5,), offline=(positive_rate().about(0.3),))
    paths = [path for _, path, _ in found(without_decisions(log()), of)]
    assert paths == ["metrics.offline[0]", "metrics.guardrails[0]"]


def test_too_few_positives_are_counted():
    few = found(log(decisions=500))
    assert [(level, path) for level, path, _ in few] == [
        ("warning", "learning.split.calibration"), ("warning", "learning.split.test"),
    ]  # fmt: skip
    assert all("fewer than 100" in message for _, _, message in few)


def nothing_watched(events):
    return changed(events, "watch", value=np.zeros(len(events.outcomes["watch"]["ts"])))


def everything_watched(events):
    """Whatever was shown, at once."""
    decided, at = events.decisions, events.shown["decision"]
    return changed(
        events, "watch", id=np.array([b"o%d" % i for i in range(len(at))]), ts=decided["ts"][at],
        value=np.full(len(at), 50.0), decision=decided["id"][at], member=decided["member"][at],
        video=events.shown["item"],
    )  # fmt: skip


@pytest.mark.parametrize(("fault", "kind"), [(nothing_watched, "positives"), (everything_watched, "negatives")])
def test_one_class_only(fault, kind):
    events = fault(log())
    classes = [(level, path) for level, path, message in found(events) if f"0 {kind}" in message]
    assert classes == [
        ("error", "learning.split.ranker"),
        ("warning", "learning.split.calibration"),
        ("warning", "learning.split.test"),
    ]


def test_parts_shorter_than_the_window():
    # Of the six days of the log, the ranker's part is about 29 hours long, calibration's and the test's 22 and less.
    of = edited("requirements", of=design(), window="25h")
    paths = [path for _, path, message in found(log(), of) if "shorter than the window" in message]
    assert paths == ["learning.split.calibration", "learning.split.test"]


def test_rates_that_the_log_contradicts():
    of = edited("scale", of=design(), positive_rate=0.02)
    message = only(found(log(), of), "warning", "scale.positive_rate")
    assert "0.02" in message and "a rate of 0.276" in message
    of = edited(
        "problem", of=design(), assumes=(Assume("", positive_rate().about(0.02)), Assume("", positive_rate() >= 0.2))
    )
    assert "contradicted" in only(found(log(), of), "warning", "problem.assumes[0].target")


def test_a_rate_that_is_off_by_chance_is_not_contradicted():
    events = log(decisions=60)
    of = edited("scale", of=design(), positive_rate=0.24)
    assert not [path for _, path, _ in found(events, of) if path == "scale.positive_rate"]


def test_slates_longer_than_the_logged_ones():
    of = edited("scale", of=design(), shown_per_request=20)
    assert "3 000 decisions show 4 each" in only(found(log(), of), "warning", "scale.shown_per_request")


def test_labels_that_come_after_the_window():
    events = log()
    named = events.outcomes["watch"]["decision"] != b""
    ts = events.outcomes["watch"]["ts"] + np.where(named & (np.arange(len(named)) % 4 == 0), 8 * 3600 * SECOND, 0)
    late = [one for one in found(changed(events, "watch", ts=ts)) if one[1] == "requirements.window"]
    assert "count as negatives" in only(late, "warning", "requirements.window")


def test_members_of_the_test_without_history():
    events = log()
    last = np.quantile(events.decisions["ts"], 0.84)
    who = events.decisions["member"].astype("S12")
    late = events.decisions["ts"] > last
    who[late] = np.array([b"new%d" % i for i in range(late.sum())])
    message = only(found(changed(events, "decisions", member=who)), "warning", "learning.split.test")
    assert "no watch>=30 before it" in message


def test_a_log_prepared_by_the_design_itself_agrees_too():
    of = design()
    assert lint_data(of, made_ready(log(1), of)) == []
