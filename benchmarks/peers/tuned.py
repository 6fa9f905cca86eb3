"""The strongest stack that we could build of others' parts: faiss + CatBoost + NumPy arrays in one process, raw ASGI.

    python -m benchmarks.peers.tuned build|serve FOLDER [--port 8012]

What was tuned (2 cores; the times are of single calls on one thread):

- **faiss**: every index of `faiss_choice.TRIED` is built and timed one query at a time; the fastest with recall >= 0.99
  against the exact answer is taken, so that it gives as good candidates as an exact search. Among them is the trick
  that norms which spread invite: search only the longest vectors.
- **CatBoost**: symmetric trees, 300 of depth 6, scored by its C++ on one thread. From a Fortran-ordered float32 table a
  Pool is made without a copy: 500 rows in 0.44 ms, 0.66 from a C-ordered one, of which 0.30 is making the Pool.
- **features** are arrays in the process: one `take` for the 30 of the items, the rest are written beside it.
- **HTTP**: raw ASGI, orjson, uvicorn with uvloop and httptools, no access log. Decisions run in two threads: faiss and
  CatBoost let go of the GIL, so that the one worker uses both cores (at 400 requests/s p99 was 12 ms, and 43 ms with
  the decision in the event loop; below 200/s the two did not differ).
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import catboost
import faiss
import numpy as np
import orjson
import uvicorn
from numpy.typing import NDArray

from . import faiss_choice
from .data import COLUMNS, DEVICES, EACH, HISTORY, ITEM_FEATURES, MEMBER_FEATURES, SEED, SLATE, Data

TREES, DEPTH, THREADS = 300, 6, 2
REQUEST = ITEM_FEATURES + MEMBER_FEATURES
"""The first column of what comes with the request: devices, hour, score and place follow."""


def build(folder: Path) -> None:
    """The index and the forest of a world, beside its arrays."""
    out = folder / "tuned"
    out.mkdir(exist_ok=True)
    if not (out / "forest.cbm").exists():
        _forest().save_model(str(out / "forest.cbm"))
    if not (out / "tuned.json").exists():
        chosen = faiss_choice.choose(Data(folder), out)
        (out / "tuned.json").write_text(json.dumps(chosen, indent=2))


def _forest() -> catboost.CatBoostClassifier:
    """300 trees on noise: labels that depend on many columns, so that all levels split."""
    rng = np.random.default_rng(SEED)
    rows = rng.standard_normal((30_000, COLUMNS), np.float32)
    labels = (rows @ rng.normal(size=COLUMNS) + rng.normal(0, 5, len(rows)) > 0).astype(int)
    forest = catboost.CatBoostClassifier(
        iterations=TREES, depth=DEPTH, learning_rate=0.05, thread_count=2, random_seed=SEED, verbose=False
    )
    return forest.fit(rows, labels)


class Stack:
    """All that a request reads, in memory."""

    def __init__(self, folder: Path) -> None:
        data = Data(folder)
        faiss.omp_set_num_threads(1)
        self.search = faiss_choice.load(folder / "tuned", json.loads((folder / "tuned" / "tuned.json").read_text()))
        self.forest = catboost.CatBoost().load_model(str(folder / "tuned" / "forest.cbm"))
        self.items, self.members = np.array(data.item_features), np.array(data.member_features)
        self.vectors, self.history = np.array(data.member_vectors), np.array(data.history)
        self.popular = np.array(data.popular).astype(np.int64)
        self.devices = {name: np.arange(len(DEVICES)) == n for n, name in enumerate(DEVICES)}
        self.none = np.zeros(len(DEVICES), bool)

    def decide(self, member: str, device: str, k: int) -> list[tuple[int, float]]:
        """The best k items of a member, with their scores."""
        number = int(member[1:])
        seen = self.history[number]
        scores, found = self.search(self.vectors[number : number + 1], EACH + HISTORY)
        near = ~np.isin(found[0], seen)
        nearest = found[0][near][:EACH]
        others = self.popular[~np.isin(self.popular, seen)][:EACH]
        rows = np.concatenate([nearest, others[~np.isin(others, nearest)]])
        table = self._table(rows, number, device, scores[0][near][:EACH])
        values = self.forest.predict(table, thread_count=1)
        best = np.argpartition(-values, k)[:k] if k < len(values) else np.arange(len(values))
        best = best[np.argsort(-values[best])]
        return list(zip(rows[best].tolist(), values[best].tolist(), strict=True))

    def _table(self, rows: NDArray[np.int64], number: int, device: str, scores: NDArray[np.float32]) -> NDArray[Any]:
        table = np.empty((len(rows), COLUMNS), np.float32, order="F")
        table[:, :ITEM_FEATURES] = self.items.take(rows, axis=0)
        table[:, ITEM_FEATURES:REQUEST] = self.members[number]
        table[:, REQUEST:-3] = self.devices.get(device, self.none)
        table[:, -3] = 12.0
        table[:, -2:] = np.nan
        table[: len(scores), -2] = scores
        table[: len(scores), -1] = np.arange(len(scores), dtype=np.float32)
        return table


def app(stack: Stack) -> Callable[..., Awaitable[None]]:
    """The ASGI application: one route, no framework."""
    threads = ThreadPoolExecutor(THREADS)

    async def recommend(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/recommend":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        ask = orjson.loads(body)
        wanted = ask["member"], ask.get("context", {}).get("device", ""), ask.get("k", SLATE)
        slate = await asyncio.get_running_loop().run_in_executor(threads, stack.decide, *wanted)
        items = [{"item": f"v{row}", "position": n + 1, "score": score} for n, (row, score) in enumerate(slate)]
        answer = orjson.dumps({"member": ask["member"], "items": items})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return recommend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "serve"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8012)
    given = parser.parse_args()
    if given.what == "build":
        build(given.folder)
    else:
        served = app(Stack(given.folder))
        uvicorn.run(
            served,
            port=given.port,
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_level="warning",
            access_log=False,
        )


if __name__ == "__main__":
    main()
