"""The command that answers a design question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from rich.console import Console

    from ..evaluation.results import Measure
    from ..questions.answer import Answer, Tried


@click.command()
@click.argument("name")
@click.option("--quick", is_flag=True, help="Fewer trees: for a first look.")
@in_dir
@as_json
def ask(name: str, quick: bool, folder: Path, machine: bool) -> None:
    """A design question, answered by an experiment: each alternative trained and judged on your own log.

    \b
    sixfold ask geo      # how should latitude and longitude enter?
    sixfold ask ids      # should an id be a feature?

    The recommended one is the cheapest of those that are no worse than the best by more than their interval. The answer is kept
    in reports/ask-NAME.json, and 'sixfold report' shows it.
    """
    from .. import journey
    from ..questions import kept
    from ..questions.ask import ask as answered
    from ..training.cache import Cache
    from ..training.run import Stages
    from ..workspace import Workspace
    from . import show

    workspace, out, progress = Workspace(folder), show.console(), Progress(quiet=machine)
    design = journey.quick(workspace.design) if quick else workspace.design

    def row(tried: Tried) -> None:
        progress.clear()
        if not machine:
            out.print(f"tried {tried.name}: {tried.training_s:.1f} s", style="dim", highlight=False)

    found = answered(
        name, design, workspace.batches(), cache=Cache(workspace.cache), stages=Stages(tell=progress), row=row
    )
    progress.clear()
    kept.write(workspace.reports, found)
    emit(found) if machine else _shown(out, found)


def _shown(out: Console, found: Answer) -> None:
    """The table of alternatives, and what is recommended."""
    from rich.table import Table

    from . import show

    rows = ", ".join(f"{count:,} {what}" for what, count in found.rows.items())
    out.print(f"{found.text} ({found.design}; rows: {rows})", style="bold", highlight=False)
    names = (
        "alternative", f"{found.yardstick}, minutes", "more than the best", "columns", "training s", "us to score",
        "model KiB", "state bytes",
    )  # fmt: skip
    table = Table(*names, box=None)
    for one in found.tried:
        behind = "the best" if one.behind is None else _apart(one.behind)
        cells = (
            show.interval(one.measures[found.yardstick]), behind, f"{one.columns}", f"{one.training_s:.1f}",
            f"{one.estimate_us:.0f}", f"{one.model_bytes / 1024:.0f}", f"{one.state_bytes}",
        )  # fmt: skip
        name = f"{one.name} (as designed)" if one.current and one.name != "as designed" else one.name
        table.add_row(f"[bold]{name}[/bold]" if one.name == found.recommended else name, *cells)
    out.print(table)
    for line in verdict(found):
        out.print(line, highlight=False)


def verdict(found: Answer) -> list[str]:
    """What is recommended, and what it gains on rows that had no say in the choice."""
    if found.recommended is None:
        return [found.said]
    if found.gain is None:
        return [f"recommended: {found.said}", "the design has these features already"]
    return [
        f"recommended: {found.said}",
        f"on the test part it has {_apart(found.gain)} minutes less {found.yardstick} than the design as it is",
    ]


def _apart(measured: Measure) -> str:
    if measured.value is None or measured.low is None or measured.high is None:
        return "-"
    return f"{measured.value:+.3f} [{measured.low:+.3f}, {measured.high:+.3f}]"
