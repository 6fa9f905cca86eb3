"""The worlds that go on after their log, by name."""

from __future__ import annotations

from typing import TypeAlias

from .video import VideoWorld
from .video_live import VideoLive

Knobs: TypeAlias = VideoWorld
"""The knobs of any of them."""

ALIVE = {"video": VideoLive}
_KNOBS: dict[str, type[Knobs]] = {"video": VideoWorld}


def small(name: str, *, members: int, days: int, seed: int) -> Knobs:
    """A world in which a day of asks and a training take about a minute: fewer items than by default, more visits."""
    return _KNOBS[name](members=members, days=days, seed=seed, videos=1500, visits=3.0, joining=0.1, late=0.0)
