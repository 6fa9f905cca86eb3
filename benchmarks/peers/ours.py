"""A Sixfold workspace as large as the world, made from arrays and without training.

    OMP_NUM_THREADS=1 python -m benchmarks.peers.ours build|profile --cache FOLDER [--quick] [--norms equal]

Nothing here is special to the benchmark but that the forest is random: the design is written in the language (`design`),
the log by `EventLog` (`events`), the release by `release.write`; `sixfold serve` serves it as any other. `profile` runs
decisions one after the other in this process and prints where the milliseconds go.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sixfold import golden, pipeline, release
from sixfold.errors import ReleaseError
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import concat
from sixfold.pipeline import Model
from sixfold.training.material import prepare
from sixfold.types import SECOND, Asks, Cuts
from sixfold.workspace import Workspace

from .data import EACH, FULL, NORMS, QUICK, SPAN_S, START, Data, make
from .data import recall as found_of
from .design import design, model, queries
from .events import batches

STAGES = ("retrieval", "filters", "features", "scores", "slate")


def build(data: Data) -> Workspace:
    """The workspace of a world, written if there is none that this Sixfold reads; its state is folded when it is opened."""
    workspace = Workspace(data.folder / "ours")
    with contextlib.suppress(ReleaseError):
        workspace.current()
        return workspace
    workspace.folder.mkdir(parents=True, exist_ok=True)
    (workspace.folder / "design.json").write_bytes(design().to_json())
    (workspace.folder / "design.py").write_text(
        "from pathlib import Path\n\nfrom sixfold.loading import from_json\n\n"
        'design = from_json(Path(__file__).with_name("design.json").read_bytes())\n'
    )
    with workspace.log(create=True) as log:
        # Ids are the same in every run, so that a log which was cut short is completed and nothing counts twice.
        for events in batches(data):
            log.append(events)
    material = prepare(design(), workspace.batches(), cuts=_cuts())
    made = model(data, material)
    written = release.write(
        workspace.releases, made,
        items=np.array(material.ids["video"].names()), titles=material.titles(),
        sample=golden.sample(made, concat(workspace.batches())),
        digest=material.digest, cuts=material.cuts, metrics={},
    )  # fmt: skip
    workspace.promote(written.id)
    return workspace


def _cuts() -> Cuts:
    """Nothing is trained, so the cuts only say up to when vocabularies look: to the end."""
    end = (START + SPAN_S) * SECOND
    return Cuts(START * SECOND, end, end, end, end, end)


def recall(data: Data) -> float:
    """The share of the exact answer that the release's index finds, for the vectors that the peers' indexes are judged by."""
    index = build(data).current().model.sources["als"].index
    vectors = np.array(data.member_vectors[data.asked])
    nobody = queries(np.full((len(vectors), 1), -1, np.int32), len(data.vectors))
    return found_of(index.search(replace(nobody, ts=nobody.ts + 1), vectors, EACH).ids, np.array(data.exact))


def profile(workspace: Workspace, data: Data, requests: int) -> None:
    """Print the milliseconds of each stage, in this process and one request after the other."""
    found = workspace.current()
    state = workspace.state(found)
    spent: list[list[float]] = []
    ranked = []
    for member in np.resize(data.asked, requests).tolist():
        row = state.ids["member"].rows(np.array([f"m{member}".encode()]))
        asks = Asks(row, np.array([state.now() + 1]), {"context.device": hash_strings(np.array([b"tv"]))})
        times, candidates = _decision(found.model, state, asks)
        spent.append([*np.diff(times).tolist(), times[-1] - times[0]])
        ranked.append(candidates)
    print(f"{len(found.model.columns)} columns, {np.median(ranked):.0f} candidates ranked (median)")
    middle, late = 1e3 * np.percentile(spent[requests // 10 :], [50, 99], axis=0)
    for stage, p50, p99 in zip((*STAGES, "all"), middle, late, strict=True):
        print(f"  {stage:<10} p50 {p50:8.2f} ms   p99 {p99:8.2f} ms")


def _decision(model: Model, known: pipeline.Known, asks: Asks) -> tuple[list[float], int]:
    """The stages of `pipeline`, in its order: the clock before each and at the end, and how many were ranked."""
    design, clock = model.design, time.perf_counter
    times = [clock()]
    merged = pipeline.retrieve(model.sources, pipeline.asked(design, known, asks), design.learning.candidates)
    times.append(clock())
    pool = pipeline.filtered(design, known, asks, merged)
    times.append(clock())
    features = pipeline.table(design, model.features, model.sources, known, pool)
    times.append(clock())
    value = model.heads.formula(model.heads.columns(features))
    times.append(clock())
    pipeline.slates(pool, value, design.problem.decides.size)
    return [*times, clock()], len(pool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "profile"))
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "sixfold-decision")
    parser.add_argument("--norms", choices=NORMS, default="spread")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--requests", type=int, default=200)
    given = parser.parse_args()
    data = make(given.cache, QUICK if given.quick else FULL, given.norms)
    workspace = build(data)
    if given.what == "profile":
        profile(workspace, data, given.requests)


if __name__ == "__main__":
    main()
