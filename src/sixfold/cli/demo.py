"""`sixfold demo`: the whole journey on a simulated world, each step said before it runs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import click

MEMBERS, DAYS = 1200, 16
STRANGER = "m7"


@click.command()
@click.argument("system", default="video")
@click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True
)
@click.option("--members", default=MEMBERS, show_default=True)
@click.option("--days", default=DAYS, show_default=True)
@click.pass_context
def demo(ctx: click.Context, system: str, folder: Path, members: int, days: int) -> None:
    """World, train, evaluate, check, a slate explained, a report, a service: in a fresh folder, in about a minute.

    \b
    sixfold demo video
    """
    from . import learn, start, use

    start_time = time.perf_counter()
    if not (folder / "design.py").exists():
        _say(f"sixfold new {system} --dir {folder}")
        ctx.invoke(start.new, system=system, source=None, more=(), folder=folder, machine=False)
    _say(
        f"sixfold world {system} --members {members} --days {days}",
        "members with drifting tastes, and a truth to judge by",
    )
    ctx.invoke(
        start.world, name=system, members=members, days=days, difficulty="middle", seed=0, folder=folder, machine=False
    )
    _say("sixfold validate", "does the design add up, and can this log feed it?")
    _run(ctx, start.validate, folder)
    _say("sixfold train", "retrievers, then the ranker; each system's line as it finishes")
    _run(ctx, learn.train, folder, quick=False, force=False)
    _say("sixfold evaluate", "the same test part for all; intervals by bootstrap over members")
    _run(ctx, learn.evaluate, folder)
    _say("sixfold check", "each number that the design asks for")
    _run(ctx, learn.check, folder)
    _say(f"sixfold recommend --member {STRANGER} --k 8 --explain")
    _run(ctx, use.recommend, folder, member=STRANGER, k=8, context=("device=tv",), exclude=(), explain=True)
    _say("sixfold report")
    _run(ctx, use.report, folder, out=None)
    _served(folder)
    click.echo(
        f"\nall of it took {time.perf_counter() - start_time:.0f} s; the workspace is {folder}/, its design {folder}/design.py"
    )


def _served(folder: Path) -> None:
    """The release as a service, asked once over HTTP."""
    import json

    from ..scaling.served import free_port, running

    port = free_port()
    _say(f"sixfold serve --port {port}", "the same slate over HTTP; events posted to it are learned from tomorrow")
    with running(folder, port=port) as served:
        body = json.dumps({"member": STRANGER, "k": 3, "context": {"device": "tv"}, "timing": True})
        _say(f"curl {served.url}/v1/recommend -H 'content-type: application/json' -d '{body}'")
        served.post("/v1/recommend", body.encode())  # the first answer of a process warms it
        click.echo(served.post("/v1/recommend", body.encode()).decode())


def _say(command: str, why: str = "") -> None:
    click.secho(f"\n$ {command}" + (f"   # {why}" if why else ""), bold=True)


def _run(ctx: click.Context, command: click.Command, folder: Path, **given: object) -> None:
    """One step; a check that fails is part of what a demo shows, and does not end it."""
    with contextlib.suppress(SystemExit):
        ctx.invoke(command, folder=folder, machine=False, **given)
