"""How much memory a service takes: a second worker, and what is kept of one member.

    python benchmarks/memory.py --dir WORKSPACE [--requests 400]

Serves a workspace that has a release with one worker and then with two, asks the same requests of each, and prints the
proportional set size of all its processes (a page that n of them share counts 1/n to each; Linux). Then what the state
keeps of one member and of one item, by array, as bytes of the rows that are in use.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

import numpy as np

# Run as a file, only its own folder is on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.peers.stacks import family

from sixfold.features.online import State
from sixfold.scaling.asks import from_log
from sixfold.scaling.play import run
from sixfold.scaling.schedule import poisson
from sixfold.scaling.served import running
from sixfold.scaling.wire import Post
from sixfold.workspace import Workspace

MIB = 1 << 20


def pss(pid: int) -> int:
    """Bytes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return 1024 * int(found[1])


def measured(folder: Path, workers: int, posts: list[Post]) -> int:
    """The bytes of all processes of a service after it answered the posts."""
    with running(folder, "--workers", str(workers)) as served:
        load = run(served.url, posts, poisson(50.0, len(posts) / 50, np.random.default_rng(0)), connections=16)
        time.sleep(1)
        each = {one: pss(one) for one in family([served.process.pid])}
        total = sum(each.values())
        named = ", ".join(f"{bytes_ / MIB:.0f}" for bytes_ in sorted(each.values(), reverse=True))
        answered = f"{load.ok.mean():.1%} answered"
        print(f"{workers} worker{'s' if workers > 1 else ' '}: {total / MIB:7.1f} MiB in all ({named}); {answered}")
        return total


def kept(state: State, entity: str) -> None:
    """What a state keeps for each row of an entity, by array."""
    count = len(state.ids[entity])
    if not count:
        return
    found = {name: size for name, size in state.store.nbytes().items() if _is_of(name, entity)}
    print(
        f"\n{count:,} {entity}: {sum(found.values()) / count:,.0f} bytes each, with the room that arrays have to grow"
    )
    for name, size in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"  {size / count:8.1f}  {name}")


def _is_of(name: str, entity: str) -> bool:
    """Whether an array grows with an entity: its ids, its attributes, its cells, what members did and saw."""
    parts = re.split(r"[.+]", name)
    return entity in parts or (name.split(".")[0] in ("history", "seen") and entity == "member")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=400)
    given = parser.parse_args()
    workspace = Workspace(given.dir)
    posts, _ = from_log(workspace, n=given.requests, rng=np.random.default_rng(0))
    one, two = (measured(given.dir, workers, posts) for workers in (1, 2))
    print(f"a second worker: x{two / one:.2f}")
    release = workspace.current()
    state = workspace.state(release)
    for entity in release.features.entities(release.design.memory):
        kept(state, entity)


if __name__ == "__main__":
    main()
