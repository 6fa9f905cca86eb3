import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixfold.errors import DesignError
from sixfold.formula import parse

HEADS = ("watch", "seconds")
COLUMNS = {"watch": np.array([0.1, 0.5], np.float32), "seconds": np.array([10.0, 0.0], np.float32)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("watch", [0.1, 0.5]),
        ("watch * (1 + log1p(seconds))", [0.1 * (1 + np.log(11)), 0.5]),
        ("-watch + 2 ** 3 / 4", [1.9, 1.5]),
        ("2 ** -watch", [2**-0.1, 2**-0.5]),
        ("clip(seconds, 1, 5) - 1", [4, 0]),
        ("minimum(watch, 0.3) + maximum(seconds, 2)", [10.1, 2.3]),
        ("sqrt(abs(-seconds)) * exp(0) + log(1)", [np.sqrt(10), 0]),
        ("  watch\t", [0.1, 0.5]),
    ],
)
def test_a_formula_means_what_it_says(text, expected):
    value = parse(text, HEADS)(COLUMNS)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7)


def test_names_are_those_read_once_and_in_order():
    assert parse("seconds * watch + seconds", [*HEADS, "click"]).names == ("seconds", "watch")


@pytest.mark.parametrize("text", ["log(0 - watch)", "seconds / (seconds - seconds) * 0", "sqrt(-watch - 1)"])
def test_a_row_without_a_value_comes_last(text):
    assert (parse(text, HEADS)(COLUMNS) == -np.inf).all()


def test_powers_of_powers_are_infinite_at_once():
    assert (parse("watch * 9 ** 9 ** 9 ** 9", HEADS)(COLUMNS) == np.inf).all()
    assert (parse("watch * 10 ** 400", HEADS)(COLUMNS) == np.inf).all()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("__import__('os').system('true')", "__import__"),
        ("__import__('os')", "calls '__import__', which is no function"),
        ("watch.__class__", "'watch.__class__' is not allowed"),
        ("(watch).real", "is not allowed"),
        ("watch[0]", "'watch[0]' is not allowed"),
        ("(lambda: watch)()", "is not allowed"),
        ("[watch for watch in seconds]", "is not allowed"),
        ("watch if seconds else 0", "is not allowed"),
        ("watch and seconds", "is not allowed"),
        ("watch > 0.5", "'watch > 0.5' is not allowed"),
        ("watch // 2", "is not allowed"),
        ("watch % 2", "is not allowed"),
        ("watch @ seconds", "is not allowed"),
        ("watch << 9999", "is not allowed"),
        ("~watch", "is not allowed"),
        ("not watch", "is not allowed"),
        ("watch * 'a'", "\"'a'\" is not allowed"),
        ("watch * True", "'True' is not allowed"),
        ("watch * 1j", "'1j' is not allowed"),
        ("watch * None", "'None' is not allowed"),
        ("f'{watch}'", "is not allowed"),
        ("(watch := 3)", "is not allowed"),
        ("clip(watch, *seconds)", "gives clip 2 arguments; expected 3"),
        ("minimum(*watch, *seconds)", "'*watch' is not allowed"),
        ("clip(watch, 0, a_max=1)", "is not allowed"),
        ("clip(watch, 0)", "gives clip 2 arguments; expected 3"),
        ("sqr(watch)", "calls 'sqr', which is no function; did you mean 'sqrt'?"),
        ("wach * 2", "names 'wach', which is no column; did you mean 'watch'?"),
        ("log1p", "names 'log1p', which is no column"),
        ("9 ** 9 ** 9", "uses no column; known are: seconds, watch"),
        ("import os", "cannot be read"),
        ("watch; seconds", "cannot be read"),
        ("watch = 1", "cannot be read"),
        ("", "cannot be read"),
        ("watch\x00", "cannot be read"),
        ("(" * 250 + "watch" + ")" * 10, "cannot be read"),
        ("watch" + " + watch" * 100, "has 805 characters"),
    ],
)
def test_what_is_not_on_the_list_is_refused_with_its_own_text(text, part):
    with pytest.raises(DesignError) as refused:
        parse(text, HEADS)
    assert part in str(refused.value)


def test_a_number_beyond_float64_is_refused():
    with pytest.raises(DesignError, match="is too large"):
        parse("watch * 0x" + "f" * 280, HEADS)


@pytest.mark.parametrize("text", ["-" * 295 + "watch", "watch" + "+1" * 147, "abs(" * 58 + "watch" + ")" * 58])
def test_the_deepest_nesting_that_fits_is_evaluated(text):
    assert parse(text, HEADS)(COLUMNS).shape == (2,)


@given(st.text(max_size=40) | st.text(alphabet="watch()*+-/.,09e_[]'\" ", max_size=40))
def test_any_text_is_a_formula_or_a_design_error(text):
    try:
        formula = parse(text, ["a", "t", "watch"])
    except DesignError:
        return
    assert not np.isnan(formula({name: np.array([0.5]) for name in ("a", "t", "watch")})).any()
