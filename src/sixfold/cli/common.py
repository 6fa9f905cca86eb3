"""What every command shares: `--dir`, `--json`, and progress on stderr where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

F = TypeVar("F", bound=Callable[..., Any])


def in_dir(command: F) -> F:
    """Adds `--dir`, the workspace, as the argument `folder`."""
    option = click.option(
        "--dir", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), show_default="here",
        help="The workspace.",
    )  # fmt: skip
    return option(command)


def as_json(command: F) -> F:
    """Adds `--json`, as the argument `machine`."""
    return click.option("--json", "machine", is_flag=True, help="Print JSON for machines.")(command)


def emit(value: object) -> None:
    """Print a value as JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


class Progress:
    """Stages as one line that is overwritten on a terminal, and silence elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._shown = sys.stderr.isatty() and not quiet
        self._last = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._shown:
            return
        share = f" {100 * done // total:3d} %" if total > 1 else ""
        line = f"{stage}{share}"
        if line != self._last:
            click.echo(f"\r\x1b[2K{line}", nl=False, err=True)
            self._last = line

    def clear(self) -> None:
        """Take the line away, before something is printed."""
        if self._shown and self._last:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._last = ""
