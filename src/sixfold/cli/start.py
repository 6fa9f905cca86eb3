"""Commands that begin: a workspace, its log, and whether both are sound."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Literal

import click
import msgspec

from .common import Progress, as_json, emit, in_dir


@click.command()
@click.argument("system", required=False)
@click.option(
    "--from", "source", type=click.Path(exists=True, path_type=Path), help="Your own tables; name all of them."
)
@click.option(
    "--as",
    "reading",
    type=click.Choice(["estimate", "slate"]),
    help="What a table that may be read in two ways is for.",
)
@click.argument("more", nargs=-1, type=click.Path(exists=True, path_type=Path))
@in_dir
@as_json
def new(
    system: str | None,
    source: Path | None,
    reading: Literal["estimate", "slate"] | None,
    more: tuple[Path, ...],
    folder: Path,
    machine: bool,
) -> None:
    """A workspace: a design to edit, from a shipped system or guessed from your own files.

    \b
    sixfold new video --dir my-video
    sixfold new --from ratings.csv items.csv users.csv --dir mine
    sixfold new --from orders.csv stores.csv --dir mine
    """
    from .. import beginning, systems

    if source is not None:
        if system in systems.NAMES and not Path(system).exists():
            # A shipped system's name beside files says what they are for.
            reading, system = reading or beginning.reading_of(system), None
        files = [source, *([Path(system)] if system else []), *more]
        begun = beginning.from_files(files, folder, reading=reading)
    elif system is not None:
        begun = beginning.from_system(system, folder)
    else:
        raise click.UsageError("name a system, such as 'sixfold new video', or your files with --from")
    if machine:
        emit(begun)
        return
    click.echo("\n".join(begun.lines))


@click.command()
@click.argument("name", default="video")
@click.option("--members", default=None, type=click.IntRange(1), help="Members of a world that has some; 2000.")
@click.option("--days", default=21, show_default=True, help="Days it runs.")
@click.option("--knob", "knobs", multiple=True, help="name=number, any other knob of the world; may be repeated.")
@click.option("--difficulty", type=click.Choice(["easy", "middle", "hard"]), default="middle", show_default=True)
@click.option("--seed", default=0, show_default=True)
@in_dir
@as_json
def world(
    name: str,
    members: int | None,
    days: int,
    knobs: tuple[str, ...],
    difficulty: str,
    seed: int,
    folder: Path,
    machine: bool,
) -> None:
    """Fill the log from a simulated world, which knows the truth that models are judged by.

    \b
    sixfold world video --members 5000 --days 30
    sixfold world delivery --days 30 --knob orders_per_day=2000
    """
    from ..beginning import fill
    from ..errors import DataError, nearest
    from ..workspace import Workspace
    from ..worlds.kept import WORLDS

    if name not in WORLDS:
        raise DataError(f"there is no world {name!r}; {nearest(name, WORLDS)}")
    progress = Progress(quiet=machine)
    given: dict[str, object] = {"days": days, "difficulty": difficulty, "seed": seed, **_knobs(knobs)}
    if "members" in WORLDS[name].__struct_fields__:
        given["members"] = members or 2000
    elif members is not None:
        raise click.UsageError(f"--members is {members}, but the world {name!r} has none; leave it out")
    try:
        wanted = msgspec.convert(given, WORLDS[name])
    except msgspec.ValidationError as error:
        raise click.UsageError(f"the world {name!r} has no such knob: {error}") from error
    filled = fill(Workspace(folder), name, wanted, tell=progress)
    progress.clear()
    if machine:
        emit(filled)
    else:
        click.echo(
            f"{filled['events']:,} events, {filled['decisions']:,} decisions, {filled['impressions']:,} impressions "
            f"in the log of {folder}"
        )


def _knobs(given: tuple[str, ...]) -> dict[str, object]:
    """What `--knob` says, a dot going one level down: shocks.storm=20."""
    out: dict[str, object] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals and value.lstrip("-").replace(".", "", 1).isdigit()):
            raise click.UsageError(f"--knob is {pair!r}; write name=number, such as --knob seed=3")
        number = float(value)
        outer, dot, inner = name.partition(".")
        exact: object = int(number) if number.is_integer() else number
        if dot:
            out.setdefault(outer, {})[inner] = exact  # type: ignore[index]
        else:
            out[outer] = exact
    return out


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--map", "mapping", type=click.Path(exists=True, path_type=Path), help="Default: mapping.toml of the workspace."
)
@click.option("--replay", is_flag=True, help="FILES is a quarantine: read it again, keep what still fails.")
@in_dir
@as_json
def ingest(files: tuple[Path, ...], mapping: Path | None, replay: bool, folder: Path, machine: bool) -> None:
    """Read CSV, JSONL or Parquet into the log. What was read before is left out; bad rows are kept apart with a reason.

    JSONL of native events, one an object and line, needs no mapping.

    \b
    sixfold ingest clicks.parquet --map mapping.toml
    sixfold ingest events.jsonl
    sixfold ingest events/quarantine.jsonl --replay
    """
    from ..events.native import is_native
    from ..ingest import ingest as read_in
    from ..ingest import ingest_native as read_native
    from ..ingest import replay as read_again
    from ..workspace import Workspace

    progress = Progress(quiet=machine)
    workspace = Workspace(folder)
    given, mapping = mapping, mapping or folder / "mapping.toml"
    now = time.time_ns() // 1000
    if replay:
        taken = [read_again(workspace, path, mapping, now=now) for path in files]
    else:
        taken = [
            read_native(workspace, path, now=now, tell=progress)
            if given is None and is_native(path)
            else read_in(workspace, path, mapping, now=now, tell=progress)
            for path in files
        ]
    progress.clear()
    if machine:
        emit(taken)
        return
    for one in taken:
        click.echo("\n".join([str(one), *one.details()]))


@click.command()
@in_dir
@as_json
def validate(folder: Path, machine: bool) -> None:
    """Check the design and the data before anything slow; exit 1 where something must be mended.

    \b
    sixfold validate --dir my-video
    """
    from ..lint import lint
    from ..training.material import prepare
    from ..training.validate import lint_data
    from ..workspace import Workspace
    from .show import findings as shown

    workspace = Workspace(folder)
    found = lint(workspace.design)
    if workspace.log_path.exists() and not any(finding.level == "error" for finding in found):
        found += lint_data(workspace.design, prepare(workspace.design, workspace.batches()))
    if machine:
        emit(found)
    else:
        shown(found, log=workspace.log_path.exists())
    sys.exit(any(finding.level == "error" for finding in found))
