"""How a service is doing, over all its workers: each leaves its counts in a file every second, any of them adds them up."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .. import files
from ..durations import parse
from ..features.online import State
from ..types import SECOND
from . import telemetry
from .clock import text
from .messages import Degraded, Events, Slot, Stage, Standing, Status, Trial
from .recent import Grown, Labels, Recent
from .telemetry import Snapshot, Telemetry

if TYPE_CHECKING:
    from .service import Service

STALE_S = 10
"""A file that was not renewed for so long is of a worker that is gone; a fallback of then is no longer one of now."""
MINUTE_S = 60
MEMBERS = 6
"""Members that are named for a trial."""

DECISIONS = ("/v1/recommend", "/v1/rank", "/v1/estimate")
ROUTES = (*DECISIONS, "/v1/events")
PIECES = {
    "retrieval": "candidates",
    "filters": "candidates",
    "features": "ranking",
    "scores": "ranking",
    "gather": "features",
    "estimate": "features",
}
"""The stages that are timed within a part with a deadline."""
STAGES = ("candidates", "retrieval", "filters", "ranking", "features", "scores", "slate")
"""In the order in which a request for a slate passes them."""
OF_ESTIMATES = ("features", "gather", "estimate")
"""In the order in which a request for an estimate passes them."""
WRITING = {"append": "sixfold_append_seconds", "fold": "sixfold_fold_seconds"}


class Note(msgspec.Struct, array_like=True):
    """The newest fallback of one kind: when, in seconds of the wall clock, and why."""

    at: float
    stage: str
    fallback: str
    reason: str


class Left(msgspec.Struct, array_like=True):
    """What a process leaves for the others to read."""

    counts: Snapshot
    notes: list[Note]


_decode = msgspec.json.Decoder(Left).decode


class Doing:
    """What a worker knows of the last minutes: the counts of all processes, and what its own answers fell back on."""

    def __init__(self, run: Path, own: Telemetry) -> None:
        self._run, self._own = run, own
        self._notes: dict[tuple[str, str], Note] = {}
        self.recent = Recent()
        self.processes = 1
        self.notes: list[Note] = []
        self._over: dict[int, Slot] = {}

    def fell(self, one: Degraded) -> None:
        """An answer was degraded."""
        self._notes[one.stage, one.fallback] = Note(time.time(), one.stage, one.fallback, one.reason)

    def publish(self) -> None:
        """Leave this worker's numbers, look at those of the others."""
        publish(self._run, self._own, list(self._notes.values()))
        self.look()

    def look(self) -> None:
        found, now = gathered(self._run, self._own), time.time()
        self.processes = sum(map(_lives, found))
        self.recent.look(now, {process: left.counts for process, left in found.items()})
        others = [note for left in found.values() for note in left.notes]
        self.notes = [note for note in (*others, *self._notes.values()) if now - note.at < STALE_S]

    def slots(self) -> list[Slot]:
        """The last five minutes, oldest first; a slot that is over is worked out once."""
        numbered = [(place, at) for place, (at, _) in enumerate(self.recent.slots)]
        self._over = {at: self._over.get(at) or _slot(at, self.recent.slot(place)) for place, at in numbered[:-1]}
        return [*self._over.values(), *(_slot(at, self.recent.slot(place)) for place, at in numbered[-1:])]


def _lives(process: str) -> bool:
    """Whether there still is a process of this number: what one left outlives it for a while."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError):
        pass
    return True


def publish(run: Path, own: Telemetry, notes: list[Note] | None = None) -> None:
    """Leave this process' counts where the others find them; where there is no room, the next time."""
    with contextlib.suppress(OSError):
        run.mkdir(parents=True, exist_ok=True)
        files.put(run / f"{os.getpid()}.json", msgspec.json.encode(Left(own.snapshot(), notes or [])))


def gathered(run: Path, own: Telemetry) -> dict[str, Left]:
    """What every process of the service left, by its number; this one's counts are as they are now."""
    mine = str(os.getpid())
    found = {mine: Left(own.snapshot(), [])}
    for path in sorted(run.glob("*.json")):
        if path.stem == mine:
            continue
        try:
            if time.time() - path.stat().st_mtime < STALE_S:
                found[path.stem] = _decode(path.read_bytes())
        except (OSError, msgspec.DecodeError):
            continue
    return found


def exposed(run: Path, own: Telemetry) -> bytes:
    """What /metrics answers."""
    return telemetry.exposition(telemetry.merge(left.counts for left in gathered(run, own).values()))


