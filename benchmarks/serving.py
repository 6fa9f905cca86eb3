"""A service of a workspace under what else happens to it: events, a swap of releases, the ranking of given items.

    python benchmarks/serving.py --dir WORKSPACE [--rate 50] [--seconds 15] [--rounds 3]

Everything in one run on one machine, the load generator included, of a copy of the workspace. Requests come at random (Poisson)
and open loop; latency counts from when each was due. A round plays them quietly, while events flow at 5 000/s, and while another
release is published half-way; the ratios are of p99, and of medians over rounds. Then the caller's own 100 items
(`/v1/rank`), and events as fast as two clients get NDJSON batches of 1 000 acknowledged, each after its fsync.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from sixfold import golden
from sixfold import release as releases
from sixfold.events.schema import Events
from sixfold.scaling.asks import batches, from_log
from sixfold.scaling.load import Load
from sixfold.scaling.play import run_all
from sixfold.scaling.schedule import Seconds, poisson
from sixfold.scaling.served import Served, copied, running
from sixfold.scaling.wire import Post, Stream
from sixfold.workspace import Workspace

EVENTS_PER_S, BATCH = 5_000, 250
BULK, CLIENTS = 1_000, 2


def another(workspace: Workspace) -> str:
    """A release with the model of the current one and another goal, so that a swap needs no training."""
    held = workspace.current()
    assert held.path is not None
    problem = msgspec.structs.replace(held.design.problem, goal=f"{held.design.problem.goal}, again")
    design = msgspec.structs.replace(held.design, problem=problem)
    parts = (getattr(held.learned, name) for name in held.learned.__slots__[1:])
    return releases.write(
        workspace.releases, type(held.learned)(design, *parts), items=held.items, titles=held.titles,
        sample=golden.read(held.path / "golden"), digest=held.manifest.digest, cuts=held.manifest.cuts, metrics=held.metrics,
    ).id  # fmt: skip


def quiet(served: Served, posts: list[Post], due: Seconds) -> Load:
    return run_all(served.url, [Stream(posts, due, 64)])[0]


def under_events(served: Served, posts: list[Post], due: Seconds, bodies: list[Post]) -> Load:
    """The same requests beside a steady stream of events."""
    steady = np.arange(len(bodies)) * (BATCH / EVENTS_PER_S)
    return run_all(served.url, [Stream(posts, due, 64), Stream(bodies, steady, 4)])[0]


def under_swap(served: Served, posts: list[Post], due: Seconds, publish: Callable[[], object]) -> Load:
    """The same requests while `publish` runs half-way."""
    timer = threading.Timer(float(due[-1]) / 2, publish)
    timer.start()
    load = quiet(served, posts, due)
    timer.join()
    return load


def line(name: str, loads: list[Load], beside: float | None = None) -> float:
    """Print the medians over rounds; gives that of p99."""
    rows = [
        (np.percentile(load.latency_ms[load.ok], [50, 99]), load.ok.mean(), load.degraded[load.ok].mean())
        for load in loads
    ]
    p50, p99 = np.median([row[0] for row in rows], axis=0).tolist()
    ratio = "" if beside is None else f"   x{p99 / beside:.2f} of quiet"
    answered, degraded = (float(np.mean([row[at] for row in rows])) for at in (1, 2))
    print(
        f"{name:32} p50 {p50:7.2f}  p99 {p99:7.2f} ms  answered {answered:.2%}  degraded {degraded:.1%}{ratio}",
        flush=True,
    )
    return p99


def ranks(workspace: Workspace, n: int, rng: np.random.Generator) -> list[Post]:
    """n requests that have 100 items of the catalogue ranked."""
    design, state = workspace.design, workspace.state(workspace.current())
    members, items = (state.ids[of].names() for of in (design.member, design.item))
    bodies = (
        {"member": member.decode(), "items": [item.decode() for item in rng.choice(items, 100, replace=False)]}
        for member in rng.choice(members, n)
    )
    return [Post("/v1/rank", msgspec.json.encode(body)) for body in bodies]


def bulk(served: Served, events: Events, rng: np.random.Generator, *, seconds: float) -> None:
    """Print how many events a second are acknowledged to clients that wait for each answer."""
    bodies = batches(events, n=int(60 * seconds), size=BULK, rng=rng, mark=f"bulk-{time.time_ns()}")
    parts = [bodies[client::CLIENTS] for client in range(CLIENTS)]
    # All are due at once and each client has one connection: the next goes out when the last was answered.
    loads = run_all(served.url, [Stream(part, np.zeros(len(part)), 1) for part in parts], timeout_s=120)
    took = max(float(np.nanmax(load.ended)) for load in loads)
    count = sum(load.events for load in loads)
    print(
        f"events, {CLIENTS} clients, batches of {BULK}: {count / took:,.0f}/s acknowledged ({count:,} in {took:.1f} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rng, mine = np.random.default_rng(0), Workspace(given.dir)
    posts, events = from_log(mine, n=int(2 * given.rate * given.seconds) + 64, rng=rng)
    with copied(mine) as folder:
        workspace = Workspace(folder)
        first, second = workspace.current().id, another(workspace)
        found: dict[str, list[Load]] = {"quiet": [], "events at 5 000/s": [], "a release swapped": []}
        with running(folder) as served:
            quiet(served, posts[:64], np.arange(64) / 20)  # Pages are read, code is warm.
            for number in range(given.rounds):
                due = poisson(given.rate, given.seconds, rng)
                asked = posts[: len(due)]
                found["quiet"].append(quiet(served, asked, due))
                count = int(EVENTS_PER_S / BATCH * given.seconds)
                bodies = batches(events, n=count, size=BATCH, rng=rng, mark=f"flow-{time.time_ns()}")
                found["events at 5 000/s"].append(under_events(served, asked, due, bodies))
                release = second if number % 2 == 0 else first
                found["a release swapped"].append(
                    under_swap(served, asked, due, lambda to=release: workspace.promote(to))
                )
            print(f"{given.rate:g} requests/s for {given.seconds:g} s, median of {given.rounds} rounds")
            beside = line("quiet", found["quiet"])
            for name in list(found)[1:]:
                line(name, found[name], beside)
            if not mine.design.estimates:
                due = poisson(given.rate, given.seconds, rng)
                line("/v1/rank of 100 items", [quiet(served, ranks(workspace, len(due), rng), due)])
            bulk(served, events, rng, seconds=5)


if __name__ == "__main__":
    main()
