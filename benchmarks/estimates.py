"""How fast are estimates, and beside what? A service under load, open orders told again, and a training.

    python benchmarks/estimates.py --dir WORKSPACE [--rate 100 --rate 300] [--seconds 10] [--rounds 1] [--peers PEERS/bin/python]
    python benchmarks/estimates.py --train 500000

With a workspace that has a release of an estimate, such as `sixfold demo delivery` makes:

- **Under load**: `/v1/estimate` of a service with one worker, of a copy of the workspace, and beside it what one glues in a
  day (`benchmarks/peers/glued_times.py`: pandas over the recent log, LightGBM, FastAPI), the same requests, one stack after
  the other, open loop, on the same two cores as the load generator. In time is within the p99 that the design requires. CPU is
  of all processes of a stack, a request. Sixfold logs each answer with an fsync meanwhile; the peer logs nothing. Then the
  error of the median and the coverage of either on the same test rows, as trained.
- **Told again**: 10 000 orders of the test at a random moment of their way, what is left of each by one pass (legs that are over
  and time that is gone known, made to cover, with its promise); and one order after the other as `/v1/estimates/{order}` tells
  it, which makes the estimate anew at each moment of its timetable.

With --train: a world of so many orders over 30 days (`sixfold world delivery`), and a training of it with the shipped design, by
stages. Learning is all that a release needs: reading the log, its rows and tables, the estimator of each leg, what makes it
cover, writing the release with its golden log. Judging is the rest: the baselines, and all metrics with their intervals.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import stacks
from benchmarks.peers.orders import Peer, export

from sixfold import beginning, journey
from sixfold.estimate import Estimated, Estimator, estimated
from sixfold.estimation.open import NEVER, Known
from sixfold.following import follow, forecast, watched
from sixfold.release import Release
from sixfold.scaling.asks import from_log
from sixfold.scaling.load import Load
from sixfold.scaling.play import run
from sixfold.scaling.schedule import poisson
from sixfold.scaling.served import copied, running
from sixfold.scaling.wire import Post
from sixfold.training import estimates
from sixfold.training.cache import Cache
from sixfold.training.estimates import Timed
from sixfold.training.run import Stages
from sixfold.types import SECOND, Floats
from sixfold.workspace import Workspace
from sixfold.worlds.delivery import DeliveryWorld

ORDERS, ONE_BY_ONE, REPEATS, DAYS = 10_000, 200, 5, 30
WARM = 200
MEDIAN = 0.5


@dataclass(frozen=True)
class Line:
    """One stack at one rate: CPU ms a request, latency in ms of what was answered, and the share that was in time."""

    cpu_ms: float
    p50: float
    p99: float
    in_time: float


# Under load


def played(
    url: str, process: int, posts: list[Post], rate: float, seconds: float, limit_ms: float, rng: np.random.Generator
) -> Line:
    """One load of a running stack."""
    due = poisson(rate, seconds, rng)
    before = stacks.cpu_s([process])
    load: Load = run(url, posts[: len(due)], due, timeout_s=10.0)
    cpu = stacks.cpu_s([process]) - before
    done = load.ok & ~load.degraded
    p50, p99 = np.percentile(load.latency_ms[done], [50, 99]).tolist() if done.any() else (np.inf, np.inf)
    return Line(1e3 * cpu / len(due), p50, p99, float((done & (load.latency_ms <= limit_ms)).mean()))


def under_load(workspace: Workspace, peer: Peer | None, given: argparse.Namespace) -> None:
    """Print a line for each stack and rate."""
    rng = np.random.default_rng(0)
    rates, limit = given.rate or [100.0, 300.0], workspace.design.requirements.p99_ms
    posts, _ = from_log(workspace, n=int(1.5 * max(rates) * given.seconds) + WARM, rng=rng)
    found: dict[tuple[str, float], list[Line]] = {}

    def play(name: str, url: str, process: int) -> None:
        run(url, posts[:WARM], np.arange(WARM) / 50)  # Pages are read, code is warm.
        for rate in rates:
            found.setdefault((name, rate), []).append(played(url, process, posts, rate, given.seconds, limit, rng))

    for _ in range(given.rounds):
        with copied(workspace) as folder, running(folder) as served:
            play("sixfold", served.url, served.process.pid)
        if peer is not None:
            with peer.running() as (url, process):
                play("pandas, LightGBM, FastAPI", url, process)
    print(f"/v1/estimate for {given.seconds:g} s, median of {given.rounds}; load average {os.getloadavg()[0]:.1f}\n")
    for rate in rates:
        print(f"{rate:g} requests/s")
        ours = None
        for name in dict.fromkeys(name for name, _ in found):
            values = [[one.cpu_ms, one.p50, one.p99, one.in_time] for one in found[name, rate]]
            cpu, p50, p99, in_time = np.median(values, axis=0).tolist()
            line = f"  {name:26} CPU {cpu:6.2f} ms  p50 {p50:8.2f}  p99 {p99:8.2f} ms  in time {in_time:7.2%}"
            line += (
                ""
                if ours is None
                else f"   CPU x{cpu / ours[0]:.2f}  p50 x{p50 / ours[1]:.2f}  p99 x{p99 / ours[2]:.2f}"
            )
            ours = ours or (cpu, p50, p99)
            print(line, flush=True)


def quality(model: Estimator, test: Timed, folder: Path | None) -> None:
    """Print the error of the median and the coverage of either stack, in the same rows."""
    told = estimated(model, test.table).quantiles
    label = test.label
    median = told[:, model.levels.tolist().index(MEDIAN)]
    mae, inside = float(np.abs(median - label).mean()), float(((label >= told[:, 0]) & (label <= told[:, -1])).mean())
    print(f"\n{len(test):,} test rows, as trained\n  {'sixfold':26} MAE {mae / 60:.3f} minutes, covered {inside:.1%}")
    if folder is not None:
        held = json.loads((folder / "glued.json").read_text())
        print(
            f"  {'pandas, LightGBM, FastAPI':26} MAE {held['mae_s'] / 60:.3f} minutes, covered {held['covered']:.1%}"
            f"   MAE x{held['mae_s'] / mae:.3f}  ({held['columns']} columns, built in {held['build_s']:.0f} s)"
        )


# Told again


@dataclass(frozen=True)
class Way:
    """n orders at some moment of their way: as they were forecast, how many legs are over (n,), the seconds since the ask (n,),
    and what each leg takes (n, k)."""

    found: Estimated
    done: NDArray[np.intp]
    since: NDArray[np.float64]
    took: NDArray[np.float64]


def on_their_way(model: Estimator, test: Timed, rng: np.random.Generator, n: int) -> Way:
    """n orders of the test, each at a moment drawn from all of its way."""
    whole = np.flatnonzero(~np.isnan([test.seconds[name] for name in model.legs]).any(axis=0))
    rows = rng.choice(whole, n)
    took = np.stack([test.seconds[name][rows] for name in model.legs], axis=1).astype(np.float64)
    since = rng.random(n) * took.sum(axis=1)
    done = (np.cumsum(took, axis=1) <= since[:, None]).sum(axis=1)
    return Way(estimated(model, test.table[rows]), done, since, took)


def told(model: Estimator, way: Way) -> tuple[Floats, NDArray[np.float64]]:
    """The quantiles (n, q), in seconds since the ask, and the promise (n,) of all of them now."""
    ends = np.concatenate([np.zeros((len(way.done), 1)), np.cumsum(way.took, axis=1)], axis=1)
    gone = way.since - ends[np.arange(len(way.done)), way.done]
    left = model.joint.remaining(model.levels, way.found.legs, done=way.done, elapsed_s=gone, finished_s=way.took)
    quantiles = (way.since[:, None] + model.coverage.apply(left)).astype(np.float32)
    return quantiles, model.design.estimate.promise.of(model.levels, quantiles)


def known(release: Release, way: Way, row: int) -> tuple[Known, int]:
    """The record that a service keeps of one of them, and now."""
    model, kept, asked = release.estimator, watched(release.design), 1_800_000_000 * SECOND
    one = Estimated(*(getattr(way.found, name)[row : row + 1] for name in Estimated.__slots__))
    logged = forecast(model, one, np.zeros(len(model.levels)) if kept.steer else None)
    when, value = np.full(len(kept.outcomes), NEVER), np.full(len(kept.outcomes), np.nan)
    for leg, name in enumerate(list(model.legs)[: way.done[row]]):
        place = kept.outcomes.index(name)
        when[place], value[place] = asked + int(way.took[row, : leg + 1].sum() * SECOND), way.took[row, leg]
    numbers = np.array([logged.get(name, np.nan) for name in kept.forecast])
    return Known(asked, release.id, numbers, when, value), asked + int(way.since[row] * SECOND)


def told_again(release: Release, test: Timed) -> None:
    """Print what re-estimates cost."""
    model = release.estimator
    way = on_their_way(model, test, np.random.default_rng(0), ORDERS)
    wall, cpu = _timed(lambda: told(model, way))
    print(
        f"\n{ORDERS:,} open orders told again in one pass: {wall:.3f} s, {1e3 * cpu / ORDERS:.3f} ms of one core each"
    )
    records = [known(release, way, row) for row in range(ONE_BY_ONE)]
    wall, cpu = _timed(lambda: [follow(model, one, now=now) for one, now in records])
    # At the ask, each minute of the first hour, each ten after, and whenever a leg was over.
    minutes = np.minimum(way.since, 3600) // 60 + np.maximum(way.since - 3600, 0) // 600
    steps = float((1 + minutes + way.done)[:ONE_BY_ONE].mean())
    each = 1e3 * cpu / ONE_BY_ONE
    print(
        f"one after the other, as it is asked for: {each:.2f} ms of one core an order, in which it is made anew "
        f"{steps:.0f} times ({each / steps:.3f} ms each)"
    )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall and of CPU, medians of some repeats after one to warm up."""
    work()
    took = []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = np.median(took, axis=0).tolist()
    return wall, cpu


