from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import polars as pl
import pytest

from sixfold.errors import DataError, MissingExtra
from sixfold.events.reading import layout_of, read
from sixfold.events.schema import SEP


def test_every_type_becomes_text_and_null_is_empty(tmp_path: Path) -> None:
    moment = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)
    frame = pl.DataFrame(
        {"id": [1, None, 3], "x": [1.5, 2.0, None], "on": [True, False, None], "when": [moment, None, moment],
         "naive": [moment.replace(tzinfo=None)] * 3, "tags": [["a", "b"], [], None], "name": ["é", "", None]}
    )  # fmt: skip
    frame.write_parquet(tmp_path / "x.parquet")
    batches = list(read(tmp_path / "x.parquet", layout_of(tmp_path / "x.parquet"), size=2))
    columns = {name: sum((tuple(batch.columns[name]) for batch in batches), ()) for name in frame.columns}
    assert [len(batch) for batch in batches] == [2, 1]
    assert batches[1].rows.tolist() == [3]
    assert columns == {
        "id": ("1", "", "3"), "x": ("1.5", "2.0", ""), "on": ("1", "0", ""),
        "when": ("2024-05-01T12:30:00.000000Z", "", "2024-05-01T12:30:00.000000Z"),
        "naive": ("2024-05-01T12:30:00.000000",) * 3,
        "tags": ("a" + SEP.decode() + "b", "", ""), "name": ("é", "", ""),
    }  # fmt: skip


def test_what_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no readable Parquet"):
        layout_of(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no file"):
        layout_of(tmp_path / "y.parquet")


def test_without_polars_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r"sixfold\[train\]"):
        layout_of(tmp_path / "x.parquet")
