"""A member is forgotten: no event, no byte of the log, no state; a receipt says what went and what still knows it."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from pathlib import Path

import apsw
import numpy as np
import pytest

from sixfold import forgetting, golden, journey
from sixfold.errors import Busy, DataError
from sixfold.events import log as logs
from sixfold.events import quarantine, settled
from sixfold.events.forgetting import types
from sixfold.events.log import EventLog
from sixfold.events.retention import retain
from sixfold.events.schema import Events, take
from sixfold.events.settling import settle
from sixfold.features.served import Served, encode
from sixfold.types import DAY
from sixfold.workspace import Workspace
from tests.cli.calling import call
from tests.logs import same_batches
from tests.tiny import Tiny

NOW = time.time_ns() // 1000
WHO, OTHER = "member-that-goes", "member-that-stays"


def renamed(events: Events, old: bytes, new: str) -> Events:
    """The same events under ids of their own and about another member, whose events bear its name."""

    def fresh(table: dict[str, np.ndarray], key: str) -> dict[str, np.ndarray]:
        table = take(table, table[key] == old)
        return table | {
            "id": np.char.add(f"{new}/".encode(), table["id"]),
            key: np.full(len(table["ts"]), new.encode()),
        }

    kept = events.select({"decision": events.decisions["member"] == old} if "member" in events.decisions else {})
    outcomes = {name: fresh(dict(table), "member") for name, table in events.outcomes.items()}
    for table in outcomes.values():
        named = table["decision"] != b""
        table["decision"] = np.where(named, np.char.add(f"{new}/".encode(), table["decision"]), b"")
    entities = {"member": fresh(dict(events.entities["member"]), "key")} if "member" in events.entities else {}
    return Events(entities, fresh(dict(kept.decisions), "member"), kept.shown, outcomes)


@pytest.fixture(scope="module")
def known(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The tiny workspace with two more members, half of the log settled, and traces of one in every other place."""
    folder = tmp_path_factory.mktemp("known") / "mine"
    shutil.copytree(tiny.workspace.folder, folder)
    workspace = Workspace(folder)
    log = EventLog(workspace.log_path, clock=lambda: NOW - 3 * DAY)
    log.db.execute("update accepted set hour = hour - 72")
    whole = log.all()
    for name in (WHO, OTHER):
        log.append(renamed(whole, b"m5", name))
    settle(log, now=NOW, before=DAY)
    assert len(settled.named(log.db)) == 1
    log.clock = lambda: NOW
    late = renamed(whole, b"m6", WHO)
    log.append(Events(outcomes={"watch": late.outcomes["watch"]}))
    log.append(renamed(whole, b"m7", "member-of-late"))
    decision = f"{WHO}/served"
    log.keep(
        {
            name: encode(Served(name, "r", {"member": who}, 0, 1, {}, [b"v1"], b""))
            for name, who in ((decision, WHO), ("d", OTHER))
        }
    )
    log.close()
    rows = [
        quarantine.Held("f.csv", at, "bad", raw)
        for at, raw in enumerate([{"member": WHO}, {"line": f'{{"member": "{WHO}", '}, {"member": OTHER}])
    ]
    quarantine.hold(folder / "events" / "quarantine.jsonl", rows)
    (folder / "events" / "log.damaged-1.sqlite").write_text(WHO)
    (folder / "cache" / "rows-x.npz").write_text(WHO)
    workspace.state(workspace.current())
    return workspace


@pytest.fixture
def workspace(known: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(known.folder, tmp_path / "mine")))


def forget(workspace: Workspace, *names: str, of: str = "member") -> forgetting.Receipt:
    return forgetting.forget(workspace, of, names, now=NOW, salt=b"0123456789abcdef")[0]


def told(workspace: Workspace) -> dict[str, int]:
    """How many events of each table are of the member who goes."""
    out = {}
    with workspace.log() as log:
        for name, table in log.all().tables():
            out[name] = (
                int((table["key" if name.startswith("entity") else "member"] == WHO.encode()).sum())
                if "member" in name or "member" in table
                else 0
            )
    return out


def holding(folder: Path, text: bytes) -> list[str]:
    """Files below a folder that hold a text, as they are or in what is compressed in them."""
    out = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if text in data or (path.suffix == ".sqlite" and any(text in body for body in _bodies(path))):
            out.append(str(path.relative_to(folder)))
    return sorted(out)


def _bodies(path: Path) -> list[bytes]:
    db = apsw.Connection(str(path))
    return [zlib.decompress(body) for (body,) in db.execute("select body from batches where length(body) > 0")]


def test_every_event_goes_and_nothing_else(workspace):
    expected = told(workspace)
    with workspace.log() as log:
        before = list(log.read())
    receipt = forget(workspace, WHO)
    assert {name: n for name, n in expected.items() if n} == {n: k for n, k in receipt.events.items() if n != "shown"}
    assert receipt.events["decision"] > 0 and receipt.events["shown"] == 10 * receipt.events["decision"]
    assert not any(told(workspace).values())
    with workspace.log() as log:
        log.hold()
        kept = [
            (offset, events.select({
                name: table["key" if name.startswith("entity") else "member"] != WHO.encode()
                for name, table in events.tables() if name == "entity member" or "member" in table
            })) for offset, events in before
        ]  # fmt: skip
        same_batches(kept, list(log.read()))
        assert len(log) == sum(len(events) for _, events in kept)
        assert list(log.kept()) == [encode(Served("d", "r", {"member": OTHER}, 0, 1, {}, [b"v1"], b""))]
        assert log.append(Events(outcomes=before[3][1].outcomes)).accepted == 0, "what stays is known as before"


