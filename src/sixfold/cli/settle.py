"""Commands that keep the log in order: settle, forget."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from .common import as_json, emit, in_dir


@click.command()
@click.option("--before", default="1d", show_default=True, help="Only what was accepted longer ago than this.")
@click.option(
    "--keep", default=None, help="Drop settled days older than this, such as 180d, counted from the newest event."
)
@in_dir
@as_json
def settle(before: str, keep: str | None, folder: Path, machine: bool) -> None:
    """Move old batches of the log into Parquet by day, under events/settled; let old ids go. Stop the service first.

    With --keep, old days are dropped: decisions and outcomes, and entity events that newer ones replace.

    \b
    sixfold settle --dir my-video
    sixfold settle --before 2d --keep 180d
    """
    from .. import durations
    from ..events import retention, settling
    from ..workspace import Workspace

    now = time.time_ns() // 1000
    spans = durations.parse(before), durations.parse(keep) if keep else None
    with Workspace(folder).log() as log:
        moved = settling.settle(log, now=now, before=spans[0])
        dropped = retention.retain(log, now=now, keep=spans[1]) if spans[1] else None
    if machine:
        emit({"settled": moved, "dropped": dropped})
    else:
        click.echo(str(moved))
        if dropped is not None:
            click.echo(str(dropped))


@click.command()
@click.argument("kind")
@click.argument("ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_dir
@as_json
def forget(kind: str, ids: tuple[str, ...], yes: bool, folder: Path, machine: bool) -> None:
    """Take a member, or whatever KIND the log has, out of log, settled part, state, caches and quarantine; prints a receipt.

    Stop the service first. If it is cut short, run it again. Releases that were trained before are named, with what to do.

    \b
    sixfold forget member m17 --dir my-video
    sixfold forget member m17 m18 --yes
    """
    from ..forgetting import forget as forgotten
    from ..workspace import Workspace

    if not yes:
        click.confirm(f"every event of {kind} {', '.join(ids)} is removed for good; go on?", abort=True, err=True)
    receipt, path = forgotten(Workspace(folder), kind, ids, now=time.time_ns() // 1000, salt=os.urandom(16))
    if machine:
        emit(receipt)
        return
    counts = ", ".join(f"{n:,} {table}" for table, n in receipt.events.items()) or "no event"
    click.echo(f"forgotten: {counts}; {receipt.quarantine:,} quarantined lines; state {receipt.state}")
    for holding in receipt.releases:
        click.echo(f"release {holding.release}{' (CURRENT)' if holding.current else ''}: {holding.todo}")
    for column, n in receipt.still_quoted.items():
        click.echo(f"{n:,} values of {column} are the same text and stay")
    click.echo(f"receipt {path}")
