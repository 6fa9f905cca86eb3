"""How a workspace begins: from a shipped system, from a user's own tables, or filled by a world."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from . import systems
from .design import Design
from .errors import DataError, nearest
from .loading import load
from .workspace import Workspace
from .worlds.kept import World, keep, kept

if TYPE_CHECKING:
    from .events.infer import Reading

QUESTIONS = (
    ("What is a success?", "requirements.label"),
    ("How soon after being shown must it come to count?", "requirements.window"),
    ("How many are shown at once, and when again?", "problem.decides"),
    ("How many requests come, and how fast must the answer be?", "requirements.requests_per_s, p99_ms"),
    ("What must not get worse?", "metrics.guardrails"),
)
"""The clarifying questions; each names the field that its answer sets."""


class Begun(msgspec.Struct, frozen=True):
    """What was written, and what to tell the user."""

    files: list[str]
    lines: list[str]


def from_system(name: str, folder: Path) -> Begun:
    """A workspace with a copy of a shipped system's design. Raises DataError where one is there already."""
    if name not in systems.NAMES:
        raise DataError(f"there is no system {name!r}; {nearest(name, systems.NAMES)}")
    path = _free(folder / "design.py")
    path.write_text(systems.source(name))
    lines = [f"wrote {path}", "", *_questions(Workspace(folder)), "", *_next(folder, f"sixfold world {name}")]
    return Begun([str(path)], lines)


def _questions(workspace: Workspace) -> list[str]:
    """The five questions with what the design assumes for each."""
    design = workspace.design
    if design.estimates:
        return _of_estimates(design)
    slate, needs = design.slate, design.requirements
    again = f"seen ones again after {slate.seen_again_after}" if slate.seen_again_after else "seen ones never again"
    answers = (
        f"{needs.label}",
        f"within {needs.window}",
        f"{slate.size} of {slate.of}, {again}",
        f"{needs.requests_per_s:g} requests/s, p99 {needs.p99_ms:g} ms",
        ", ".join(map(str, design.metrics.guardrails)) or "nothing yet",
    )
    out = ["Assumed until you say otherwise, in design.py:"]
    for (question, field), answer in zip(QUESTIONS, answers, strict=True):
        out.append(f"  {question:<58} {answer:<44} ({field})")
    return out


def _of_estimates(design: Design) -> list[str]:
    """What a design of estimates assumes."""
    told, needs = design.estimate.promise, design.requirements
    asked = (
        ("What is estimated?", f"seconds until {needs.label}, of each {design.estimate.of}", "requirements.label"),
        ("When is it lost, if it does not come?", f"after {needs.window}", "requirements.window"),
        ("What does a minute cost?", f"{told.late_per_min:g} late, {told.early_per_min:g} early", "problem.decides.promise"),
        ("How many requests come, and how fast must the answer be?",
         f"{needs.requests_per_s:g} requests/s, p99 {needs.p99_ms:g} ms", "requirements.requests_per_s, p99_ms"),
    )  # fmt: skip
    lines = (f"  {question:<58} {answer:<44} ({field})" for question, answer, field in asked)
    return ["Assumed until you say otherwise, in design.py:", *lines]


def _next(folder: Path, fill_with: str) -> list[str]:
    where = "" if folder == Path() else f" --dir {folder}"
    return ["Next:", f"  {fill_with}{where}", f"  sixfold validate{where}", f"  sixfold train{where}"]


def _free(path: Path) -> Path:
    if path.exists():
        raise DataError(f"{path} exists already; choose another --dir or move it away")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def fill(
    workspace: Workspace, name: str, world: World, *, tell: Callable[[str, int, int], None] = lambda *_: None
) -> dict[str, int]:
    """Append all events of a world to the log; counts of what is new."""
    known = kept(workspace.folder)
    if known is not None and known != world:
        raise DataError(
            f"the log of {workspace.folder} came from another world; choose another --dir or delete events/"
        )
    workspace.folder.mkdir(parents=True, exist_ok=True)
    counts = {"events": 0, "decisions": 0, "impressions": 0, "duplicates": 0}
    with workspace.log(create=True) as log:
        keep(workspace.folder, name, world)
        for day, events in enumerate(world.events()):
            done = log.append(events)
            counts["events"] += done.accepted
            counts["decisions"] += len(events.decisions["ts"]) if done.accepted else 0
            counts["impressions"] += len(events.shown["item"]) if done.accepted else 0
            counts["duplicates"] += done.duplicates
            tell("world", day, world.days)
    return counts


def reading_of(system: str) -> Reading:
    """How tables are read to begin a system like a shipped one."""
    return "estimate" if load(Path(systems.__file__).parent / f"{system}.py").estimates else "slate"


def from_files(files: list[Path], folder: Path, *, reading: Reading | None = None) -> Begun:
    """A workspace from a user's tables: roles and joins inferred, a mapping and a design written, the log filled.

    A table that may be of times or of what members did is read by `reading`, else as its names say.
    """
    import time

    from .events.infer import infer
    from .events.mapping_toml import write_mapping
    from .inferred import design_text
    from .ingest import ingest

    design_path, mapping_path = _free(folder / "design.py"), _free(folder / "mapping.toml")
    found = infer(files, reading=reading)
    mapping_path.write_text(write_mapping(found.mapping, comments=found.comments()))
    workspace = Workspace(folder)
    lines = [
        f"wrote {mapping_path}",
        *(f"  {guess}" for guess in found.guesses),
        *(f"  {join}" for join in found.joins),
        "",
    ]
    for path in files:
        if found.mapping.tables_for(path):
            taken = ingest(workspace, path, mapping_path, now=time.time_ns() // 1000)
            lines += [str(taken), *taken.details()]
    design_path.write_text(design_text(found, workspace))
    lines += ["", f"wrote {design_path}", "", *_questions(workspace), "", *_next(folder, "sixfold ingest MORE-FILES")]
    return Begun([str(mapping_path), str(design_path)], lines)
