"""How well times are estimated on real data, beside LightGBM and what is published.

    python benchmarks/times.py [--only india] [--part test|validation] [--peers PYTHON]

Each set is read by the mapping of its example and learned by its design; time is cut as the design says, and all rows before
the test are the peers' to learn from. `--part validation` judges on the last part of what lies before the test, to choose
settings by. LightGBM runs in the interpreter PYTHON, which needs lightgbm and numpy:

    python -m venv PEERS && PEERS/bin/pip install lightgbm numpy

Numbers are minutes: the median is judged by MAE, the mean by RMSE, the 90 % interval by what it covers. Data is read from
SIXFOLD_DATA (default ../shared/data).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Run as a file, only its own folder is on the path.
sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.quality import HOME, filled

from sixfold import journey, loading
from sixfold.design import Design
from sixfold.evaluation.results import Measures
from sixfold.events.hashing import Hashes, hash_strings
from sixfold.events.schema import Events, concat
from sixfold.training import estimates
from sixfold.training.estimates import Timed
from sixfold.training.material import Material, prepare

EXAMPLES = Path(__file__).parent.parent / "examples"
PEER = Path(__file__).parent / "peers" / "boosted.py"
MEASURES = ("MAE", "RMSE", "share covered")

Raw = Callable[[Hashes], "Columns"]
"""The raw columns of decisions by the hashes of their ids (n,)."""


@dataclass(frozen=True)
class Columns:
    """A table (n, columns) as a peer sees it; categorical numbers the columns that hold codes."""

    values: NDArray[np.float64]
    categorical: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The log of a set cut in two: what peers learn from, and what all are judged on."""

    material: Material
    training: Timed
    test: Timed


def cut(design: Design, events: Events, part: str) -> Events:
    """The log, for validation without its test part."""
    return events if part == "test" else events.before(prepare(design, [events]).cuts.third)


def rows_of(design: Design, events: Events) -> Rows:
    """The rows before the test, calibration included, and those of the test."""
    material = prepare(design, [events])
    cuts = material.cuts
    return Rows(
        material, estimates.rows(material, cuts.start, cuts.third), estimates.rows(material, cuts.third, cuts.end)
    )


def ours(design: Design, events: Events) -> Mapping[str, Measures]:
    """Every system of the design's own table on the test part, the estimator last."""
    return journey.train(design, [events]).evaluation.systems


def boosted(python: str, rows: Rows, raw: Raw | None) -> dict[str, float]:
    """LightGBM on raw columns, or on our features where none are given."""
    parts = {"": rows.training, "test_": rows.test}
    tables = {
        name: Columns(one.table.astype(np.float64)) if raw is None else raw(one.decision) for name, one in parts.items()
    }
    arrays = {f"{name}x": table.values for name, table in tables.items()}
    arrays |= {f"{name}y": one.label.astype(np.float64) / 60 for name, one in parts.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npz"
        np.savez(path, categorical=np.array(tables[""].categorical, np.int64), **arrays)
        done = subprocess.run([python, str(PEER), str(path)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(
            f"{python} could not run LightGBM ({done.stderr.strip().splitlines()[-1:]}); see --help for --peers"
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])  # Above it, what LightGBM has to say.
    return found


def line(name: str, found: Mapping[str, float]) -> None:
    print(f"  {name:28}" + "".join(f"{found[measure]:14.4f}" for measure in MEASURES), flush=True)


def table(name: str, design: Design, events: Events, raw: Raw, peers: str | None) -> None:
    """The lines of one set."""
    rows = rows_of(design, events)
    print(f"{name}: {len(rows.training)} rows before the test, {len(rows.test)} in it")
    print(f"  {'':28}" + "".join(f"{measure:>14}" for measure in MEASURES))
    for system, measures in ours(design, events).items():
        line(
            "Sixfold" if system == "quantiles" else system,
            {key: float(measures[key].value or np.nan) for key in MEASURES},
        )
    if peers is None:
        print("  LightGBM: not asked; give --peers PYTHON")
        return
    line("LightGBM, raw columns", boosted(peers, rows, raw))
    line("LightGBM, our features", boosted(peers, rows, None))


# The sets


def india(part: str, peers: str | None) -> None:
    """Food orders in 22 cities: the first 80 % by order time, the last 20 % to judge on."""
    path, example = HOME / "delivery-time-india" / "deliveries.csv.gz", EXAMPLES / "delivery-india"
    if not path.exists():
        print(f"delivery-time-india: skipped, {path} is absent; set SIXFOLD_DATA")
        return
    workspace, taken = filled(example, path)
    print("\n".join(one for file in taken for one in (str(file), *file.details())))
    design = loading.load(example / "design.py")
    events = cut(design, concat(workspace.batches()), part)
    table(f"delivery-time-india, {part} part", design, events, _raw_india(path), peers)
    print(
        "  published, on random splits: MAE 3.504, RMSE 4.381 (a tree ensemble); RMSE 4.108 (LightGBM), 4.290 (XGBoost)"
    )


INDIA_NUMBERS = (
    "Delivery_person_Age", "Delivery_person_Ratings", "Restaurant_latitude", "Restaurant_longitude",
    "Delivery_location_latitude", "Delivery_location_longitude", "Vehicle_condition", "multiple_deliveries",
)  # fmt: skip
INDIA_CATEGORIES = (
    "Weather_conditions", "Road_traffic_density", "Type_of_order", "Type_of_vehicle", "Festival", "City", "City_Name",
)  # fmt: skip


def _raw_india(path: Path) -> Raw:
    """What the file says of an order that is placed, as it says it: numbers, codes, and its day and time as numbers.

    Not the courier's id, of 1 320 values: LightGBM is worse with it on the validation part.
    """
    with gzip.open(path, "rt", newline="") as stream:
        held = list(csv.DictReader(stream))
    columns = [[float(row[name] or "nan") for row in held] for name in INDIA_NUMBERS]
    columns.append(
        [float(row["Time_Orderd"][:2] or "nan") * 60 + float(row["Time_Orderd"][3:] or "nan") for row in held]
    )
    columns.append([float(np.datetime64(row["Order_Date"], "D").astype(np.int64) % 7) for row in held])
    for name in INDIA_CATEGORIES:
        codes = {cell: code for code, cell in enumerate(sorted({row[name] for row in held} - {""}))}
        columns.append([float(codes.get(row[name], -1)) for row in held])
    values, ids = np.array(columns).T, hash_strings(np.array([row["ID"].encode() for row in held]))
    order = np.argsort(ids)
    first = len(columns) - len(INDIA_CATEGORIES)

    def raw(decisions: Hashes) -> Columns:
        return Columns(values[order[np.searchsorted(ids[order], decisions)]], tuple(range(first, len(columns))))

    return raw


SETS: dict[str, Callable[[str, str | None], None]] = {"india": india}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=tuple(SETS))
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--peers", help="an interpreter that has lightgbm and numpy")
    given = parser.parse_args()
    for name, run in SETS.items():
        if given.only in (None, name):
            start = time.perf_counter()
            run(given.part, given.peers)
            print(f"({time.perf_counter() - start:.0f} s)")


if __name__ == "__main__":
    main()
