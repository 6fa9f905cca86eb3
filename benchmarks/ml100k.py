"""MovieLens-100K under the protocol of recommenders-team/recommenders: how good are the retrievers?

    python benchmarks/ml100k.py             the test set, with the settings below
    python benchmarks/ml100k.py --search    how they were chosen, on a part of the training rows

The data are looked for in $SIXFOLD_DATA, else ../shared/data beside the checkout.

Protocol (that project's README, table of algorithms): of each item's ratings 75 % train and 25 % test, at
random, seed 42; the ten best items that the member has not rated in training; every test item is
relevant, whatever its rating; MAP is over all of a member's test items. Their splitter draws a uniform
number for each row of the file, sorts by item and number, and gives the first round(0.75 n) of an item's
n rows to training: `split` is that, 75 066 and 24 934 rows. Published there, nDCG@10: BiVAE 0.475, BPR 0.442,
LightGCN 0.420, NeuMF 0.396, SAR 0.382.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sixfold.metrics.ranking import Judged, average_precision, judge, ndcg, precision, recall
from sixfold.retrieval import ALS, EASE, ItemItem, Popular, Retriever
from sixfold.retrieval.merge import blend
from sixfold.types import SECOND, Interactions, Queries, Retrieved

Ratings = NDArray[np.int64]
"""(n, 4): member, item, rating, ts in seconds, as the file has them."""

AT = 10
DEPTH = 100
"""How many items each retriever of a blend is asked for."""

CHOSEN: dict[str, Retriever] = {
    "popularity": Popular(),
    "item-item": ItemItem(neighbours=1000, shrink=0.0),
    "EASE": EASE(l2=300.0),
    "ALS": ALS(factors=64, iterations=16, unobserved=0.2, l2=0.02),
}
BLENDED: dict[str, float] = {"ALS": 1.0, "EASE": 1.0}
"""Settings chosen by --search, and the weights of the blend; the test rows had no say."""

GRIDS: dict[str, list[Retriever]] = {
    "item-item": [ItemItem(neighbours=n, shrink=s, spread=p) for n, s, p in product((50, 200, 1000), (0, 5), (0.5, 1))],
    "EASE": [EASE(l2=l2) for l2 in (200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1200.0)],
    "ALS": [
        ALS(factors=f, iterations=16, unobserved=u, l2=l2)
        for f, u, l2 in product((32, 64), (0.05, 0.1, 0.2, 0.4), (0.01, 0.02, 0.03))
    ],
}


def load(folder: Path) -> Ratings:
    """All ratings, members and items numbered from 0, in the order of the file: the split depends on it."""
    ratings = np.loadtxt(folder / "u.data", dtype=np.int64)
    ratings[:, :2] -= 1
    return ratings


def split(ratings: Ratings, *, seed: int, share: float = 0.75) -> tuple[Ratings, Ratings]:
    """Training and test rows, of each item the same share."""
    # The legacy generator on purpose: their numbers are NumPy's of old, and so are its rows.
    draw = np.random.RandomState(seed).rand(len(ratings))
    order = np.lexsort((draw, ratings[:, 1]))
    sizes = np.bincount(ratings[:, 1])
    place = np.arange(len(ratings)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = place < np.repeat(np.round(share * sizes), sizes)
    return ratings[order[first]], ratings[order[~first]]


def interactions(train: Ratings, members: int, items: int) -> Interactions:
    """The training rows as a retriever learns from them: that a film was rated, not how."""
    by_time = train[np.argsort(train[:, 3], kind="stable")]
    member, item, _, ts = by_time.T
    ones = np.ones(len(by_time), np.float32)
    return Interactions(member.astype(np.int32), item.astype(np.int32), ts * SECOND, ones, members, items)


def queries(seen: Interactions) -> Queries:
    """One query a member, right after the last training row: the whole history, and none of it again."""
    order = np.lexsort((-seen.ts, seen.member))
    sizes = np.bincount(seen.member, minlength=seen.members)
    place = np.arange(len(seen)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    history = np.full((seen.members, int(sizes.max())), -1, np.int32)
    history_ts = np.zeros(history.shape, np.int64)
    history[seen.member[order], place] = seen.item[order]
    history_ts[seen.member[order], place] = seen.ts[order]
    now = np.full(seen.members, seen.ts.max() + 1)
    everyone = np.arange(seen.members, dtype=np.int32)
    return Queries(now, everyone, history, history_ts, history, np.zeros(seen.items, np.int64))


def measured(answer: Retrieved, test: Ratings) -> dict[str, float]:
    """MAP, nDCG@10, P@10 and R@10: means over the members with a test item."""
    judged = judge(answer.ids[:, :AT], request=test[:, 0], item=test[:, 1])
    metrics: dict[str, Callable[[Judged], NDArray[np.float64]]] = {
        "MAP": average_precision,
        "nDCG@10": ndcg,
        "P@10": precision,
        "R@10": recall,
    }
    return {name: float(np.nanmean(metric(judged))) for name, metric in metrics.items()}


def answered(spec: Retriever, seen: Interactions, asked: Queries) -> tuple[Retrieved, float]:
    """The DEPTH best of each member, and the seconds that the fit took."""
    start = time.perf_counter()
    fitted = spec.fit(seen, asked.born, np.random.default_rng(0))
    seconds = time.perf_counter() - start
    return fitted.retrieve(asked, DEPTH), seconds


def blended(answers: Mapping[str, Retrieved], weights: Mapping[str, float]) -> Retrieved:
    return blend({name: answers[name] for name in weights}, list(weights.values()), AT)


def report(train: Ratings, test: Ratings, members: int, items: int) -> None:
    """The table: the chosen settings, fitted on the training rows and judged on the test rows."""
    seen = interactions(train, members, items)
    asked = queries(seen)
    print(f"{len(train)} train rows, {len(test)} test rows, {len(np.unique(test[:, 0]))} members in test\n")
    print(f"{'':18}{'MAP':>9}{'nDCG@10':>9}{'P@10':>9}{'R@10':>9}{'fit s':>9}")
    answers = {}
    for name, spec in CHOSEN.items():
        answers[name], seconds = answered(spec, seen, asked)
        line(name, measured(answers[name], test).values(), f"{seconds:9.2f}")
    line(" + ".join(BLENDED), measured(blended(answers, BLENDED), test).values())


def line(name: str, values: Iterable[float], end: str = "") -> None:
    print(f"{name:18}" + "".join(f"{value:9.4f}" for value in values) + end, flush=True)


def search(train: Ratings, members: int, items: int) -> None:
    """nDCG@10 of every setting of the grids on a tenth of the training rows, taken off in the same way.

    A tenth, so that what is left is nearly as dense as what the setting is for; twice, for it is few rows.
    """
    parts = [split(train, seed=seed, share=0.9) for seed in (1, 2)]
    seen = [interactions(kept, members, items) for kept, _ in parts]
    asked = [queries(one) for one in seen]

    def score(answers: list[Retrieved]) -> float:
        held = (held for _, held in parts)
        return float(np.mean([measured(*pair)["nDCG@10"] for pair in zip(answers, held, strict=True)]))

    best: dict[str, list[Retrieved]] = {}
    for name, grid in GRIDS.items():
        for spec in grid:
            answers = [answered(spec, *pair)[0] for pair in zip(seen, asked, strict=True)]
            print(f"{score(answers):.4f}  {spec}", flush=True)
            best[name] = max(best.get(name, answers), answers, key=score)
    for ease, item in product((0.25, 0.5, 1.0, 2.0), (0.0, 0.25)):
        weights = {"ALS": 1.0, "EASE": ease, "item-item": item}
        mixed = [blended({name: best[name][n] for name in weights}, weights) for n in range(len(parts))]
        print(f"{score(mixed):.4f}  {weights}", flush=True)


def main() -> None:
    home = Path(os.environ.get("SIXFOLD_DATA", Path(__file__).parents[1] / "../shared/data"))
    if not (home / "movielens-100k/u.data").exists():
        print(f"skipped: there is no movielens-100k/u.data in {home}; set SIXFOLD_DATA to the folder that has it")
        return
    ratings = load(home / "movielens-100k")
    members, items = (int(n) + 1 for n in ratings[:, :2].max(axis=0))
    train, test = split(ratings, seed=42)
    if "--search" in sys.argv[1:]:
        search(train, members, items)
    else:
        report(train, test, members, items)


if __name__ == "__main__":
    main()
