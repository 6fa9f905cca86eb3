"""`sixfold drill`: each part of the service broken in turn, under load, and what users got."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from ..scaling.drill import Drill, Trial


@click.command()
@click.option("--rate", default=50.0, show_default=True, type=click.FloatRange(min=1), help="Requests a second.")
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(min=0.5), help="Of each trouble.")
@click.option("--seed", default=0, show_default=True)
@in_dir
@as_json
def drill(rate: float, seconds: float, seed: int, folder: Path, machine: bool) -> None:
    """Kill, stop and slow each part of the service in turn, on a copy of the workspace; exit 1 where requests are lost.

    Judged are candidates, ranking and the writer. A worker's line shows what a client without a second try loses.

    \b
    sixfold drill --rate 50 --seconds 5
    """
    import numpy as np

    from ..scaling import drill as drills
    from ..scaling import kept
    from ..workspace import Workspace

    workspace, progress = Workspace(folder), Progress(quiet=machine)
    found = drills.drill(workspace, rate=rate, seconds=seconds, rng=np.random.default_rng(seed), tell=progress)
    progress.clear()
    path = kept.write(workspace, drills.FILE, found)
    if machine:
        emit(found)
    else:
        _tell(found)
        click.echo(f"wrote {path}")
    sys.exit(1 if found.short else 0)


def _tell(found: Drill) -> None:
    from rich.table import Table

    from . import show

    table = Table("part", "trouble", "asked", "answered", "in time", "degraded", "p99", "normal after", "fell back")
    for one in found.trials:
        table.add_row(*_row(one), style="red" if one in found.short else "")
    show.console().print(table)
    click.echo(
        f"{found.available:.3%} of {found.sent:,} requests were answered within {found.deadline_ms:g} ms while candidates, "
        f"ranking or the writer was in trouble; required are {found.required:.1%} in each trial"
    )


def _row(one: Trial) -> list[str]:
    back = "not seen" if one.back_s is None else f"{one.back_s:.2f} s"
    p99 = "-" if one.p99_ms is None else f"{one.p99_ms:.1f} ms"
    return [
        one.part, one.fault, f"{one.sent:,}", f"{one.answered:.2%}", f"{one.within:.2%}", f"{one.degraded:.1%}", p99, back,
        ", ".join(sorted({name.partition(":")[0] for name in one.fallbacks})),
    ]  # fmt: skip
