"""What attributes alone decide: worked out once a row, and anew after any of them changed."""

from __future__ import annotations

import numpy as np
import pytest

from sixfold.features.worked import Work, Worked


class Source:
    """Attributes of four rows, and which rows were asked for."""

    def __init__(self) -> None:
        self.values, self.asked = np.array([1.0, 2.0, 3.0, 4.0]), list[list[int]]()

    def attribute(self, path: str, rows: np.ndarray, ts: np.ndarray) -> np.ndarray:
        self.asked.append(rows.tolist())
        return np.where(rows >= 0, self.values[rows], np.nan)


@pytest.fixture
def source() -> Source:
    return Source()


def read(worked: Worked, source: Source, rows: list[int], *, version: int = 0, count: int = 4) -> list[list[float]]:
    at = np.array(rows, np.int32)
    return worked.read(source.attribute, at, np.zeros(len(rows), np.int64), count=count, version=version).tolist()


WORK = Work(("video.length",), lambda values: np.stack([values, 2 * values], axis=1))


def test_a_row_is_worked_out_once(source: Source):
    worked = Worked(WORK)
    assert read(worked, source, [2, 0]) == [[3, 6], [1, 2]]
    assert read(worked, source, [0, 1, 2]) == [[1, 2], [2, 4], [3, 6]]
    assert source.asked == [[2, 0], [1]]
    assert WORK.entity == "video"


def test_another_version_has_all_of_them_worked_out_anew(source: Source):
    worked = Worked(WORK)
    read(worked, source, [0, 1])
    source.values[1] = 9
    assert read(worked, source, [1]) == [[2, 4]], "nothing was said to have changed"
    assert read(worked, source, [1], version=1) == [[9, 18]]
    assert read(worked, source, [0], version=1) == [[1, 2]]


def test_more_rows_than_before_and_a_row_that_is_not_known(source: Source):
    worked = Worked(WORK)
    assert np.isnan(read(worked, source, [-1, 3])[0]).all()
    source.values = np.arange(300.0)
    assert read(worked, source, [3], count=4) == [[4, 8]]
    assert read(worked, source, [290, -1], count=300)[0] == [290, 580]
    assert np.isnan(read(worked, source, [-1], count=300)[0]).all()


def test_no_rows(source: Source):
    assert worked_shape(source) == (0, 2)


def worked_shape(source: Source) -> tuple[int, ...]:
    at = np.empty(0, np.int32)
    return Worked(WORK).read(source.attribute, at, at.astype(np.int64), count=0, version=0).shape