def test_no_byte_is_left(workspace):
    """Free pages, write-ahead log, settled files, state, caches, quarantine, damaged copies: all of the workspace's files."""
    assert "events/log.damaged-1.sqlite" in holding(workspace.folder, WHO.encode())
    assert any(name.startswith("state/") for name in holding(workspace.folder, WHO.encode()))
    forget(workspace, WHO)
    assert holding(workspace.folder, WHO.encode()) == []
    with workspace.log() as log:
        assert all(
            WHO.encode() not in value.tobytes()
            for _, events in log.read()
            for _, t in events.tables()
            for value in t.values()
        )
    assert holding(workspace.folder / "events", OTHER.encode()), "the test would find it"
    assert [row.raw for row in quarantine.read_held(workspace.folder / "events" / "quarantine.jsonl")] == [
        {"member": OTHER}
    ]


def test_state_and_the_next_release_do_not_know_it(workspace, tiny):
    state = workspace.state(workspace.current())
    assert state.ids["member"].rows(np.array([WHO.encode()]))[0] >= 0
    assert forget(workspace, WHO).state == "built anew"
    state = workspace.state(workspace.current())
    assert state.ids["member"].rows(np.array([WHO.encode(), OTHER.encode()])).tolist()[0] == -1
    number = journey.train(tiny.design, workspace.batches(), into=workspace.releases).release.id
    assert not holding(workspace.releases / number, WHO.encode())
    shutil.copytree(workspace.folder, workspace.folder.parent / "other", ignore=shutil.ignore_patterns("state"))
    rebuilt = Workspace(workspace.folder.parent / "other").state(workspace.current())
    for name in rebuilt.store.nbytes():
        rows = min(len(state.store[name]), len(rebuilt.store[name]))
        np.testing.assert_array_equal(state.store[name][:rows], rebuilt.store[name][:rows], err_msg=name)
    last = golden.read(workspace.releases / number / "golden").keys["member"][-1]
    assert {held.release: held.names_it for held in forget(workspace, last.decode()).releases}[number]


def test_the_receipt_says_what_went_and_what_is_left_to_do(workspace):
    receipt, path = forgetting.forget(workspace, "member", [WHO], now=NOW, salt=b"0123456789abcdef")
    data = path.read_bytes()
    assert WHO.encode() not in data and path.parent == workspace.folder / "receipts"
    assert path.name.startswith(receipt.at[:10]) and json.loads(data)["events"] == receipt.events
    assert receipt.quarantine == 2 and receipt.cache_files >= 1 and receipt.state_files > 0
    (held,) = receipt.releases
    assert held.release == workspace.current_id() and held.current
    assert "was trained on its events: train and publish another, then remove" in held.todo
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_is_not_known_changes_nothing(workspace):
    before = holding(workspace.folder, WHO.encode())
    with pytest.raises(DataError, match="the log knows no member 'nobody'; nothing was changed"):
        forget(workspace, WHO, "nobody")
    with pytest.raises(DataError, match="the log has no entity type 'membr'; did you mean 'member'"):
        forget(workspace, WHO, of="membr")
    with pytest.raises(DataError, match="knows no member 'v7'"):
        forget(workspace, "v7")
    assert holding(workspace.folder, WHO.encode()) == before


def test_several_at_once_and_twice(workspace):
    receipt = forget(workspace, WHO, OTHER)
    assert len(receipt.hashes) == 2 and holding(workspace.folder, OTHER.encode()) == []
    with pytest.raises(DataError, match="knows no member"):
        forget(workspace, WHO)


def test_an_item_leaves_the_slates_it_was_in(workspace):
    receipt = forget(workspace, "v3", of="video")
    assert receipt.events["shown"] > 0 and "decision" not in receipt.events
    with workspace.log() as log:
        events = log.all()
        assert not (events.shown["item"] == b"v3").any() and not (events.outcomes["watch"]["video"] == b"v3").any()
        assert types(log) == ["member", "video"]
    assert receipt.state.startswith("not built anew: release") and "train again" in receipt.state


def test_where_another_process_writes_or_reads_it_is_refused_and_finished_later(workspace):
    with workspace.log() as writer:
        writer.hold()
        with pytest.raises(Busy, match="is being written by another process"):
            forget(workspace, WHO)
    with workspace.log() as reader:
        reading = reader.read(9)
        next(reading)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logs, "PATIENCE_MS", 0)
            with pytest.raises(Busy, match=r"another process is reading .*; end it and run this again"):
                forget(workspace, WHO)
        reading.close()
    receipt = forget(workspace, WHO)
    assert receipt.events["decision"] > 0 and holding(workspace.folder, WHO.encode()) == []
    assert len(list((workspace.folder / "receipts").iterdir())) == 1


def test_after_retention_too(workspace):
    with workspace.log() as log:
        retain(log, now=NOW, keep=2 * DAY)
    forget(workspace, WHO)
    assert holding(workspace.folder, WHO.encode()) == []
    with workspace.log() as log:
        log.hold()


def test_the_commands(workspace):
    done = call("settle", "--before", "1d", "--keep", "3d", "--json", folder=workspace.folder)
    assert done.code == 0 and done.json["dropped"]["events"]["decision"] > 0
    done = call("forget", "member", WHO, "--yes", folder=workspace.folder)
    assert done.code == 0 and "forgotten: " in done.out and f"receipt {workspace.folder}/receipts/" in done.out
    assert "train and publish another" in done.out
    done = call("forget", "member", WHO, "--yes", folder=workspace.folder)
    assert (done.code, done.out) == (3, "") and "knows no member" in done.err
    done = call("forget", "member", OTHER, "--yes", "--json", folder=workspace.folder)
    assert done.json["events"]["decision"] > 0
    assert "settled in 0 files" in call("settle", folder=workspace.folder).out
