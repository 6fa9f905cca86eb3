"""A workspace for a live run: a shipped design that explores, a world's log of some days, and a first release."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from .. import beginning
from ..errors import DataError
from ..types import DAY
from ..workspace import Workspace
from ..worlds.alive import Knobs
from ..worlds.kept import keep, kept
from .results import Training

EDITS = """

# For `sixfold live`: some places are left to chance, outcomes count soon, and what is learned from and judged by is new.
from msgspec.structs import replace

design = replace(
    design,
    problem=replace(design.problem, decides=replace(design.problem.decides, explore={explore})),
    requirements=replace(design.requirements, window="2h"),
    learning=replace(design.learning, split=Split({split})),
)
"""
SPLIT = "retrievers=0.75, ranker=0.15, calibration=0.03, test=0.07"

Train = Callable[[Workspace, bool], Training]


def made(
    folder: Path, name: str, world: Knobs, *, warm_up: int, explore: float, train: Train, say: Callable[[str], None]
) -> Knobs:
    """What is missing of a live workspace is made: design, log, first release. Gives the world that its log comes from."""
    workspace, beside = Workspace(folder), folder / "live"
    if not (folder / "design.py").exists():
        beginning.from_system(name, folder)
        with (folder / "design.py").open("a") as file:
            file.write(EDITS.format(explore=explore, split=SPLIT))
    if not workspace.log_path.exists():
        say(f"a world of {world.members:,} members; {warm_up} days of log by its earlier system")
        _fill(workspace, world, warm_up)
        beside.mkdir(exist_ok=True)
        keep(beside, name, world)
    found = kept(beside) or kept(folder)
    if not isinstance(found, Knobs):
        raise DataError(f"the log of {folder} comes from no world that is known; choose another --dir")
    if not workspace.design.slate.explore:
        raise DataError(
            f"the design of {folder} leaves no place to chance, so its service learns only what it knows; "
            "set problem.decides.explore to 0.05 or so in design.py and train again"
        )
    if workspace.current_id() is None:
        say("training the first release")
        train(workspace, True)
    return found


def first_midnight(workspace: Workspace) -> int:
    """The midnight at which the live days begin: the first one after the last decision of the log, us."""
    last = max((int(events.decisions["ts"].max(initial=0)) for events in workspace.batches()), default=0)
    return (last // DAY + 1) * DAY


def _fill(workspace: Workspace, world: Knobs, days: int) -> None:
    with workspace.log(create=True) as log:
        # The first batch is what is known at the start.
        for events in islice(world.events(), 1 + days):
            log.append(events)
