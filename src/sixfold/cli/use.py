"""Commands that use what was trained: recommend, estimate, report, releases, verify-skew, doctor."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from ..workspace import Workspace


@click.command()
@click.option("--member", required=True, help="The id of who asks; a stranger gets what strangers get.")
@click.option("--k", default=None, type=click.IntRange(1, 1000), help="Length of the slate; default: the design's.")
@click.option("--context", multiple=True, help="name=value, such as device=tv; may be repeated.")
@click.option("--exclude", multiple=True, help="Item that may not be shown; may be repeated.")
@click.option("--explain", is_flag=True, help="Say where each item came from and what set it apart.")
@in_dir
@as_json
def recommend(
    member: str,
    k: int | None,
    context: tuple[str, ...],
    exclude: tuple[str, ...],
    explain: bool,
    folder: Path,
    machine: bool,
) -> None:
    """A slate for a member from the published release, as of now (the end of the log).

    \b
    sixfold recommend --member m17 --k 20 --explain
    """
    from ..asking import recommend as ask
    from ..workspace import Workspace
    from . import show

    named = dict(pair.split("=", 1) for pair in context if "=" in pair)
    if len(named) != len(context):
        raise click.UsageError(f"--context is {context}; write name=value, such as --context device=tv")
    answer = ask(Workspace(folder), member, k=k, context=named, exclude=exclude, explained=explain)
    if machine:
        emit(answer)
    else:
        show.slate(show.console(), answer, explained=explain)


@click.command()
@click.option(
    "--context", required=True, help='JSON of what is known, such as {"store": "s12", "drop": [52.37, 4.89]}.'
)
@click.option("--explain", is_flag=True, help="Say what sets it apart.")
@in_dir
@as_json
def estimate(context: str, explain: bool, folder: Path, machine: bool) -> None:
    """How long it takes, by the published release, as of now (the end of the log).

    \b
    sixfold estimate --context '{"store": "s12", "drop": [52.37, 4.89], "items": 3}' --explain
    """
    import json

    from ..asking import estimate as ask
    from ..workspace import Workspace
    from . import show

    try:
        given = json.loads(context)
    except ValueError as error:
        raise click.UsageError(f"--context is no JSON ({error}); write an object in single quotes") from error
    if not isinstance(given, dict):
        raise click.UsageError(f"--context is {context}; write a JSON object such as {{}}")
    told = ask(Workspace(folder), given, explained=explain)
    if machine:
        emit(told)
    else:
        show.told(show.console(), told)


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: reports/<release>.html.")
@in_dir
@as_json
def report(out: Path | None, folder: Path, machine: bool) -> None:
    """One self-contained HTML page: the six steps, what was measured, the verdicts.

    \b
    sixfold report --dir my-video
    """
    from .. import journey
    from ..lint import lint
    from ..questions import kept
    from ..report import page
    from ..workspace import Workspace

    workspace = Workspace(folder)
    release = workspace.current()
    html = page.render(
        release.design,
        journey.evaluation_of(release),
        verdicts=journey.verdicts(release),
        manifest=release.manifest,
        findings=lint(release.design),
        answers=kept.read(workspace.reports, release.design.name),
    )
    path = out or workspace.reports / f"{release.id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html)
    emit({"report": str(path)}) if machine else click.echo(f"wrote {path} ({len(html) / 1024:.0f} KiB)")


@click.command()
@click.argument("action", type=click.Choice(["list", "show", "promote", "rollback"]), default="list")
@click.argument("number", required=False)
@in_dir
@as_json
def releases(action: str, number: str | None, folder: Path, machine: bool) -> None:
    """List releases, show one, publish one, or go back to the one before.

    \b
    sixfold releases
    sixfold releases show 3f2a
    sixfold releases promote 3f2a
    sixfold releases rollback
    """
    from ..workspace import Workspace
    from . import show

    workspace = Workspace(folder)
    if action in ("show", "promote") and number is None:
        raise click.UsageError(f"name the release: sixfold releases {action} ID")
    match action:
        case "list":
            listed = workspace.listed()
            emit(listed) if machine else show.releases(show.console(), listed)
        case "show":
            found = workspace.release(str(number))
            emit({"manifest": found.manifest, "metrics": found.metrics}) if machine else show.release(
                show.console(), found
            )
        case "promote":
            found = workspace.release(str(number))
            workspace.promote(found.id)
            emit({"current": found.id}) if machine else click.echo(f"release {found.id} is CURRENT")
        case "rollback":
            back = workspace.rollback()
            emit({"current": back}) if machine else click.echo(f"rolled back: release {back} is CURRENT")


@click.command("verify-skew")
@click.option(
    "--most", default=None, type=click.IntRange(1), help="Compare only the last so many rows (all are folded)."
)
@click.option("--served", is_flag=True, help="Compare what the service served, a sample of its slates, with the log.")
@in_dir
@as_json
def verify_skew(most: int | None, served: bool, folder: Path, machine: bool) -> None:
    """Replay the log through the online state and compare with batch: every row, every feature. Exit 1 where they differ.

    \b
    sixfold verify-skew --dir my-video
    sixfold verify-skew --served
    """
    from ..evaluation.skew import verify_log
    from ..workspace import Workspace

    if served:
        _verify_served(Workspace(folder), machine=machine)
    workspace, progress = Workspace(folder), Progress(quiet=machine)
    start = time.perf_counter()
    found = verify_log(
        workspace.design, list(workspace.batches()), most=most, progress=lambda i, n: progress("replay", i, n)
    )
    progress.clear()
    if machine:
        emit(found)
    else:
        for difference in found.differences:
            click.echo(str(difference))
        verdict, seconds = "differ" if found else "no difference", time.perf_counter() - start
        click.echo(f"{verdict}: {found.rows:,} rows x {found.columns} features, online against batch, {seconds:.1f} s")
    sys.exit(1 if found else 0)


def _verify_served(workspace: Workspace, *, machine: bool) -> None:
    """Feature values as they were served against the log; ends the command."""
    from ..evaluation.served import verify
    from ..features.served import decode

    with workspace.log() as log:
        found = verify(workspace.current(), list(log.read()), [decode(body) for body in log.kept()])
    if machine:
        emit(found)
    else:
        for difference in found.skew.differences:
            click.echo(str(difference))
        verdict = "differ" if found else "no difference"
        click.echo(
            f"{verdict}: {found.decisions:,} served slates, {found.skew.rows:,} rows x {found.skew.columns} features; "
            f"late events explain {found.late}"
        )
    sys.exit(1 if found else 0)


@click.command()
@in_dir
@as_json
def doctor(folder: Path, machine: bool) -> None:
    """What this installation has and lacks, and whether the settled part of the log is whole; exit 4 where something is wrong.

    \b
    sixfold doctor
    sixfold doctor --dir my-video
    """
    from ..doctor import examine
    from ..workspace import Workspace

    found = examine(Workspace(folder).log_path)
    if machine:
        emit(found)
    else:
        for one in found:
            click.echo(f"{'ok  ' if one.ok else 'MISS'} {one.name:<12} {one.detail}")
    sys.exit(0 if all(one.ok for one in found) else 4)
