"""The example of India reads the set as its README says, and peers see the same rows as we do."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from benchmarks.times import EXAMPLES, INDIA_CATEGORIES, _raw_india, cut, rows_of

from sixfold import loading
from sixfold.events.hashing import hash_strings
from sixfold.events.schema import concat
from sixfold.ingest import ingest
from sixfold.training.validate import lint_data
from sixfold.workspace import Workspace

DATA = Path(os.environ.get("SIXFOLD_DATA", "../shared/data")) / "delivery-time-india" / "deliveries.csv.gz"
NOW = 1_800_000_000_000_000
real = pytest.mark.skipif(not DATA.exists(), reason="delivery-time-india is not here; set SIXFOLD_DATA")


@real
def test_india_is_read_as_its_readme_says(tmp_path):
    workspace, example = Workspace(tmp_path), EXAMPLES / "delivery-india"
    taken = ingest(workspace, DATA, example / "mapping.toml", now=NOW)
    assert (taken.accepted, taken.duplicates) == (2 * (45_584 - 1_731), 0)
    assert taken.reasons == {"Order_Date and Time_Orderd is missing": 1_731}
    unknown = {(reason.split(" (")[0], reason.rpartition(": ")[2]): count for reason, count in taken.unknown.items()}
    assert unknown[("pickup", "the place is (0, 0)")] == 3_640 == unknown[("drop", "outside the area served")]
    assert unknown[("pickup", "a sign is lost")] == 431
    design, events = loading.load(example / "design.py"), concat(workspace.batches())
    rows = rows_of(design, events)
    assert not [finding for finding in lint_data(design, rows.material) if finding.level == "error"]
    assert rows.training.frame.ts.max() < rows.test.frame.ts.min()
    assert len(rows.test) / (len(rows.training) + len(rows.test)) == pytest.approx(0.2, abs=0.001)
    assert cut(design, events, "validation").span()[1] < rows.material.cuts.third
    kilometres = (
        np.expm1(rows.test.table[:, rows.material.features.columns.index("distance(context.pickup, context.drop)")])
        / 10
    )
    assert 1.4 < np.nanmin(kilometres) < np.nanmedian(kilometres) < 10 < np.nanmax(kilometres) < 22


def test_a_raw_row_is_found_by_its_id(tmp_path):
    head = (
        "ID,Delivery_person_Age,Delivery_person_Ratings,Restaurant_latitude,Restaurant_longitude,Delivery_location_latitude,"
        "Delivery_location_longitude,Order_Date,Time_Orderd,Weather_conditions,Road_traffic_density,Vehicle_condition,"
        "Type_of_order,Type_of_vehicle,multiple_deliveries,Festival,City,City_Name\n"
    )
    rows = [
        "a,30,4.5,1,2,3,4,2022-03-01,10:05,Fog,Jam,1,Meal,scooter,0,No,Urban,Pune",
        "b,,4,0,0,0.1,0.1,2022-03-02,,,Low,2,Meal,,,No,,Agra",
    ]
    with gzip.open(tmp_path / "d.csv.gz", "wt") as file:
        file.write(head + "\n".join(rows) + "\n")
    raw = _raw_india(tmp_path / "d.csv.gz")(hash_strings(np.array([b"b", b"a", b"b"])))
    assert raw.categorical == tuple(range(10, 10 + len(INDIA_CATEGORIES)))
    np.testing.assert_array_equal(raw.values[:, 1], [4, 4.5, 4])
    np.testing.assert_array_equal(raw.values[0], raw.values[2])
    assert raw.values[1, 8] == 605 and np.isnan(raw.values[0, [0, 7, 8]]).all()
    assert raw.values[0, 10] == -1 and raw.values[1, 10] == 0
