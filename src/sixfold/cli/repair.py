"""`sixfold repair`: what is whole of a damaged log."""

from __future__ import annotations

from pathlib import Path

import click

from .common import as_json, emit, in_dir


@click.command()
@in_dir
@as_json
def repair(folder: Path, machine: bool) -> None:
    """Keep every whole batch of a damaged log, say which are lost, put the damaged file aside. A service does so by itself.

    \b
    sixfold repair --dir my-video
    """
    from ..events.repair import repair as mend
    from ..workspace import Workspace

    path = Workspace(folder).log_path
    done = mend(path)
    if machine:
        emit(done)
    else:
        click.echo(str(done) if done else f"{path} is whole")
