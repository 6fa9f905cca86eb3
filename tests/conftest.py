"""What tests share: two tiny workspaces, one of slates and one of estimates, each trained once."""

from __future__ import annotations

import pytest

from tests import tiny_times
from tests.tiny import Tiny, build
from tests.tiny_times import TinyTimes


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A workspace on a small world with a trained and published release: read it, do not write to it."""
    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def timed(tmp_path_factory: pytest.TempPathFactory) -> TinyTimes:
    """A workspace that estimates, with a trained and published release: read it, do not write to it."""
    return tiny_times.build(tmp_path_factory.mktemp("timed"))
