import doctest

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.designs import edited, good

from sixfold.lint import arithmetic, lint
from sixfold.lint.arithmetic import derived, mean_requests_per_s
from sixfold.steps import Scale

ONE_OFF = {
    "requests_per_month": 2,
    "rows_per_month": 1.3,
    "positives_per_month": 0.5,
    "negatives_per_month": 1.2,
    "bytes_per_month": 1000,
}


def test_doctests():
    result = doctest.testmod(arithmetic)
    assert result.attempted and not result.failed


@pytest.mark.parametrize(("name", "factor"), ONE_OFF.items())
def test_each_stated_value_that_is_off_is_flagged_alone(name, factor):
    scale = good().scale
    stated = getattr(scale, name)
    fields = {name: stated * factor}
    if name == "requests_per_month":
        fields["requests_per_user_per_month"] = None
    (finding,) = lint(edited("scale", **fields))
    assert (finding.level, finding.path) == ("error", f"scale.{name}")
    times = f"{max(factor, 1 / factor):.3g}" if factor < 1000 else "1 000"
    assert f"which is {times} times {'more' if factor < 1 else 'less'}" in finding.message
    assert f"= {arithmetic.spaced(stated)}," in finding.message
    assert arithmetic.spaced(stated * factor) in finding.message


@pytest.mark.parametrize(
    ("name", "factor", "levels"),
    [
        ("bytes_per_month", 1.04, []),
        ("bytes_per_month", 1.07, ["warning"]),
        ("bytes_per_month", 1.12, ["error"]),
        ("bytes_per_month", 1 / 1.12, ["error"]),
        ("negatives_per_month", 1.005, []),
        ("negatives_per_month", 1.02, ["warning"]),
    ],
)
def test_products_of_rounded_numbers_have_more_slack_than_sums(name, factor, levels):
    stated = getattr(good().scale, name)
    assert [finding.level for finding in lint(edited("scale", **{name: stated * factor}))] == levels


def test_more_positives_than_rows_leave_nothing():
    scale = Scale(users=1, items=1, rows_per_month=10.0, positives_per_month=20.0)
    (finding,) = arithmetic.stated_twice(msgspec.structs.replace(good(), scale=scale))
    assert finding.path == "scale.negatives_per_month"
    assert "10 - 20 = -10" in finding.message


@given(
    users=st.floats(1, 1e9),
    per_user=st.floats(0.1, 1000),
    shown=st.floats(1, 1000),
    rate=st.floats(0.001, 0.9),
    size=st.floats(1, 1e4),
)
def test_what_is_derived_never_contradicts_itself(users, per_user, shown, rate, size):
    roots = Scale(
        users=users, items=1, requests_per_user_per_month=per_user, shown_per_request=shown, positive_rate=rate,
        bytes_per_row=size,
    )  # fmt: skip
    whole = Scale(**derived(roots))
    assert derived(whole) == derived(roots)
    assert whole.positives_per_month + whole.negatives_per_month == pytest.approx(users * per_user * shown)
    assert list(arithmetic.stated_twice(msgspec.structs.replace(good(), scale=whole))) == []


def test_requests_go_back_to_rows_where_nothing_else_says_them():
    from_rows = Scale(users=1, items=1, rows_per_month=6e6, shown_per_request=20)
    from_bytes = Scale(users=1, items=1, bytes_per_month=6e9, bytes_per_row=1000, shown_per_request=20)
    from_parts = Scale(users=1, items=1, positives_per_month=1e6, negatives_per_month=5e6, shown_per_request=20)
    for scale in (from_rows, from_bytes, from_parts):
        assert mean_requests_per_s(scale) == pytest.approx(300_000 / (30 * 86_400))
    assert mean_requests_per_s(Scale(users=1, items=1)) is None


@pytest.mark.parametrize(
    ("requests_per_s", "levels"),
    [
        (12, ["error"]),
        (30, ["error"]),
        (33, []),
        (35, []),
        (38, []),
        (100, ["warning"]),
        (340, ["warning"]),
        (500, ["error"]),
    ],
)
def test_the_service_is_required_to_carry_its_peak(requests_per_s, levels):
    found = lint(edited("requirements", requests_per_s=requests_per_s))
    assert [finding.level for finding in found] == levels
    assert all(finding.path == "requirements.requests_per_s" for finding in found)
    assert all("11.6 a second on average" in f.message and "34.7 at peak" in f.message for f in found)


def test_a_request_shows_no_more_than_its_slate():
    (finding,) = lint(edited("problem.decides", size=10))
    assert (finding.level, finding.path) == ("error", "scale.shown_per_request")
