"""Files of native events: told from tables, read in batches, what was left out kept with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from tests.logs import random_log

from sixfold.errors import DataError
from sixfold.events.incoming import parse
from sixfold.events.native import is_native, left_out, read_lines
from sixfold.events.outgoing import render
from sixfold.types import SECOND

NOW = 1_800_000_000 * SECOND
LINE = b'{"kind":"outcome","id":"o1","name":"watch","keys":{"member":"m"}}\n'


@pytest.mark.parametrize(
    ("body", "native"),
    [
        (LINE, True),
        (b"\xef\xbb\xbf" + LINE, True),
        (b"\n\n" + LINE, True),
        (gzip.compress(LINE), True),
        (b'{"kind":"click","id":"o1"}', False),
        (b'{"kind":"outcome"}', False),
        (b'{"user":1,"item":2}', False),
        (b"user,item\n1,2\n", False),
        (b"", False),
        (b"\xff\xfe", False),
        (gzip.compress(LINE)[:20], False),
    ],
)
def test_a_native_file_is_known_by_its_first_line(tmp_path: Path, body, native):
    path = tmp_path / "events.jsonl"
    path.write_bytes(body)
    assert is_native(path) is native


def test_lines_come_in_batches(tmp_path: Path):
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(LINE * 7))
    assert [len(lines) for lines in read_lines(path, size=3)] == [3, 3, 1]
    path.write_bytes(gzip.compress(LINE * 70)[:-9])
    with pytest.raises(DataError, match=r"events.jsonl.gz is a damaged gzip file"):
        list(read_lines(path))


def test_what_was_left_out_is_named_by_its_line_in_the_file():
    lines = [LINE, b"rubbish\xff\r\n", LINE.replace(b"o1", b"o2")]
    part = parse(b"".join(lines), now=NOW, lines=True)
    rejected = left_out(part, lines, 11, {"outcome watch": np.array([False, True])})
    assert rejected.rows == (12, 13)
    assert rejected.reasons[1] == "id is known with other content"
    assert [raw["line"] for raw in rejected.raw] == ["rubbish\N{REPLACEMENT CHARACTER}", lines[2].decode().strip()]


def test_batches_of_a_log_say_what_the_log_says(tmp_path: Path):
    log = random_log(np.random.default_rng(0))
    path = tmp_path / "log.jsonl"
    path.write_bytes(render(log))
    parts = [parse(b"".join(lines), now=NOW, lines=True) for lines in read_lines(path, size=17)]
    assert sum(len(part.events) for part in parts) == len(log) and not any(part.rejected for part in parts)
