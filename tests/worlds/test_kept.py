"""The world of a folder, kept beside its log."""

from __future__ import annotations

import pytest

from sixfold.errors import DataError
from sixfold.worlds.kept import keep, kept
from sixfold.worlds.video import VideoWorld


def test_a_world_is_kept(tmp_path):
    assert kept(tmp_path) is None
    world = VideoWorld(members=30, days=4, seed=7)
    keep(tmp_path, "video", world)
    assert kept(tmp_path) == world


def test_a_world_that_is_unknown_is_named(tmp_path):
    (tmp_path / "world.json").write_text('{"name": "chess", "knobs": {}}')
    with pytest.raises(DataError, match="names a world 'chess', known are: video"):
        kept(tmp_path)
