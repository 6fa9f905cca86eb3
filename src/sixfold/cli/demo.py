"""`sixfold demo`: the whole journey on a simulated world, each step said before it runs."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..scaling.served import Served

MEMBERS, DAYS = 1200, 16
STRANGER = "m7"
ORDERS = "orders_per_day=1500"
ORDER = {
    "store": "s12",
    "drop": [52.37, 4.89],
    "items": 3,
    "subtotal": 42,
    "driving_s": 600,
    "couriers_free": 10,
    "rain": 0,
}


@click.command()
@click.argument("system", default="video")
@click.option(
    "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True
)
@click.option("--days", default=DAYS, show_default=True)
@click.pass_context
def demo(ctx: click.Context, system: str, folder: Path, days: int) -> None:
    """World, train, evaluate, check, an answer explained, a report, a service: in a fresh folder, in about a minute.

    \b
    sixfold demo video
    sixfold demo delivery --dir my-delivery
    """
    from ..workspace import Workspace
    from . import learn, start, use

    start_time = time.perf_counter()
    if not (folder / "design.py").exists():
        _say(f"sixfold new {system} --dir {folder}")
        ctx.invoke(start.new, system=system, source=None, more=(), folder=folder, machine=False)
    estimates = Workspace(folder).design.estimates
    members, knobs = (None, (ORDERS,)) if estimates else (MEMBERS, ())
    _say(
        f"sixfold world {system} --days {days} " + (f"--knob {ORDERS}" if estimates else f"--members {members}"),
        "a world that lives, and a truth to judge by",
    )
    ctx.invoke(
        start.world, name=system, members=members, days=days, knobs=knobs, difficulty="middle", seed=0, folder=folder,
        machine=False,
    )  # fmt: skip
    _say("sixfold validate", "does the design add up, and can this log feed it?")
    _run(ctx, start.validate, folder)
    _say("sixfold train", "each system's line as it finishes")
    _run(ctx, learn.train, folder, quick=False, force=False)
    _say("sixfold evaluate", "the same test part for all; intervals by bootstrap")
    _run(ctx, learn.evaluate, folder)
    _say("sixfold check", "each number that the design asks for")
    _run(ctx, learn.check, folder)
    if estimates:
        _say(f"sixfold estimate --explain --context '{json.dumps(ORDER)}'")
        _run(ctx, use.estimate, folder, context=json.dumps(ORDER), explain=True)
    else:
        _say(f"sixfold recommend --member {STRANGER} --k 8 --explain")
        _run(ctx, use.recommend, folder, member=STRANGER, k=8, context=("device=tv",), exclude=(), explain=True)
    _say("sixfold report")
    _run(ctx, use.report, folder, out=None)
    (_followed if estimates else _served)(folder)
    click.echo(
        f"\nall of it took {time.perf_counter() - start_time:.0f} s; the workspace is {folder}/, its design {folder}/design.py"
    )


def _served(folder: Path) -> None:
    """The release as a service, asked once over HTTP."""
    from ..scaling.served import free_port, running

    port = free_port()
    _say(f"sixfold serve --port {port}", "the same slate over HTTP; events posted to it are learned from tomorrow")
    with running(folder, port=port) as served:
        body = {"member": STRANGER, "k": 3, "context": {"device": "tv"}, "timing": True}
        served.post("/v1/recommend", json.dumps(body).encode())  # the first answer of a process warms it
        _post(served, "/v1/recommend", body)


def _followed(folder: Path) -> None:
    """The release as a service: an order is asked about, gets on, and is estimated anew."""
    from ..scaling.served import free_port, running

    port = free_port()
    _say(f"sixfold serve --port {port}", "the same estimate over HTTP, and each order followed to its end")
    with running(folder, port=port) as served:
        served.post("/v1/estimate", json.dumps({"context": ORDER}).encode())
        _post(served, "/v1/estimate", {"order": "mine-1", "context": ORDER, "timing": True})
        status = {"kind": "outcome", "id": "mine-1-picked-up", "name": "picked_up", "decision": "order-mine-1", "value": 1,
                  "keys": {"order": "mine-1", "store": "s12"}}  # fmt: skip
        _post(served, "/v1/events", status)
        _say(f"curl {served.url}/v1/estimates/mine-1", "picked up at once: what is left, and what is told now")
        click.echo(served.get("/v1/estimates/mine-1").decode())


def _post(served: Served, path: str, body: dict[str, object]) -> None:
    written = json.dumps(body)
    _say(f"curl {served.url}{path} -H 'content-type: application/json' -d '{written}'")
    click.echo(served.post(path, written.encode()).decode())


def _say(command: str, why: str = "") -> None:
    click.secho(f"\n$ {command}" + (f"   # {why}" if why else ""), bold=True)


def _run(ctx: click.Context, command: click.Command, folder: Path, **given: object) -> None:
    """One step; a check that fails is part of what a demo shows, and does not end it."""
    with contextlib.suppress(SystemExit):
        ctx.invoke(command, folder=folder, machine=False, **given)
