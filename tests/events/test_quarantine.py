from __future__ import annotations

from pathlib import Path

import pytest

from sixfold.errors import DataError
from sixfold.events.quarantine import Held, Replayed, counts, held, hold, read_held, replay
from sixfold.events.rows import RawBatch, Rejected


def fill(path: Path) -> None:
    rejected = Rejected(
        (3, 9), ("t is missing", "has 3 fields, expected 2"), ({"u": "1", "t": ""}, {"u": "1", "t": "2", "+1": "x"})
    )
    hold(path, held("a.csv", rejected))
    hold(path, held("b.csv", Rejected((2,), ("t is missing",), ({"u": "é", "t": ""},))))


def test_rows_are_kept_in_order_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "events/quarantine.jsonl"
    assert list(read_held(path)) == []
    fill(path)
    rows = list(read_held(path))
    assert rows[2] == Held("b.csv", 2, "t is missing", {"u": "é", "t": ""})
    assert counts(path) == {
        ("a.csv", "t is missing"): 1,
        ("a.csv", "has 3 fields, expected 2"): 1,
        ("b.csv", "t is missing"): 1,
    }


def test_what_passes_leaves_and_what_does_not_stays_with_its_new_reason(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    fill(path)
    path.write_text(path.read_text().replace('{"u":"1","t":""}', '{"u":"1","t":"1700000000"}'))
    seen: list[tuple[str, tuple[str, ...]]] = []

    def again(batch: RawBatch) -> Rejected:
        seen.append((batch.source, tuple(batch.columns["t"])))
        bad = [row for row, cell in enumerate(batch.columns["t"]) if not cell]
        return Rejected(tuple(int(batch.rows[row]) for row in bad), ("still",) * len(bad), tuple(map(batch.raw, bad)))

    assert replay(path, again) == Replayed(passed=1, held=2)
    assert seen == [("a.csv", ("1700000000",)), ("b.csv", ("",))]
    assert [(row.source, row.row, row.reason) for row in read_held(path)] == [
        ("a.csv", 9, "has 3 fields, expected 2"),
        ("b.csv", 2, "still"),
    ]


def test_a_crash_in_replay_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    fill(path)
    before = path.read_bytes()

    def again(batch: RawBatch) -> Rejected:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        replay(path, again)
    assert path.read_bytes() == before


def test_an_empty_quarantine_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    hold(path, held("a.csv", Rejected((2,), ("why",), ({"u": "1"},))))
    assert replay(path, lambda batch: Rejected()) == Replayed(1, 0)
    assert not path.exists()


def test_a_line_broken_by_hand_is_named(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    fill(path)
    path.write_text(path.read_text() + '{"source": 3}\n')
    with pytest.raises(DataError, match="line 4"):
        list(read_held(path))