# Training


def training(orders: int) -> None:
    """Print the seconds of a training, by stage."""
    with tempfile.TemporaryDirectory(prefix="sixfold-") as scratch:
        folder = Path(scratch) / "mine"
        beginning.from_system("delivery", folder)
        workspace, world = Workspace(folder), DeliveryWorld(days=DAYS, orders_per_day=orders / DAYS)
        began = time.perf_counter()
        counts = beginning.fill(workspace, "delivery", world)
        print(
            f"a world of {counts['decisions']:,} orders, {counts['events']:,} events: {time.perf_counter() - began:.0f} s"
        )
        began, stages = time.perf_counter(), Stages()
        design = workspace.design
        trained = journey.train(
            design, workspace.batches(), into=workspace.releases, cache=Cache(workspace.cache), stages=stages
        )
        whole = time.perf_counter() - began
    name = design.learning.estimator.__struct_config__.tag
    needed = ("reading the log", "rows for ", f"{name} of ", "writing the release")
    learning = {stage: seconds for stage, seconds in stages.seconds.items() if stage.startswith(needed)}
    rows = trained.evaluation.counts
    print(
        f"trained on {rows['training rows']:,} rows, {rows['calibration rows']:,} to cover, {rows['test rows']:,} to judge"
    )
    for stage, seconds in stages.seconds.items():
        print(f"  {stage:40} {seconds:7.1f} s{'' if stage in learning else '   judging'}")
    load = os.getloadavg()[0]
    print(f"learning {sum(learning.values()):.0f} s; with baselines and judging {whole:.0f} s; load average {load:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, help="a workspace of the delivery system that has a release")
    parser.add_argument("--rate", type=float, action="append", help="default: 100 and 300")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peers", help="a Python that has fastapi, uvicorn[standard], pandas, lightgbm and numpy")
    parser.add_argument("--train", type=int, metavar="ORDERS")
    given = parser.parse_args()
    if given.train:
        training(given.train)
    if given.dir is None:
        return
    workspace = Workspace(given.dir)
    release = workspace.current()
    material = journey.prepared_for(release, workspace.batches())
    spans = estimates.spans(material, Cache(workspace.cache), Stages())
    with tempfile.TemporaryDirectory(prefix="sixfold-") as scratch:
        folder = Path(scratch)
        peer = None
        if given.peers:
            export(workspace, material, spans, folder)
            peer = Peer(given.peers, folder)
            peer.build()
        under_load(workspace, peer, given)
        quality(release.estimator, spans.test, folder if given.peers else None)
    told_again(release, spans.test)


if __name__ == "__main__":
    main()
