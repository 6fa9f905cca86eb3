"""A workspace: one folder with a design, its log, its releases and its state. Every command works on one.

design.py     the user's design                events/      the log, quarantined rows
mapping.toml  the user's tables as events      releases/    one folder each, and CURRENT
world.json    the world the log came from      state/       what the engine knows now, rebuilt when in doubt
cache/        training stages by content       reports/     HTML
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from . import release as releases
from .design import Design, load
from .errors import DataError, ReleaseError
from .events.log import EventLog
from .events.schema import Events
from .features.online import State
from .features.store import Store
from .release import Release
from .worlds.video import VideoWorld

WORLDS = {"video": VideoWorld}


class Named(msgspec.Struct, frozen=True):
    """The world that a log came from: its name and its knobs."""

    name: str
    knobs: dict[str, object]


class Listed(msgspec.Struct, frozen=True):
    """A release in one line."""

    id: str
    design: str
    until: int
    headline: str
    current: bool


@dataclass(frozen=True)
class Workspace:
    """A folder of the user's; nothing in it is made before it is needed."""

    folder: Path

    @cached_property
    def design(self) -> Design:
        """The design that `design.py` defines, checked."""
        return load(self.folder / "design.py")

    @property
    def log_path(self) -> Path:
        return self.folder / "events" / "log.sqlite"

    def log(self, *, create: bool = False) -> EventLog:
        """The workspace's log. Raises DataError where there is none."""
        return EventLog(self.log_path, create=create)

    def batches(self) -> Iterator[Events]:
        """Every batch of the log, in order of acceptance."""
        with self.log() as log:
            for _, events in log.read():
                yield events

    @property
    def releases(self) -> Path:
        return self.folder / "releases"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    # Releases

    def current_id(self) -> str | None:
        """The id of the published release, None where there is none."""
        path = self.releases / "CURRENT"
        return path.read_text().split()[0] if path.exists() else None

    def current(self) -> Release:
        """The published release, checked. Raises ReleaseError where there is none or it is damaged."""
        found = self.current_id()
        if found is None:
            raise ReleaseError(f"no release is published in {self.folder}; run 'sixfold train' first")
        return releases.read(self.releases / found)

    def release(self, number: str) -> Release:
        """A release by its id, or by the start of it."""
        found = [name for name in self.release_ids() if name.startswith(number)]
        if len(found) != 1:
            what = "no release" if not found else "more than one release"
            raise ReleaseError(f"{what} starts with {number!r}; there are: {', '.join(self.release_ids()) or 'none'}")
        return releases.read(self.releases / found[0])

    def release_ids(self) -> list[str]:
        """All releases, oldest first."""
        paths = (path for path in self.releases.glob("*/manifest.json"))
        return [
            path.parent.name for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.parent.name))
        ]

    def listed(self) -> list[Listed]:
        """All releases in a line each, oldest first, read from their manifests and metrics alone."""
        current, out = self.current_id(), []
        for number in self.release_ids():
            manifest = msgspec.json.decode(
                (self.releases / number / "manifest.json").read_bytes(), type=releases.Manifest
            )
            metrics = msgspec.json.decode((self.releases / number / "metrics.json").read_bytes())
            chosen = metrics["systems"][metrics["chosen"]]
            named = [metric for metric in ("AUC", "nDCG@10") if metric in chosen]
            headline = ", ".join(f"{metric} {chosen[metric]['value'] or 0:.4f}" for metric in named)
            out.append(Listed(number, manifest.design, manifest.cuts.end, headline, number == current))
        return out

    def promote(self, number: str) -> None:
        """Point CURRENT at a release, by one rename; the one before is remembered for `rollback`."""
        before = self.current_id()
        history = [number, *((self.releases / "CURRENT").read_text().split() if before else [])]
        fresh = self.releases / f".CURRENT-{os.getpid()}"
        with fresh.open("w") as file:
            file.write("\n".join(dict.fromkeys(history)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.releases / "CURRENT")

    def rollback(self) -> str:
        """Publish the release before the current one again; gives its id."""
        path = self.releases / "CURRENT"
        history = path.read_text().split() if path.exists() else []
        if len(history) < 2:
            raise ReleaseError("there is no release to roll back to; 'sixfold releases' lists those there are")
        fresh = self.releases / f".CURRENT-{os.getpid()}"
        fresh.write_text("\n".join(history[1:]) + "\n")
        fresh.replace(path)
        return history[1]

    # State

    def state(self, release: Release) -> State:
        """What is known now, for a release: the mapped state, brought up to the end of the log.

        A state that was being written when its process died, or that is of another log, is built again.
        """
        folder = self.folder / "state" / release.id
        mark = folder / "OFFSET"
        with self.log() as log:
            offset = _folded(mark, log)
            if offset == 0:
                shutil.rmtree(folder, ignore_errors=True)
            state = State(release.model.features, release.design.memory, Store(folder))
            if log.head() > offset:
                mark.unlink(missing_ok=True)
                head = offset
                for head, events in log.read(offset):  # noqa: B007
                    state.apply(events)
                state.store.flush()
                mark.write_text(f"{head} {log.crc(head)}")
        self._fits(release, state)
        return state

    def _fits(self, release: Release, state: State) -> None:
        """Rows are numbered in the order of the log, by training and by the state alike."""
        names = state.ids[release.design.item].names()
        if len(names) < len(release.items) or not (names[: len(release.items)] == release.items).all():
            raise ReleaseError(f"release {release.id} was trained on another log than {self.log_path}; train again")

    # Worlds

    def world(self) -> VideoWorld | None:
        """The world that the log came from, None where it came from the user's files."""
        path = self.folder / "world.json"
        if not path.exists():
            return None
        named = msgspec.json.decode(path.read_bytes(), type=Named)
        if named.name not in WORLDS:
            raise DataError(f"{path} names a world {named.name!r}, known are: {', '.join(WORLDS)}")
        return msgspec.convert(named.knobs, WORLDS[named.name])

    def remember_world(self, name: str, world: VideoWorld) -> None:
        """Keep the world's knobs beside the log, so that its truth can be asked later."""
        named = Named(name, msgspec.to_builtins(world))
        (self.folder / "world.json").write_bytes(msgspec.json.format(msgspec.json.encode(named), indent=2))


def _folded(mark: Path, log: EventLog) -> int:
    """The last batch of this log that a state has folded; 0 where it has no mark, or one of another log."""
    if not mark.exists():
        return 0
    offset, crc = map(int, mark.read_text().split())
    return offset if log.crc(offset) == crc else 0
