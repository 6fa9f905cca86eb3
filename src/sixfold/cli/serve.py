"""The command that serves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import click

from .common import in_dir


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Any but loopback needs --token-file.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.")
@click.option(
    "--only", type=click.Choice(["app", "candidates", "ranking"]), help="One component as a service of its own."
)
@click.option("--candidates", metavar="URL", help="With --only app: where the candidates' service is.")
@click.option("--ranking", metavar="URL", help="With --only app: where the ranking service is.")
@click.option("--clock", type=click.Choice(["wall", "log", "request"]),
              help="Whose time it is: of day, going on from the end of the log, or each request's own ts. "
                   "Default: of day, or of the log where that ended more than a day ago.")  # fmt: skip
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help="A secret that requests must bear.")
@click.option("--log-every", default=0, show_default=True, help="Log every n-th answer; errors are always logged.")
@in_dir
def serve(
    host: str, port: int, workers: int, only: Literal["app", "candidates", "ranking"] | None,
    candidates: str | None, ranking: str | None, clock: Literal["wall", "log", "request"] | None,
    token_file: Path | None, log_every: int, folder: Path,
) -> None:  # fmt: skip
    """Serve the published release over HTTP, and take events in.

    \b
    sixfold serve --dir my-video
    sixfold serve --workers 2
    sixfold serve --only candidates --port 8001
    sixfold serve --only ranking --port 8002
    sixfold serve --only app --candidates http://127.0.0.1:8001 --ranking http://127.0.0.1:8002
    """
    from ..serving import starting

    if only == "app" and not (candidates and ranking):
        raise click.UsageError("--only app asks two services; give --candidates URL and --ranking URL")
    if only != "app" and (candidates or ranking):
        raise click.UsageError("--candidates and --ranking go with --only app")
    settings = starting.Wanted(
        folder=folder, host=host, port=port, workers=workers, role=only or "all", candidates=candidates, ranking=ranking,
        clock=clock, token_file=token_file, log_every=log_every,
    )  # fmt: skip
    starting.serve(settings, tell=lambda line: click.echo(line, err=True))
    sys.exit(0)
