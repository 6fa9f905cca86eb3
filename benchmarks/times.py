"""How well times are estimated on real data, beside LightGBM and what is published.

    python benchmarks/times.py [--only india|doordash|nyc|nyc-fixed] [--part test|validation] [--peers PYTHON]

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

# Run as a file, only its own folder is on the path.
sys.path.insert(0, str(Path(__file__).parent.parent))
from benchmarks.quality import HOME, filled

from sixfold import journey, loading
from sixfold.design import Design
from sixfold.evaluation.results import Measures
from sixfold.events.hashing import Hashes, hash_strings
from sixfold.events.schema import Events, concat
from sixfold.features.clock import clock_of
from sixfold.features.spec import CONTEXT, Expected, Feature, Rate, expectations
from sixfold.language import context
from sixfold.training import estimates
from sixfold.training.estimates import Timed
from sixfold.training.material import Material, prepare
from sixfold.types import SECOND

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


def doordash(part: str, peers: str | None) -> None:
    """Deliveries of one to 240 minutes: the first 80 % by time, the last 20 % to judge on."""
    path, example = HOME / "delivery-duration-doordash" / "deliveries.parquet", EXAMPLES / "delivery-doordash"
    events = _logged(example, [path])
    if events is None:
        return
    design = loading.load(example / "design.py")
    events = cut(design, events, part)
    table(f"delivery-duration-doordash, {part} part", design, events, _raw_logged(design, events), peers)


def nyc(part: str, peers: str | None) -> None:
    """Trips of one to 120 minutes, by what is known when they begin: January and February 2022, then March."""
    _taxis("nyc-green-taxi, what is known at the start", ("2022-01", "2022-02", "2022-03"), part, peers)


def nyc_fixed(part: str, peers: str | None) -> None:
    """The protocol of the set's README: trips of one to 60 minutes with the distance driven, January 2021, then February."""
    _taxis("nyc-green-taxi, fixed protocol", ("2021-01", "2021-02"), part, peers, driven=True)
    print("  published for the fixed protocol: RMSE 7.7587 (linear regression), 6.3217 (XGBoost)")


def _taxis(name: str, months: tuple[str, ...], part: str, peers: str | None, *, driven: bool = False) -> None:
    folder, example = HOME / "nyc-green-taxi", EXAMPLES / "taxi-nyc"
    paths = [folder / "taxi_zones.csv", *(folder / f"green_tripdata_{month}.parquet" for month in months)]
    events = _logged(example, paths, longest="60m" if driven else "120m")
    if events is None:
        return
    design = loading.load(example / "design.py")
    local = clock_of(design.requirements.timezone).local(events.decisions["ts"]).astype("M8[us]").astype("M8[M]")
    inside = (local >= np.datetime64(months[0])) & (local <= np.datetime64(months[-1]))
    events, local = _kept(events, inside), local[inside]
    design = _split(
        driven_too(design) if driven else design, before=int((local < np.datetime64(months[-1])).sum()), of=len(local)
    )
    if part == "validation":
        events = cut(design, events, part)
        n = len(events.decisions["ts"])
        design = _split(design, before=n * 4 // 5, of=n)
    raw = _raw_logged(design, events, keys=("pickup", "dropoff"), leave_out=() if driven else ("miles",))
    table(f"{name}, {part} part", design, events, raw, peers)


def driven_too(design: Design) -> Design:
    """The design with the distance driven, which is known at the end, as a feature and as what a time is expected by."""
    miles = context("miles")
    swapped = {one: structs.replace(one, given=(*one.given, miles)) for one in expectations(design.learning.features)}

    def again(one: Feature) -> Feature:
        if isinstance(one, Expected):
            return swapped[one]
        if isinstance(one, Rate) and one.stream.over is not None:
            over = structs.replace(one.stream, over=swapped[one.stream.over])
            return structs.replace(one, stream=over, per=over)
        return one

    features = (*map(again, design.learning.features), miles)
    return structs.replace(design, learning=structs.replace(design.learning, features=features))


def _split(design: Design, *, before: int, of: int) -> Design:
    """The design with its test part beginning at decision `before` of so many, the rest cut as it says."""
    split = design.learning.split
    rest = split.retrievers + split.ranker + split.calibration
    parts = {name: getattr(split, name) / rest * before for name in ("retrievers", "ranker", "calibration")}
    learning = structs.replace(design.learning, split=structs.replace(split, test=of - before, **parts))
    return structs.replace(design, learning=learning)


def _kept(events: Events, keep: NDArray[np.bool_]) -> Events:
    """Only these decisions and what came of them."""
    ids = events.decisions["id"][keep]
    masks = {f"outcome {name}": np.isin(one["decision"], ids) for name, one in events.outcomes.items()}
    return events.select({"decision": keep, **masks})


def _logged(example: Path, paths: Sequence[Path], *, longest: str | None = None) -> Events | None:
    """The log that an example's mapping makes of files, by another longest time where one is given."""
    if missing := [path for path in paths if not path.exists()]:
        print(f"{example.name}: skipped, {missing[0]} is absent; set SIXFOLD_DATA")
        return None
    with tempfile.TemporaryDirectory() as folder:
        mapping = (example / "mapping.toml").read_text()
        if longest is not None:
            mapping = mapping.replace('at_most = "120m"', f'at_most = "{longest}"')
        Path(folder, "mapping.toml").write_text(mapping)
        workspace, taken = filled(Path(folder), *paths)
    print("\n".join(one for file in taken for one in (str(file), *file.details())))
    return concat(workspace.batches())


def _raw_logged(design: Design, events: Events, *, keys: tuple[str, ...] = (), leave_out: tuple[str, ...] = ()) -> Raw:
    """What was logged of each decision, as it is: numbers, codes, the keys named, and the local hour, minute and weekday."""
    held, clock = events.decisions, clock_of(design.requirements.timezone)
    columns = [clock.hour(held["ts"]), held["ts"] // (60 * SECOND) % 60, clock.weekday(held["ts"])]
    wanted = [name for name in held if name.startswith(CONTEXT) and name.removeprefix(CONTEXT) not in leave_out]
    columns += [held[name] for name in wanted if held[name].dtype.kind != "S"]
    first = len(columns)
    columns += [
        np.unique(held[name], return_inverse=True)[1] for name in (*wanted, *keys) if held[name].dtype.kind == "S"
    ]
    values, ids = np.stack(columns, axis=1).astype(np.float64), hash_strings(held["id"])
    order = np.argsort(ids)
    return lambda decisions: Columns(
        values[order[np.searchsorted(ids[order], decisions)]], tuple(range(first, len(columns)))
    )


SETS: dict[str, Callable[[str, str | None], None]] = {
    "india": india, "doordash": doordash, "nyc": nyc, "nyc-fixed": nyc_fixed
}  # fmt: skip


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
