"""What tests share: one tiny workspace, trained once."""

from __future__ import annotations

import pytest

from tests.tiny import Tiny, build


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A workspace on a small world with a trained and published release: read it, do not write to it."""
    return build(tmp_path_factory.mktemp("tiny"))
