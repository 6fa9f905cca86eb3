"""What was found of a release under load, beside the reports of its workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from ..workspace import Workspace


class OfRelease(Protocol):
    """A struct that says which release it is of."""

    @property
    def release(self) -> str: ...


F = TypeVar("F", bound=OfRelease)


def write(workspace: Workspace, file: str, found: OfRelease) -> Path:
    """Keep what was found under a name."""
    path = workspace.reports / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2))
    return path


def read(workspace: Workspace, file: str, kind: type[F]) -> F | None:
    """What was found of the published release, None where nothing was."""
    path = workspace.reports / file
    if not path.exists():
        return None
    found = msgspec.json.decode(path.read_bytes(), type=kind)
    return found if found.release == workspace.current_id() else None
