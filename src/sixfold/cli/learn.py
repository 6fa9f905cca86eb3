"""Commands that learn and judge: train, evaluate, check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from ..evaluation.results import Measures
    from ..release import Release
    from ..workspace import Workspace


@click.command()
@click.option("--quick", is_flag=True, help="Fewer trees and a third of the asks: for a first look.")
@click.option("--force", is_flag=True, help="Publish the release though the gate fails.")
@in_dir
@as_json
def train(quick: bool, force: bool, folder: Path, machine: bool) -> None:
    """Train, judge beside the baselines, write a release; CURRENT moves only if the gate passes. Exit 1 where it fails.

    \b
    sixfold train --quick --dir my-video
    """
    from .. import journey
    from ..training.cache import Cache
    from ..training.run import Stages
    from ..workspace import Workspace
    from ..worlds.kept import kept
    from . import show

    workspace = Workspace(folder)
    click.get_current_context().with_resource(workspace.training())
    out, progress = show.console(), Progress(quiet=machine)
    rows = show.Rows(out, quiet=machine)
    design = journey.quick(workspace.design) if quick else workspace.design
    champion = _champion(workspace)
    world = kept(workspace.folder)

    def row(name: str, measures: Measures) -> None:
        progress.clear()
        rows(name, measures)

    trained = journey.train(
        design, workspace.batches(), into=workspace.releases, cache=Cache(workspace.cache), champion=champion,
        world=world.truth() if world else None, stages=Stages(tell=progress), row=row,
    )  # fmt: skip
    progress.clear()
    if trained.gate.passed or force:
        workspace.promote(trained.release.id)
    if machine:
        emit({"release": trained.release.id, "gate": trained.gate, "evaluation": trained.evaluation})
    else:
        for reason in trained.gate.reasons:
            out.print(f"gate {reason}", highlight=False)
        verdict = "published as CURRENT" if trained.gate.passed or force else "written, not published"
        out.print(f"release {trained.release.id} {verdict}", style="bold")
    sys.exit(0 if trained.gate.passed or force else 1)


def _champion(workspace: Workspace) -> Release | None:
    """The published release, None where there is none; one that cannot be read is no reason not to train the next."""
    from ..errors import ReleaseError

    if not workspace.current_id():
        return None
    try:
        return workspace.current()
    except ReleaseError as error:
        click.echo(f"the published release cannot be compared with: {error}", err=True)
        return None


@click.command()
@in_dir
@as_json
def evaluate(folder: Path, machine: bool) -> None:
    """Every metric of the published release with its interval, by slice, beside the baselines.

    \b
    sixfold evaluate --dir my-video
    """
    from .. import journey
    from ..training.cache import Cache
    from ..training.run import Stages
    from ..workspace import Workspace
    from ..worlds.kept import kept
    from . import show

    workspace, progress = Workspace(folder), Progress(quiet=machine)
    world = kept(workspace.folder)
    found = journey.evaluate(
        workspace.current(), workspace.batches(), cache=Cache(workspace.cache),
        world=world.truth() if world else None, stages=Stages(tell=progress),
    )  # fmt: skip
    progress.clear()
    if machine:
        emit(found)
    else:
        show.evaluation(show.console(), found)


@click.command()
@click.option("--load", is_flag=True, help="First put load on a service of the release, on a copy of the workspace.")
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(min=1), help="How long, with --load.")
@in_dir
@as_json
def check(load: bool, seconds: float, folder: Path, machine: bool) -> None:
    """Each number of the design against its measurement; exit 1 where one is short.

    \b
    sixfold check --dir my-video
    sixfold check --load            # measures latency, throughput and freshness, too
    """
    from .. import journey
    from ..evaluation.check import failed
    from ..scaling import drill, measured
    from ..scaling import kept as load_results
    from ..workspace import Workspace
    from . import show

    workspace = Workspace(folder)
    release = workspace.current()
    if load:
        import numpy as np

        progress = Progress(quiet=machine)
        found = measured.measure(workspace, seconds=seconds, rng=np.random.default_rng(0), tell=progress)
        progress.clear()
        load_results.write(workspace, measured.FILE, found)
        for remark in found.remarks:
            click.echo(f"note: {remark}", err=True)
    served = load_results.read(workspace, measured.FILE, measured.Measured)
    numbers = {name: number.interval for name, number in served.numbers.items()} if served else {}
    drilled = load_results.read(workspace, drill.FILE, drill.Drill)
    if drilled and drilled.sent:
        numbers["availability"] = measured.share(drilled.available, drilled.sent).interval
    judged = journey.verdicts(release, numbers)
    if machine:
        emit([{"path": path, "verdict": verdict} for path, verdict in judged])
    else:
        show.verdicts(show.console(), judged)
    sys.exit(1 if failed(judged) else 0)
