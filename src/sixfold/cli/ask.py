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

    from ..questions import answer

    rows = ", ".join(f"{count:,} {what}" for what, count in found.rows.items())
    out.print(f"{found.text} ({found.design}; rows: {rows})", style="bold", highlight=False)
    names = (
        "alternative", f"{found.yardstick}, minutes", "more than the best", "columns", "train s", "score us",
        "model KiB", "state B",
    )  # fmt: skip
    table = Table(box=None)
    for i, name in enumerate(names):
        table.add_column(name, no_wrap=i > 0, justify="right" if i > 2 else "left")
    for one in found.tried:
        behind = "the best" if one.behind is None else _apart(one.behind)
        cells = (
            _value(one.measures[found.yardstick]), behind, f"{one.columns}", f"{one.training_s:.1f}",
            f"{one.estimate_us:.0f}", f"{one.model_bytes / 1024:.0f}", f"{one.state_bytes}",
        )  # fmt: skip
        name = f"{one.name} ({answer.AS_DESIGNED})" if one.current and one.name != answer.AS_DESIGNED else one.name
        table.add_row(f"[bold]{name}[/bold]" if one.name == found.recommended else name, *cells)
    out.print(table)
    for line in answer.verdict(found):
        out.print(line, highlight=False)


def _value(measured: Measure) -> str:
    return _written(measured, "")


def _apart(measured: Measure) -> str:
    return _written(measured, "+")


def _written(measured: Measure, sign: str) -> str:
    """Minutes with their interval, which may be signed."""
    if measured.value is None:
        return "-"
    ends = (measured.low, measured.high)
    told = [f"{end:{sign}.2f}" for end in ends if end is not None]
    return f"{measured.value:{sign}.2f} [{', '.join(told)}]" if told else f"{measured.value:{sign}.2f}"
