"""A workspace: one folder with a design, its log, its releases and its state. Every command works on one.

design.py     the user's design                events/      the log, quarantined rows
mapping.toml  the user's tables as events      releases/    one folder each, and CURRENT
world.json    the world the log came from      state/       what the engine knows now, rebuilt when in doubt
cache/        training stages by content       reports/     HTML
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from . import files, upkeep
from . import release as releases
from .design import Design
from .errors import Busy, ReleaseError
from .estimation.open import Open
from .events.log import EventLog
from .events.schema import Events
from .features.online import State
from .following import watched
from .loading import load
from .release import Release


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
            named = [metric for metric in ("AUC", "nDCG@10", "MAE", "RMSE") if metric in chosen]
            headline = ", ".join(f"{metric} {chosen[metric]['value'] or 0:.4f}" for metric in named)
            out.append(Listed(number, manifest.design, manifest.cuts.end, headline, number == current))
        return out

    def promote(self, number: str) -> None:
        """Point CURRENT at a release, by one rename; the one before is remembered for `rollback`."""
        with self._alone("publishing", wait=True):
            self._publish([number, *self._published()])

    def rollback(self) -> str:
        """Publish the release before the current one again; gives its id."""
        with self._alone("publishing", wait=True):
            history = self._published()
            if len(history) < 2:
                raise ReleaseError("there is no release to roll back to; 'sixfold releases' lists those there are")
            self._publish(history[1:])
        return history[1]

    def _published(self) -> list[str]:
        """The releases that are or were CURRENT, the newest first."""
        path = self.releases / "CURRENT"
        return path.read_text().split() if path.exists() else []

    def _publish(self, history: list[str]) -> None:
        fresh = self.releases / ".CURRENT"
        with fresh.open("w") as file:
            file.write("\n".join(dict.fromkeys(history)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.releases / "CURRENT")
        files.sync(self.releases)

    @contextlib.contextmanager
    def training(self) -> Iterator[None]:
        """Train here alone; what a training that was killed has left is cleared away. Raises Busy where another one is at it."""
        with self._alone("training", wait=False):
            for draft in self.releases.glob(".draft-*"):
                shutil.rmtree(draft, ignore_errors=True)
            for part in self.cache.glob("*.[0-9]*.npz"):
                part.unlink(missing_ok=True)
            yield

    @contextlib.contextmanager
    def _alone(self, what: str, *, wait: bool) -> Iterator[None]:
        self.releases.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.releases / f".{what}", os.O_RDWR | os.O_CREAT, 0o644)
        with contextlib.closing(os.fdopen(handle)):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy(f"another process is {what} in {self.folder}; wait until it is done, or stop it") from error
            yield

    # State

    def state_folder(self, release: Release) -> Path:
        """Where the state that a release reads is kept."""
        return self.folder / "state" / upkeep.signature(release.features, release.design.memory)

    def open_folder(self, release: Release) -> Path:
        """Where the estimates are kept that are under way."""
        return self.folder / "state" / upkeep.signature_of(watched(release.design))

    def state(self, release: Release) -> State:
        """What is known now, for a release, brought up to the end of the log.

        Where a service keeps the state, its own is read, which follows the log by itself.
        """
        folder, features, memory = self.state_folder(release), release.features, release.design.memory
        with self.log() as log:
            try:
                state = upkeep.keeper(folder, features, memory, log)
            except Busy:
                state = upkeep.reader(folder, features, memory)
            else:
                upkeep.catch_up(state, log)
                upkeep.close(state)
        self.fits(release, state)
        return state

    def under_way(self, release: Release) -> Open:
        """The estimates under way, and how outcomes have steered them, as of the end of the log; a service's own where it keeps
        them."""
        folder, kept = self.open_folder(release), watched(release.design)
        with self.log() as log:
            try:
                found = upkeep.open_keeper(folder, kept, log)
            except Busy:
                return upkeep.open_reader(folder, kept)
            upkeep.catch_up(found, log)
            upkeep.close(found)
        return found

    def fits(self, release: Release, state: State) -> None:
        """Rows are numbered in the order of the log, by training and by the state alike."""
        if release.design.estimates:
            return  # No row of a state is kept in it.
        names = state.ids[release.design.item].names()
        if len(names) < len(release.items) or not (names[: len(release.items)] == release.items).all():
            raise ReleaseError(f"release {release.id} was trained on another log than {self.log_path}; train again")
