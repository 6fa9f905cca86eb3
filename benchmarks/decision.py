"""How fast is one whole decision over HTTP, and beside what? 1 M items -> 500 candidates -> 50 columns, 300 trees -> 20.

    python benchmarks/decision.py [--norms spread|equal] [--quick] [--only sixfold ...] [--peers PEERS/bin/python]

Three stacks do the same work on the same data (`benchmarks/peers`): Sixfold, a tuned peer of equal quality (faiss,
CatBoost, arrays in the process, raw ASGI), and what one glues in a day (FastAPI, Redis, hnswlib, LightGBM). Each is started
in turn, alone but for Redis, with one worker, on the same 2 cores as the load generator (`sixfold.scaling`).

A round measures each stack once. CPU: of all its processes a decision, asked one after the other. Latency: Poisson
arrivals at 100 requests/s for 30 s, open loop, counted from when a request was due. Capacity: the greatest rate at which
p99 is at most 100 ms and at least 99.9 % are answered, each rate tried for 8 s. An answer that fell back (`degraded`)
does not count as one: the work must be done. Rounds alternate, so that a noisy minute hits no stack alone; the table
shows medians over rounds. Worlds and indexes are made once (some 20 minutes at full size, 5 GB) and kept in --cache.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import stacks
from benchmarks.peers.data import FULL, NORMS, QUICK, SEED, make
from benchmarks.peers.stacks import Stack

from sixfold.scaling import capacity
from sixfold.scaling.capacity import Capacity, Step
from sixfold.scaling.load import LATE_MS, Load
from sixfold.scaling.play import run
from sixfold.scaling.schedule import poisson
from sixfold.scaling.wire import Post

RATE, LOWEST, MOST_MS = 100.0, 20.0, 100.0
"""Requests a second at which latency is measured and from which capacity is sought, and the p99 up to which a rate is held."""
ALONE, PAUSE_S = 300, 1.0
MEMBERS, CONNECTIONS, PATIENCE_S = 4_096, 64, 2.0
CORES = 2


class Round(msgspec.Struct, frozen=True):
    """One stack, measured once: what a decision costs, how it does at RATE, and all rates of the search.

    cpu_ms: CPU of all its processes a decision, asked one after the other: what a busy machine disturbs least.
    load: the machine's before, a minute's mean.
    """

    stack: str
    world: str
    recall: float
    cpu_ms: float
    steady: Step
    capacity: Capacity
    load: float

    def row(self) -> tuple[float, ...]:
        """recall, CPU ms, p50 ms, p99 ms, the share answered, capacity."""
        steady = self.steady
        p50, p99 = (math.inf if ms is None else ms for ms in (steady.p50_ms, steady.p99_ms))
        return self.recall, self.cpu_ms, p50, p99, steady.answered, self.capacity.rate or 0.0


def measured(stack: Stack, beside: Sequence[int], *, seconds: float, step_s: float, rng: np.random.Generator) -> Round:
    """Start a stack, measure its latency and its capacity, and stop it; `beside` are processes it uses."""
    members = rng.integers(0, len(stack.data.history), MEMBERS).tolist()
    posts = [Post("/v1/recommend", stacks.body(member)) for member in members]
    with stack.running() as process:

        def play(rate: float, seconds: float) -> Step:
            stacks.settle()
            time.sleep(PAUSE_S)
            due = poisson(rate, seconds, rng)
            url = f"http://127.0.0.1:{stacks.PORT}"
            return _step(run(url, posts, due, connections=CONNECTIONS, timeout_s=PATIENCE_S), rate)

        load = os.getloadavg()[0]
        cpu_ms = _alone(posts, [process, *beside])
        steady = play(RATE, seconds)
        found = capacity.find(lambda rate: play(rate, step_s), limit_ms=MOST_MS, start=LOWEST)
    return Round(stack.name, stack.data.folder.name, stack.recall(), cpu_ms, steady, found, load)


def _alone(posts: Sequence[Post], processes: Sequence[int]) -> float:
    """CPU milliseconds of a decision, after as many to warm up; NaN where one in a hundred and more fell back."""
    for post in posts[:ALONE]:
        stacks.ask(post.body)
    before = stacks.cpu_s(processes)
    answers = [stacks.ask(post.body) for post in posts[ALONE : 2 * ALONE]]
    spent = stacks.cpu_s(processes) - before
    less = sum(bool(msgspec.json.decode(answer).get("degraded")) for answer in answers)
    return 1e3 * spent / ALONE if less < ALONE / 100 else math.nan


def _step(load: Load, rate: float) -> Step:
    """A rate that was tried; only whole decisions count as answered, none that fell back."""
    whole = load.ok & ~load.degraded
    latency = load.latency_ms[whole]
    p50, p99 = np.percentile(latency, [50, 99]).tolist() if len(latency) else (None, None)
    late = load.summary().lateness_p99_ms or 0.0
    return Step(rate, p50, p99, float(whole.mean()), float(load.degraded.mean()), limited=late > LATE_MS)


def table(rounds: Sequence[Round]) -> str:
    """The medians of each stack, and how many times Sixfold's latency and capacity its own are."""
    names = dict.fromkeys(one.stack for one in rounds)
    middle = {name: np.median([one.row() for one in rounds if one.stack == name], axis=0) for name in names}
    lines = [
        f"{'':10}{'recall':>8}{'CPU ms':>9}{'p50 ms':>9}{'p99 ms':>9}{'answered':>10}{'capacity/s':>12}   against sixfold"
    ]
    for name, (recall, cpu, p50, p99, answered, held) in middle.items():
        line = f"{name:10}{recall:8.3f}{cpu:9.2f}{p50:9.2f}{p99:9.2f}{answered:10.2%}{held:12.0f}"
        if "sixfold" in middle and name != "sixfold":
            ours = middle["sixfold"]
            line += f"   CPU x{cpu / ours[1]:.2f}  p50 x{p50 / ours[2]:.2f}  p99 x{p99 / ours[3]:.2f}"
            line += f"  capacity x{held / max(ours[5], 1):.2f}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--norms", choices=NORMS, action="append", help="default: both, one after the other")
    parser.add_argument("--only", choices=stacks.NAMES, action="append")
    parser.add_argument("--quick", action="store_true", help="50 k items, 5 s, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument(
        "--workers", type=int, default=1, help="Sixfold's; the peers' one worker uses both cores by threads"
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "sixfold-decision")
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the peers' packages")
    parser.add_argument("--json", type=Path, help="where the rounds are written (default: in --cache)")
    given = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    size, rounds = (QUICK, 1) if given.quick else (FULL, given.rounds)
    seconds = 5.0 if given.quick else given.seconds
    rng, kept = np.random.default_rng(SEED), []
    for norms in given.norms or NORMS:
        data = make(given.cache, size, norms)
        names = [name for name in stacks.NAMES if name in (given.only or stacks.NAMES)]
        wanted = [Stack(name, data, given.peers, given.workers) for name in names]
        ready = [stack for stack in wanted if not _said(stack)]
        for stack in ready:
            stack.build()
        with stacks.redis(data.folder) if any(stack.name == "glued" for stack in ready) else nullcontext() as redis:
            for number in range(rounds):
                for stack in ready:
                    print(f"{norms}, round {number + 1} of {rounds}: {stack.name}", file=sys.stderr, flush=True)
                    beside = [redis] if redis and stack.name == "glued" else []
                    kept.append(measured(stack, beside, seconds=seconds, step_s=min(seconds, 8.0), rng=rng))
        these = [one for one in kept if one.world == data.folder.name]
        print(f"\n{size.items:,} items, norms {norms}, {RATE:.0f} requests/s for {seconds:.0f} s, median of {rounds}\n")
        print(table(these), flush=True)
    path = given.json or given.cache / "decision.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=2))
    print(f"\nwrote {path}")


def _said(stack: Stack) -> bool:
    """Whether a stack cannot run, which is printed with what to do."""
    lacks = stack.lacks()
    if lacks:
        print(f"{stack.name}: skipped; {lacks}")
    return bool(lacks)


if __name__ == "__main__":
    main()
