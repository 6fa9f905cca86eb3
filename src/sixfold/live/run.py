"""A whole live run, from nothing to its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..errors import DesignError
from ..types import DAY
from ..workspace import Workspace
from ..worlds.alive import ALIVE, Knobs
from .loop import Loop
from .making import first_midnight, made
from .results import Day, Report
from .rivals import Rivals
from .running import serving, train


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A live run as it is asked for; `world` and `explore` count where the workspace is made by it."""

    folder: Path
    name: str
    days: int
    shift_day: int | None
    world: Knobs
    warm_up: int
    explore: float

    def __post_init__(self) -> None:
        if self.shift_day is not None and not 1 <= self.shift_day <= self.days:
            raise DesignError(f"the shift is on day {self.shift_day} of {self.days}; give one from 1 to {self.days}")


def run(
    wanted: Wanted,
    *,
    day: Callable[[Day], None],
    say: Callable[[str], None] = lambda text: None,
    tell: Callable[[str, int, int], None] = lambda *_: None,
) -> Report:
    """Live for some days; `day` is called with each as it ends. The report is also in `reports/live.json`."""
    world = made(
        wanted.folder, wanted.name, wanted.world, warm_up=wanted.warm_up, explore=wanted.explore, train=train, say=say
    )
    workspace = Workspace(wanted.folder)
    start, frozen, days = first_midnight(workspace), workspace.current(), list[Day]()
    shift_at = None if wanted.shift_day is None else start + (wanted.shift_day - 1) * DAY
    alive = ALIVE[wanted.name].of(world, shift_at=shift_at)
    for events in workspace.batches():
        alive.remember(events)
    alive.forget(start)
    with serving(wanted.folder) as client:
        loop = Loop(workspace, alive, client, Rivals(workspace, frozen, world.seed), start, train, tell)
        for number in range(1, wanted.days + 1):
            shifted = wanted.shift_day is not None and number >= wanted.shift_day
            days.append(loop.day(number, shifted=shifted))
            day(days[-1])
            report = Report(
                world=wanted.name, seed=world.seed, explore=frozen.design.slate.explore,
                shift_day=wanted.shift_day, frozen=frozen.id, days=days,
            )  # fmt: skip
            _write(workspace.reports / "live.json", report)
        report = msgspec.structs.replace(report, last=loop.trained())
    _write(workspace.reports / "live.json", report)
    return report


def _write(path: Path, report: Report) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
