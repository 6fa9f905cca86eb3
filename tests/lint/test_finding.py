import doctest

import pytest

from sixfold.lint import finding
from sixfold.lint.finding import spaced


def test_doctests():
    result = doctest.testmod(finding)
    assert result.attempted and not result.failed


@pytest.mark.parametrize(
    ("number", "text"),
    [(999.4, "999"), (1000, "1 000"), (-2e6, "-2 000 000"), (3455.9, "3 456"), (0.000123, "0.000123")],
)
def test_spaced(number, text):
    assert spaced(number) == text
