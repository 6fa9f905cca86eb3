"""`sixfold bench`: load on a running service, and what became of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import Progress, as_json, emit, in_dir

if TYPE_CHECKING:
    from ..events.schema import Events
    from ..scaling.capacity import Capacity, Step
    from ..scaling.load import Latency, Load, Summary
    from ..scaling.schedule import Seconds
    from ..scaling.wire import Post

DISTINCT = 20_000
"""How many requests are drawn from the log; a longer load sends them again."""


@click.command()
@click.option("--rate", default=200.0, show_default=True, type=click.FloatRange(min=0.1), help="Requests a second.")
@click.option("--seconds", default=None, type=click.FloatRange(min=0.1), help="Default: 30, or 5 a step of the search.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True)
@click.option("--connections", default=64, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Of the generator.")
@click.option("--arrivals", type=click.Choice(["poisson", "constant"]), default="poisson", show_default=True)
@click.option(
    "--events-rate", default=0, type=click.IntRange(0), help="Also post made-up outcomes; they stay in its log."
)
@click.option("--k", default=None, type=click.IntRange(1, 1000), help="Items asked for.  [default: the design's]")
@click.option(
    "--timeout-ms", default=5000, show_default=True, type=click.IntRange(1), help="Without an answer by then: none."
)
@click.option("--find-capacity", is_flag=True, help="Raise the rate until the requirement is missed; print the knee.")
@click.option("--seed", default=0, show_default=True)
@in_dir
@as_json
def bench(
    rate: float, seconds: float | None, url: str, connections: int, processes: int, arrivals: str, events_rate: int,
    k: int | None, timeout_ms: int, find_capacity: bool, seed: int, folder: Path, machine: bool,
) -> None:  # fmt: skip
    """Load a running service with requests from the workspace's log; latency counts from when each was meant to be sent.

    \b
    sixfold bench --rate 200 --seconds 30
    sixfold bench --find-capacity --rate 50
    """
    import numpy as np

    from ..scaling.asks import from_log
    from ..scaling.capacity import find
    from ..workspace import Workspace

    if events_rate and (processes > 1 or find_capacity):
        raise click.UsageError("--events-rate goes with one process and one rate")
    workspace, progress = Workspace(folder), Progress(quiet=machine)
    design = workspace.design
    seconds = seconds or (5.0 if find_capacity else 30.0)
    n = DISTINCT if find_capacity else min(DISTINCT, max(round(rate * seconds), 1))
    posts, events = from_log(workspace, n=n, rng=np.random.default_rng(seed), k=k)
    plan = Plan(url, posts, seconds, connections, processes, arrivals, timeout_ms / 1000, seed)
    limit = design.requirements.p99_ms
    if find_capacity:

        def measure(rate: float) -> Step:
            progress(f"{rate:,.0f} requests/s", 0, 1)
            return plan.step(rate)

        capacity = find(measure, limit_ms=limit, start=rate)
        progress.clear()
        emit(capacity) if machine else _tell_capacity(capacity)
        return
    progress(f"{rate:,.0f} requests/s for {seconds:g} s", 0, 1)
    asked, posted = plan.play(rate, events, events_rate)
    progress.clear()
    summary, beside = asked.summary(within_ms=limit), posted.summary() if posted else None
    if machine:
        emit({"requests": summary, "events": beside, "limit_ms": limit})
    else:
        _tell(summary, limit)
        if beside:
            _tell_events(beside)


@dataclass(frozen=True)
class Plan:
    """All of a load but its rate."""

    url: str
    posts: list[Post]
    seconds: float
    connections: int
    processes: int
    arrivals: str
    timeout_s: float
    seed: int

    def play(self, rate: float, events: Events | None = None, events_rate: int = 0) -> tuple[Load, Load | None]:
        """The requests at this rate, and beside them events at theirs."""
        import numpy as np

        from ..scaling.asks import batches
        from ..scaling.play import run_all
        from ..scaling.spread import spread
        from ..scaling.wire import Stream

        stream = Stream(self.posts, self._due(rate), self.connections)
        if self.processes > 1:
            return spread(self.url, stream, processes=self.processes, timeout_s=self.timeout_s), None
        if not events_rate or events is None:
            return run_all(self.url, [stream], timeout_s=self.timeout_s)[0], None
        size = max(min(events_rate // 10, 1000), 1)
        due = self._due(events_rate / size)
        rng = np.random.default_rng(self.seed + 1)
        posts = batches(events, n=len(due), size=size, rng=rng, mark=f"bench-{secrets.token_hex(4)}")
        asked, posted = run_all(self.url, [stream, Stream(posts, due, 4)], timeout_s=self.timeout_s)
        return asked, posted

    def step(self, rate: float) -> Step:
        """One rate of the search for the knee."""
        from ..scaling.capacity import Step

        found = self.play(rate)[0].summary()
        latency = found.latency_ms
        return Step(rate, latency.p50, latency.p99, found.answered, found.degraded, limited=found.late)

    def _due(self, rate: float) -> Seconds:
        import numpy as np

        from ..scaling import schedule

        if self.arrivals == "constant":
            return schedule.constant(rate, self.seconds)
        return schedule.poisson(rate, self.seconds, np.random.default_rng(self.seed))


def _tell(found: Summary, limit_ms: float) -> None:
    others = ", ".join(f"{n:,} {status}" for status, n in found.statuses.items() if status != "200")
    click.echo(
        f"{found.sent:,} requests in {found.seconds:.1f} s ({found.rate:,.0f}/s): {found.answered:.2%} answered"
        f"{f' (but {others})' if others else ''}, {found.degraded:.2%} degraded, "
        f"{found.goodput:,.0f}/s within the required {limit_ms:g} ms"
    )
    click.echo(f"latency  {_line(found.latency_ms)}")
    for stage, latency in found.stages_ms.items():
        click.echo(f"  {stage:<12} p50 {_ms(latency.p50)}  p99 {_ms(latency.p99)}")
    for fallback, count in found.fallbacks.items():
        click.echo(f"  {count:,} times {fallback}")
    worst = max(found.curve, key=lambda one: one.p99_ms or 0.0, default=None)
    if worst is not None:
        click.echo(f"worst second: {worst.second} (p99 {_ms(worst.p99_ms)}, {worst.ok:,} of {worst.sent:,} answered)")
    click.echo(f"generator: p99 of lateness {_ms(found.lateness_p99_ms)}, {found.cpu_us:.0f} us a request")
    for remark in found.remarks:
        click.echo(f"note: {remark}")


def _tell_events(found: Summary) -> None:
    click.echo(
        f"events: {found.events:,} acknowledged in {found.sent:,} posts ({found.events / found.seconds:,.0f}/s), "
        f"{found.answered:.2%} answered; {_line(found.latency_ms)}"
    )


def _tell_capacity(found: Capacity) -> None:
    for step in found.steps:
        verdict = "holds" if step.holds(found.limit_ms) else "fails"
        note = "; the generator was late" if step.limited else ""
        click.echo(
            f"{step.rate:8,.0f}/s  p50 {_ms(step.p50_ms)}  p99 {_ms(step.p99_ms)}  {step.answered:.2%} answered  {verdict}{note}"
        )
    if found.rate is None:
        click.echo(f"no rate held {found.limit_ms:g} ms at p99 and 99.9 % answered; begin with a lower --rate")
    else:
        click.echo(
            f"capacity: {'' if found.bounded else 'at least '}{found.rate:,.0f} requests/s at p99 <= {found.limit_ms:g} ms"
        )


def _line(found: Latency) -> str:
    return f"p50 {_ms(found.p50)}  p90 {_ms(found.p90)}  p99 {_ms(found.p99)}  p99.9 {_ms(found.p99_9)}  max {_ms(found.max)}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} ms"