def status(service: Service) -> Status:
    """What /v1/status answers."""
    doing, engine = service.doing, service.engine
    design, minute, slots = engine.release.design, doing.recent.over(MINUTE_S), doing.slots()
    lag = minute.ms(WRITING["fold"], 0.99)
    return Status(
        design=design.name,
        goal=design.problem.goal,
        release=engine.release.id,
        release_age_s=max((service.clock.now() - engine.release.manifest.cuts.end) / 1e6, 0),
        retrain_s=parse(design.requirements.retrain) / SECOND,
        clock=text(service.clock.now()),
        uptime_s=time.monotonic() - service.started,
        processes=doing.processes,
        window_s=minute.seconds,
        per_s=minute.per_s("sixfold_http_seconds", _decides),
        p50_ms=minute.ms("sixfold_http_seconds", 0.5, _decides),
        p99_ms=minute.ms("sixfold_http_seconds", 0.99, _decides),
        required_per_s=design.requirements.requests_per_s,
        required_p99_ms=design.requirements.p99_ms,
        may_miss=1 - design.requirements.availability,
        shed=sum(slot.shed for slot in slots),
        fallbacks=sum(slot.fallbacks for slot in slots),
        failed=sum(slot.failed for slot in slots),
        event_lag_s=None if lag is None else lag / 1e3,
        events=_events(service, minute),
        stages=_stages(service, minute),
        degraded=_standing(service, minute),
        slots=slots,
        trial=_trial(service),
    )


def _decides(labels: Labels) -> bool:
    return labels[0] in DECISIONS


def _stages(service: Service, minute: Grown) -> list[Stage]:
    """The stages of a request, those of the writer, and any other that was timed."""
    name = "sixfold_stage_seconds"
    own = OF_ESTIMATES if service.engine.release.design.estimates else STAGES
    names = dict.fromkeys([*own, *(stage for (stage,) in minute.labels(name))])
    stages = [_stage(service, minute, name, stage) for stage in names]
    return [*stages, *(_stage(service, minute, name, stage) for stage, name in WRITING.items())]


def _stage(service: Service, minute: Grown, family: str, stage: str) -> Stage:
    def of_stage(labels: Labels) -> bool:
        return not labels or labels[0] == stage

    rung = service.rungs.get(stage)
    return Stage(
        name=stage,
        within="writer" if stage in WRITING else None if rung else PIECES.get(stage),
        deadline_ms=1e3 * rung.deadline_s if rung else None,
        fallback=rung.fallback if rung else None,
        per_s=minute.per_s(family, of_stage),
        p50_ms=minute.ms(family, 0.5, of_stage),
        p99_ms=minute.ms(family, 0.99, of_stage),
        fallbacks=minute.number("sixfold_fallbacks_total", lambda labels: labels[0] == stage),
    )


def _events(service: Service, minute: Grown) -> Events:
    newest = service.engine.state.now()
    return Events(
        posted_per_s=minute.per_s("sixfold_events_total", lambda labels: labels[0] == "accepted"),
        decisions_per_s=minute.per_s(
            "sixfold_http_requests_total", lambda labels: _decides(labels) and labels[1] == "200"
        ),
        lag_p50_ms=minute.ms(WRITING["fold"], 0.5),
        lag_p99_ms=minute.ms(WRITING["fold"], 0.99),
        behind=len(service.decisions),
        dropped=service.decisions.dropped,
        newest=text(newest) if newest else "",
    )


def _slot(at: int, grown: Grown) -> Slot:
    shed = grown.number("sixfold_shed_total")
    wrong = grown.number(
        "sixfold_http_requests_total", lambda labels: labels[0] in ROUTES and labels[1].startswith("5")
    )
    return Slot(
        at=at,
        requests=grown.number("sixfold_http_seconds", _decides),
        p99_ms=grown.ms("sixfold_http_seconds", 0.99, _decides),
        fallbacks=grown.number("sixfold_fallbacks_total"),
        shed=shed,
        failed=max(wrong - shed, 0),
    )


def _standing(service: Service, minute: Grown) -> list[Standing]:
    """What is not as designed: first what is so at this moment, then what was within the last seconds."""
    out = []
    if service.link is not None and not service.link.up:
        out.append(_now("writer", "events are refused, slates come from the state as it was", "the writer is away"))
    if minute.number("sixfold_releases_refused_total"):
        out.append(_now("release", f"{service.engine.release.id} goes on", "the published release is not fit to serve"))
    newest: dict[tuple[str, str], Note] = {}
    for note in sorted(service.doing.notes, key=lambda note: note.at):
        newest[note.stage, note.fallback] = note
    for (stage, fallback), note in newest.items():
        count = minute.number("sixfold_fallbacks_total", lambda labels, of=(stage, fallback): labels == of)  # type: ignore[misc]
        ago = max(time.time() - note.at, 0)
        out.append(Standing(stage=stage, fallback=fallback, reason=note.reason, ago_s=ago, count=count))
    return out


def _now(stage: str, fallback: str, reason: str) -> Standing:
    return Standing(stage=stage, fallback=fallback, reason=reason, ago_s=0, count=0)


def _trial(service: Service) -> Trial:
    release, state = service.engine.release, service.engine.state
    design, contexts = release.design, list(release.features.contexts)
    if design.estimates:
        keys = {entity: _some(state, entity) for entity in release.features.entities(None)}
        return Trial(member=design.estimate.of, item="", members=[], keys=keys, contexts=contexts, k=0)
    members = _some(state, design.member)
    return Trial(
        member=design.member, item=design.item, members=members, keys={}, contexts=contexts, k=design.slate.size
    )


def _some(state: State, entity: str) -> list[str]:
    """Ids of an entity that the state knows, the first ones."""
    return [name.decode() for name in state.ids[entity].names()[:MEMBERS].tolist()]
