import pytest
from tests.designs import edited

from sixfold.lint import lint


def test_deadlines_add_up_to_no_more_than_p99():
    assert lint(edited("requirements", p99_ms=65)) == []
    (finding,) = lint(edited("requirements", p99_ms=64.9))
    assert (finding.level, finding.path) == ("error", "requirements.p99_ms")
    assert "64.9" in finding.message and "65 ms (candidates 25 + ranking 40)" in finding.message


@pytest.mark.parametrize(
    ("stage", "fallback", "hint"),
    [
        ("candidates", "populer", "did you mean 'popular'"),
        ("candidates", "retrieval order", "known are: popular"),
        ("candidates", "als", "known are: popular"),
        ("ranking", "retrieval", "did you mean 'retrieval order'"),
    ],
)
def test_a_fallback_is_something_that_is_there(stage, fallback, hint):
    (finding,) = lint(edited(f"components.{stage}", fallback=fallback))
    assert (finding.level, finding.path) == ("error", f"components.{stage}.fallback")
    assert hint in finding.message


def test_a_source_may_be_a_fallback():
    assert lint(edited("components.ranking", fallback="popular")) == []
