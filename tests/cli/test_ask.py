"""A question asked of a small delivery world from the command line, and its answer in the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.calling import call


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A workspace on six days of a delivery world, with a release of few trees."""
    folder = tmp_path_factory.mktemp("ask") / "mine"
    assert call("new", "delivery", folder=folder).code == 0
    knobs = [word for pair in ("orders_per_day=150", "stores=30", "new_stores=2") for word in ("--knob", pair)]
    assert call("world", "delivery", "--days", 6, *knobs, folder=folder).code == 0
    design = folder / "design.py"
    text = design.read_text()
    assert "Quantiles(trees=150)" in text
    design.write_text(text.replace("Quantiles(trees=150)", "Quantiles(trees=20, depth=3, learning_rate=0.3)"))
    assert call("train", "--force", folder=folder).code == 0
    return folder


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("geo", "none", "as designed"), ("ids", "none", "both")],
)
def test_a_question_is_answered_kept_and_reported(mine, name, first, last):
    done = call("ask", name, "--json", folder=mine)
    assert (done.code, done.err) == (0, "")
    tried = [one["name"] for one in done.json["tried"]]
    assert (tried[0], tried[-1]) == (first, last)
    assert sum(one["current"] for one in done.json["tried"]) == 1
    assert (mine / "reports" / f"ask-{name}.json").exists()
    assert call("report", "--out", mine / "out.html", folder=mine).code == 0
    page = (mine / "out.html").read_text()
    assert done.json["text"] in page and "Where is it wrong?" in page


def test_people_get_a_table_and_a_sentence(mine):
    done = call("ask", "ids", folder=mine)
    assert done.code == 0 and "tried hash of store" in done.out and "more than the best" in done.out
    assert "cannot tell: " in done.out or "recommended: " in done.out


def test_a_question_that_is_not_there_is_one_sentence(mine):
    done = call("ask", "gee", folder=mine)
    assert done.code == 3 and done.out == ""
    assert done.err.startswith("sixfold: there is no question 'gee'; did you mean 'geo'") and done.err.count("\n") == 1
