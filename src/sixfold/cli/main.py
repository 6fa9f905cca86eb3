"""`sixfold`: the commands by name, imported when they are called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from ..errors import SixfoldError

COMMANDS = {
    "new": ("start", "A workspace from a shipped system, or from your own files."),
    "world": ("start", "Fill the log from a simulated world whose truth is known."),
    "ingest": ("start", "Read CSV, JSONL or Parquet into the log, by a mapping."),
    "validate": ("start", "Check design and data before anything slow."),
    "train": ("learn", "Train, judge and write a release; publish it if the gate passes."),
    "evaluate": ("learn", "Every metric of the published release, beside its baselines."),
    "check": ("learn", "Each number of the design: required, measured, verdict."),
    "ask": ("ask", "A design question, answered by an experiment on your own log."),
    "recommend": ("use", "A slate for a member, explained."),
    "estimate": ("use", "How long something takes, explained."),
    "serve": ("serve", "The published release over HTTP; events taken in."),
    "report": ("use", "One self-contained HTML page."),
    "releases": ("use", "List, show, promote and roll back releases."),
    "verify-skew": ("use", "Replay the log online and compare every feature of every row with batch."),
    "bench": ("bench", "Load a running service, open loop: latency, goodput, the knee."),
    "live": ("live", "Close the loop: a world's members, the service, a training each day."),
    "drill": ("drill", "Break each part of the service in turn, under load: what users got."),
    "settle": ("settle", "Move old batches of the log into Parquet by day; drop old days."),
    "forget": ("settle", "Take a member out of everything, with a receipt."),
    "repair": ("repair", "Make a damaged log whole again; says what is lost."),
    "doctor": ("use", "What this installation has and lacks."),
    "demo": ("demo", "All of it: world, train, evaluate, check, a slate explained."),
}


class Commands(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[name][0]}", __package__)
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            from ..errors import nearest

            ctx.fail(f"there is no command {args[0]!r}; {nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sixfold")
def group() -> None:
    """Turn a machine-learning system design into a running, measured system.

    \b
    Start:  sixfold demo video            everything, on a simulated world
            sixfold new video --dir my    a workspace of your own
            sixfold new --from FILES      a workspace from your own tables

    Exit codes: 0 ok, 1 a check failed, 2 usage or design, 3 data or release, 4 environment.
    """


def main() -> Any:
    """Run a command; an error raised on purpose is one sentence on stderr and its exit code."""
    try:
        return group(prog_name="sixfold", standalone_mode=True)
    except SixfoldError as error:
        click.echo(f"sixfold: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
