"""`sixfold live`: a world's members ask the running service, and each day's model learns from what it wrote."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from ..live.results import Day, Report

SYSTEMS = ("loop", "frozen", "popularity", "oracle")
WIDTH = 50


@click.command()
@click.argument("name")
@click.option("--days", default=5, show_default=True, type=click.IntRange(1, 365))
@click.option("--shift-day", default=None, type=click.IntRange(1), help="From this day on tastes are others.")
@click.option("--members", default=800, show_default=True, type=click.IntRange(20), help="Of a world made for it.")
@click.option("--warm-up", default=6, show_default=True, type=click.IntRange(2), help="Days of its log before.")
@click.option("--explore", default=0.1, show_default=True, type=click.FloatRange(0.01, 0.5),
              help="Share of the places left to chance, in the design made for it.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@in_dir
@as_json
def live(
    name: str, days: int, shift_day: int | None, members: int, warm_up: int, explore: float, seed: int, folder: Path,
    machine: bool,
) -> None:  # fmt: skip
    """Close the loop: serve a world's members over HTTP, train each day on what the service wrote, swap the release.

    Design, log and first release are made where DIR has none. Each day says what the slates were really worth, beside the first
    release frozen, popularity and the oracle.

    \b
    sixfold live video --dir my-live --days 5 --shift-day 3
    """
    from ..errors import DataError, nearest
    from ..live.run import Wanted, run
    from ..worlds.alive import ALIVE, small

    if name not in ALIVE:
        raise DataError(f"there is no world {name!r} that can be lived in; {nearest(name, ALIVE)}")
    progress = Progress(quiet=machine)
    wanted = Wanted(
        folder=folder, name=name, days=days, shift_day=shift_day, warm_up=warm_up, explore=explore,
        world=small(name, members=members, days=warm_up + days, seed=seed),
    )  # fmt: skip
    # As Ctrl-C does, so that the service which was started is stopped too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not machine:
        click.echo(HEAD)
    found = run(
        wanted, day=lambda day: None if machine else _row(day, progress),
        say=lambda text: click.echo(text, err=True), tell=progress,
    )  # fmt: skip
    progress.clear()
    emit(found) if machine else _chart(found)
    sys.exit(0)


HEAD = (
    "true expected utility of a request, and the share of the gap from popularity to the oracle that is closed\n"
    f"{'day':>4}{'requests':>10}" + "".join(f"{name:>12}" for name in SYSTEMS) + f"{'loop':>8}{'frozen':>8}"
    f"   {'loop - frozen':<30}trained in the night"
)


def _row(day: Day, progress: Progress) -> None:
    progress.clear()
    value, low, high = day.ahead
    trained = day.training
    night = "-" if trained is None else f"{trained.release[:6]} {'published' if trained.passed else 'held back'}"
    click.echo(
        f"{day.day:>3}{'*' if day.shifted else ' '}{day.requests:>10,}"
        + "".join(f"{day.utility[name]:>12.4f}" for name in SYSTEMS)
        + f"{day.closed('loop'):>8.1%}{day.closed('frozen'):>8.1%}   {f'{value:+.4f} [{low:+.4f}, {high:+.4f}]':<30}{night}"
    )


def _chart(found: Report) -> None:
    """A line a day: the share of the gap that the loop (L) and the frozen release (F) close."""
    shares = [day.closed(system) for day in found.days for system in ("loop", "frozen")]
    low, high = min(0.0, *shares), max(0.01, *shares)

    def at(share: float) -> int:
        return round((share - low) / (high - low) * WIDTH)

    left, right = f"{low:.0%}", f"{high:.0%}"
    click.echo("\nshare of the gap closed: L the loop, F the first release frozen, B both, | popularity")
    click.echo(f"{'':5}{left}{right:>{WIDTH + 1 - len(left)}}")
    for day in found.days:
        line = ["."] * (WIDTH + 1)
        line[at(0.0)] = "|"
        line[at(day.closed("frozen"))] = "F"
        line[at(day.closed("loop"))] = "B" if at(day.closed("loop")) == at(day.closed("frozen")) else "L"
        click.echo(f"{day.day:>3}{'*' if day.shifted else ' '} {''.join(line)}")
    if found.shift_day is not None:
        click.echo("   * tastes are others")
    for number, training in enumerate([*(day.training for day in found.days[1:]), found.last], 1):
        for reason in training.reasons if training else []:
            click.echo(f"after day {number}: gate {reason}")
