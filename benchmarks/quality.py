"""How well: two stages against their own best retriever on MovieLens-1M, and against the truth of the video world.

    python benchmarks/quality.py [--only movielens|world] [--part test|validation] [--members 5000 --days 30]

MovieLens-1M (users 1 to 2999, the half whose times are complete): time is cut by events, 80 % to learn from (cut again for
retrievers, ranker and calibration), 10 % to choose settings on (`--part validation`), 10 % test. Relevant is any rating of
the part, histories are frozen at its start, intervals are clustered by user, users without a history are judged apart.
Data is read from SIXFOLD_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sixfold import beginning, journey, loading, pipeline
from sixfold.evaluation import slates
from sixfold.ingest import Taken, ingest
from sixfold.language import ndcg, recall
from sixfold.pipeline import Model
from sixfold.training import heads, run
from sixfold.training.cache import Cache
from sixfold.training.examples import examples
from sixfold.training.heads import Rows
from sixfold.training.material import Material, prepare
from sixfold.types import Cuts
from sixfold.workspace import Workspace
from sixfold.worlds.video import VideoWorld

EXAMPLE = Path(__file__).parent.parent / "examples" / "movielens"
HOME = Path(os.environ.get("SIXFOLD_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
DATA = HOME / "movielens-1m"
FILES = ("ratings_users_1_2999.csv.gz", "movies.dat", "users.dat")


def filled(example: Path, *files: Path) -> tuple[Workspace, list[Taken]]:
    """A workspace with what an example's mapping makes of some files, and what became of each."""
    workspace = Workspace(Path(tempfile.mkdtemp(prefix="sixfold-")))
    return workspace, [ingest(workspace, path, example / "mapping.toml", now=time.time_ns() // 1000) for path in files]


def movielens(part: str) -> None:
    """The table of MovieLens-1M on one part."""
    if not DATA.exists():
        print(f"MovieLens-1M: skipped, {DATA} is absent; set SIXFOLD_DATA")
        return
    start = time.perf_counter()
    workspace, _ = filled(EXAMPLE, *(DATA / name for name in FILES))
    wanted, events = loading.load(EXAMPLE / "design.py"), list(workspace.batches())
    fitted = prepare(wanted, events, cuts=_cuts(prepare(wanted, events)))
    judged = fitted if part == "validation" else replace(fitted, cuts=_later(fitted))
    model = _model(fitted)
    test = slates.test(judged, model.sources, most=1_000_000, rng=np.random.default_rng(0))
    given = {name: slates.of_source(test, i, 100) for i, name in enumerate(model.sources)}
    given["two stages"] = pipeline.slates(test.pool, slates.ranked(model, judged, test), 100)
    print(f"MovieLens-1M, {part} part: {(~test.cold).sum()} users with a history, {test.cold.sum()} without")
    _print(judged, test, given)
    print(f"({time.perf_counter() - start:.0f} s)")


def _cuts(material: Material) -> Cuts:
    """80 / 10 / 10 by events, the 80 cut at 50 and 70; `third` and `end` bound the validation part."""
    ts = np.sort(material.interactions(material.design.history).ts)
    at = [int(ts[int(share * len(ts))]) for share in (0.5, 0.7, 0.8, 0.9)]
    return Cuts(int(ts[0]), *at, at[-1])


def _later(material: Material) -> Cuts:
    """The same cuts with the test in place of the validation part."""
    cuts, ts = material.cuts, material.interactions(material.design.history).ts
    end = int(ts.max()) + 1
    return Cuts(cuts.start, cuts.first, cuts.second, cuts.end, end, end)


def _model(material: Material) -> Model:
    """The design's model, learned from what lies before the validation part."""
    cuts, cache, stages = material.cuts, Cache(), run.Stages()
    sources = run.fit_sources(material, cuts.first, cache, stages)
    spans = ((cuts.first, cuts.second), (cuts.second, cuts.third))
    rows = []
    for span in spans:
        made = examples(material, sources, *span, np.random.default_rng(0), share=1.0)
        rows.append(Rows(made, made.table(material, sources)))
    fitted = heads.fit(material, material.design.learning.ranker, *rows)
    return Model(material.design, material.features, run.fit_sources(material, cuts.third, cache, stages), fitted)


def _print(material: Material, test: slates.Test, given: dict[str, np.ndarray]) -> None:
    rng, metrics = np.random.default_rng(0), (ndcg(at=10), recall(at=100))
    warm, cold = (slates.Judge(material, test, over) for over in (~test.cold, test.cold))
    found = {name: warm.measures(metrics, slate, rng) for name, slate in given.items()}
    print(f"  {'':12} {'nDCG@10':>24} {'recall@100':>24} {'nDCG@10 without history':>26}")
    for name, slate in given.items():
        without = cold.measures(metrics[:1], slate, rng)
        cells = [f"{m.value:.4f} [{m.low:.4f}, {m.high:.4f}]" for m in found[name].values()]
        print(f"  {name:12} {cells[0]:>24} {cells[1]:>24} {next(iter(without.values())).value:>26.4f}")
    best = max(
        (name for name in given if name != "two stages"), key=lambda name: found[name][str(metrics[0])].value or 0
    )
    for metric in metrics:
        by = warm.ahead(metric, given["two stages"], given[best], rng)
        word = "wins" if by.low > 0 else "loses" if by.high < 0 else "cannot be told apart"
        print(f"  two stages - {best} in {metric}: {by.value:+.4f} [{by.low:+.4f}, {by.high:+.4f}]: {word}")


def world(members: int, days: int) -> None:
    """The shipped video design in the middle world, judged by its truth."""
    start = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="sixfold-"))
    beginning.from_system("video", folder / "video")
    workspace = Workspace(folder / "video")
    knobs = VideoWorld(members=members, days=days)
    beginning.fill(workspace, "video", knobs)
    trained = journey.train(workspace.design, workspace.batches(), into=workspace.releases, world=knobs.truth())
    found = trained.evaluation
    assert found.truth is not None
    print(f"video world, middle difficulty, {members} members, {days} days: mean true value of a slate of 20")
    for name, value in sorted(found.truth.value.items(), key=lambda pair: pair[1]):
        print(f"  {name:12} {value:8.4f}")
    print(f"  the gap from popularity to the oracle is closed by {100 * found.truth.gap_closed:.1f} %")
    ratio = found.systems[found.chosen]["calibration"]
    print(f"  predicted / observed {ratio.value:.4f} [{ratio.low:.4f}, {ratio.high:.4f}], by tenth:")
    print("  " + " ".join(f"{tenth.predicted / tenth.observed:.3f}" for tenth in next(iter(found.bins.values()))))
    print(f"({time.perf_counter() - start:.0f} s)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("movielens", "world"))
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--members", type=int, default=5000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    if given.only != "world":
        movielens(given.part)
    if given.only != "movielens":
        world(given.members, given.days)


if __name__ == "__main__":
    main()
