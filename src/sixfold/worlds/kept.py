"""The world that a folder's log came from: its name and its knobs beside the log, so that its truth can be asked later."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import msgspec

from ..errors import DataError
from .delivery import DeliveryWorld
from .video import VideoWorld

World: TypeAlias = VideoWorld | DeliveryWorld
WORLDS: dict[str, type[World]] = {"video": VideoWorld, "delivery": DeliveryWorld}


class Named(msgspec.Struct, frozen=True):
    """A world by its name and its knobs."""

    name: str
    knobs: dict[str, object]


def keep(folder: Path, name: str, world: World) -> None:
    """Note which world a folder's log comes from."""
    named = Named(name, msgspec.to_builtins(world))
    (folder / "world.json").write_bytes(msgspec.json.format(msgspec.json.encode(named), indent=2))


def kept(folder: Path) -> World | None:
    """The world of a folder, None where its log came from the user's files. Raises DataError where it is of no known name."""
    path = folder / "world.json"
    if not path.exists():
        return None
    named = msgspec.json.decode(path.read_bytes(), type=Named)
    if named.name not in WORLDS:
        raise DataError(f"{path} names a world {named.name!r}, known are: {', '.join(WORLDS)}")
    return msgspec.convert(named.knobs, WORLDS[named.name])
