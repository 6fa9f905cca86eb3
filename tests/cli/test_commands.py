"""Every command: help with an example, JSON for machines, exit codes, one sentence where it fails, and the whole journey."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.cli.calling import Done, call

from sixfold.cli.main import COMMANDS

SRC = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    """A workspace on a tiny world, made by commands alone; its gate fails, so that its release is forced."""
    folder = tmp_path_factory.mktemp("cli") / "mine"
    assert call("new", "video", folder=folder).code == 0
    assert call("world", "video", "--members", 120, "--days", 8, folder=folder).code == 0
    assert call("train", "--quick", "--force", folder=folder).code == 0
    return folder


def failed(done: Done, code: int, said: str) -> None:
    """The command ended with this code and one sentence on stderr, of the kind that says what to do."""
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert done.err.startswith("sixfold: ") and done.err.count("\n") == 1
    assert "Traceback" not in done.err


# Help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name):
    done = call(name, "--help")
    assert done.code == 0 and f"sixfold {name}" in done.out.split("Options:")[0]
    assert len(done.out.splitlines()) < 40


def test_the_group_lists_every_command():
    done = call("--help")
    assert done.code == 0 and all(f"  {name} " in done.out for name in COMMANDS)
    said = " ".join(done.out.split())
    assert said.startswith("Usage: sixfold [OPTIONS]")
    assert "Exit codes: 0 ok, 1 a check failed, 2 usage or design, 3 data or release, 4 environment." in said


def test_version():
    assert importlib.metadata.version("sixfold") in call("--version").out


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["recommend", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(words):
    code = """
import sys
sys.argv = ["sixfold", *sys.argv[1:]]
from sixfold.cli.main import main
try:
    main()
except SystemExit:
    print([name for name in ("numpy", "polars", "scipy", "catboost", "rich", "apsw", "msgspec") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )
    found = done.stdout.splitlines()[-1]
    assert found == ("[]" if words == ["--help"] else "['msgspec']"), "only what encodes JSON"


# The journey


def test_a_workspace_is_written_and_says_what_to_do_next(tmp_path):
    done = call("new", "video", folder=tmp_path / "a")
    assert (tmp_path / "a" / "design.py").exists()
    assert "What is a success?" in done.out and f"sixfold train --dir {tmp_path / 'a'}" in done.out
    failed(call("new", "video", folder=tmp_path / "a"), 3, "exists already; choose another --dir")


def test_filling_twice_adds_nothing(mine):
    done = call("world", "video", "--members", 120, "--days", 8, "--json", folder=mine)
    assert done.json["events"] == done.json["impressions"] == 0 < done.json["duplicates"]
    failed(call("world", "video", "--members", 121, folder=mine), 3, "came from another world")


def test_validating_a_sound_workspace_warns_but_ends_well(mine):
    done = call("validate", folder=mine)
    assert done.code == 0 and "warning learning.split.test: " in done.out.replace("\n", " ")
    assert {finding["level"] for finding in call("validate", "--json", folder=mine).json} == {"warning"}


def test_a_design_that_contradicts_itself_is_told_and_ends_with_1(mine, tmp_path):
    text = (mine / "design.py").read_text()
    (tmp_path / "design.py").write_text(text.replace("p99_ms=100", "p99_ms=10"))
    done = call("validate", "--json", folder=tmp_path)
    assert done.code == 1
    assert any(f["level"] == "error" and "p99_ms" in f["path"] + f["message"] for f in done.json)


def test_training_again_meets_the_champion(mine):
    done = call("train", "--quick", "--json", folder=mine)
    assert done.code == (0 if done.json["gate"]["passed"] else 1)
    assert any("champion" in reason for reason in done.json["gate"]["reasons"])
    assert "champion" in done.json["evaluation"]["systems"]


def test_a_gate_that_fails_publishes_nothing_and_ends_with_1(tmp_path):
    assert call("new", "video", folder=tmp_path).code == 0
    call("world", "video", "--members", 100, "--days", 7, folder=tmp_path)
    text = (tmp_path / "design.py").read_text()
    start, stop = text.index("ranker=Forest("), text.index(")", text.index("ranker=Forest(")) + 1
    (tmp_path / "design.py").write_text(text[:start] + "ranker=Forest(trees=1, depth=1)" + text[stop:])
    done = call("train", "--quick", folder=tmp_path)
    assert done.code == 1
    assert "gate failed: " in done.out and "written, not published" in done.out
    failed(call("check", folder=tmp_path), 3, "no release is published in")


def test_evaluate(mine):
    done = call("evaluate", folder=mine)
    assert done.code == 0 and "nDCG@10" in done.out and "popularity" in done.out
    found = call("evaluate", "--json", folder=mine).json
    assert found["chosen"] == "forest" and found["truth"]["value"]["oracle"] > found["truth"]["value"]["popularity"]


def test_check_ends_with_1_where_a_number_is_short(mine):
    done = call("check", "--json", folder=mine)
    statuses = {one["verdict"]["status"] for one in done.json if isinstance(one["verdict"], dict)}
    assert "short" in statuses and done.code == 1
    shown = call("check", folder=mine)
    assert shown.code == 1 and "metrics.offline[0]" in shown.out and "required" in shown.out


def test_recommend(mine):
    done = call("recommend", "--member", "m17", "--k", 5, "--context", "device=tv", "--json", folder=mine)
    answer = done.json
    assert done.code == 0 and answer["known"] and [item["place"] for item in answer["items"]] == [1, 2, 3, 4, 5]
    assert all(item["reasons"] == [] for item in answer["items"])
    first = answer["items"][0]["id"]
    again = call(
        "recommend", "--member", "m17", "--k", 5, "--context", "device=tv", "--exclude", first, "--json", folder=mine
    )
    assert first not in [item["id"] for item in again.json["items"]] and again.json["removed"]["excluded"] == 1
    values = [item["value"] for item in answer["items"]]
    assert values == sorted(values, reverse=True)


def test_recommend_explains(mine):
    done = call("recommend", "--member", "m17", "--explain", "--json", folder=mine)
    assert any(item["reasons"] for item in done.json["items"])
    assert all(item["sources"] for item in done.json["items"]), "each came from somewhere"
    assert "what sets it apart" in call("recommend", "--member", "m17", "--explain", folder=mine).out


def test_a_stranger_gets_what_strangers_get(mine):
    done = call("recommend", "--member", "nobody", "--json", folder=mine)
    assert not done.json["known"] and len(done.json["items"]) == 20 and done.json["history"] == []


def test_report(mine, tmp_path):
    done = call("report", "--json", folder=mine)
    page = Path(done.json["report"])
    assert page.parent == mine / "reports" and page.read_text().lower().startswith("<!doctype html>")
    assert call("report", "--out", tmp_path / "r.html", folder=mine).code == 0
    assert (tmp_path / "r.html").read_text() == page.read_text(), "the same release, the same page"


def test_releases(mine):
    listed = call("releases", "--json", folder=mine).json
    (current,) = [one["id"] for one in listed if one["current"]]
    assert current in call("releases", folder=mine).out
    shown = call("releases", "show", current[:4], "--json", folder=mine).json
    assert shown["manifest"]["id"] == current and shown["metrics"]["chosen"] == "forest"
    assert call("releases", "promote", current, "--json", folder=mine).json == {"current": current}
    failed(call("releases", "rollback", folder=mine), 3, "there is no release to roll back to")
    failed(call("releases", "show", "zzz", folder=mine), 3, f"no release starts with 'zzz'; there are: {current}")
    assert call("releases", "show", folder=mine).code == 2


def test_verify_skew(mine):
    done = call("verify-skew", "--most", 100, folder=mine)
    assert done.code == 0 and "no difference: 100 rows x " in done.out
    found = call("verify-skew", "--most", 20, "--json", folder=mine).json
    assert (found["rows"], found["differences"]) == (20, [])


def test_skew_ends_with_1_and_names_the_feature(mine, monkeypatch):
    from sixfold.features import record, windows

    honest = windows.read
    monkeypatch.setattr(record, "kernels", None)
    monkeypatch.setattr(windows, "read", lambda *args, **kwargs: honest(*args, **kwargs) + 1)
    done = call("verify-skew", "--most", 20, folder=mine)
    assert done.code == 1 and "count(" in done.out and "differ: 20 rows" in done.out


# A user's own tables


def ratings_csv(path: Path) -> Path:
    """60 users who like the films of their half; each film once, an hour apart."""
    rng = np.random.default_rng(0)
    films = [rng.permutation(150)[:50] * 2 + (user % 2) for user in range(60)]
    rows = [(user, film) for turn in zip(*films, strict=True) for user, film in enumerate(turn)]
    lines = [f"u{u},f{f},{1 + (u + f) % 5},{1_700_000_000 + i * 3600}" for i, (u, f) in enumerate(rows)]
    path.write_text("\n".join(["user,movie,rating,timestamp", *lines]) + "\n")
    return path


def test_own_tables_from_a_file_to_a_slate(tmp_path):
    ratings = ratings_csv(tmp_path / "ratings.csv")
    folder = tmp_path / "own"
    done = call("new", "--from", ratings, folder=folder)
    assert done.code == 0 and (folder / "mapping.toml").exists()
    assert "ratings.csv: 3,000 events new, 0 known already, 0 rows quarantined" in done.out
    assert call("ingest", ratings, folder=folder).out == "ratings.csv: read before, unchanged\n"
    assert call("validate", folder=folder).code == 0
    assert call("train", "--quick", "--force", folder=folder).code == 0
    assert len(call("recommend", "--member", "u3", "--k", 3, "--json", folder=folder).json["items"]) == 3
    assert call("verify-skew", "--most", 200, folder=folder).code == 0


def orders_csv(path: Path) -> Path:
    """Orders of 12 stores over 6 days, each as slow as its store; two rows that cannot be, and two places that are none."""
    rng = np.random.default_rng(0)
    out = ["order_id,created_at,delivered_at,store_id,items,drop_lat,drop_lon,store_lat,store_lon"]
    for n in range(2400):
        at, store, items = 1_700_000_000 + n * 216, n % 12, n % 5
        took = int(600 + 120 * store + 60 * items + rng.integers(0, 300)) * (-1 if n in (7, 8) else 1)
        lat, lon = (0, 0) if n in (20, 21) else (52.3 + rng.random() / 10, 4.8 + rng.random() / 10)
        out.append(f"o{n},{at},{at + took},s{store},{items},{lat:.5f},{lon:.5f},{52.3 + store / 100:.2f},4.9")
    path.write_text("\n".join(out) + "\n")
    return path


def test_own_orders_from_a_file_to_an_estimate(tmp_path):
    orders, folder = orders_csv(tmp_path / "orders.csv"), tmp_path / "own"
    done = call("new", "--from", orders, folder=folder)
    assert done.code == 0, done.err
    assert "orders.csv: 4,796 events new, 0 known already, 2 rows quarantined, 2 values unknown" in done.out
    assert "  2 rows quarantined: delivered_at is before created_at\n" in done.out
    assert "  2 values unknown: drop (drop_lat, drop_lon): the place is (0, 0)\n" in done.out
    assert '"reason":"delivered_at is before created_at: 1699' in (folder / "events" / "quarantine.jsonl").read_text()
    assert call("ingest", orders, folder=folder).out == "orders.csv: read before, unchanged\n"
    assert call("validate", folder=folder).code == 0
    trained = call("train", "--quick", "--json", folder=folder)
    assert trained.code == 0
    promised = []
    for store, lat in (("s11", 52.41), ("s0", 52.3)):
        asked = f'{{"store": "{store}", "pickup": [{lat}, 4.9], "drop": [52.35, 4.85], "items": 2}}'
        promised.append(call("estimate", "--context", asked, "--json", folder=folder).json["promise_s"])
    assert promised[0] > promised[1] + 600
    nowhere = call("estimate", "--context", '{"store": "s0", "drop": [0, 0], "items": 2}', folder=folder)
    assert nowhere.code == 0 and "note: drop counts as unknown: the place is (0, 0)\n" in nowhere.out
    assert call("verify-skew", "--most", 200, folder=folder).code == 0


def test_a_systems_name_beside_files_says_what_they_are_for(tmp_path):
    rows = [f"u{n % 30},v{n % 21},{1_700_000_000 + 900 * n},{1_700_000_000 + 900 * n + 5 + n % 60}" for n in range(600)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["user_id,thing_id,start_ts,end_ts", *rows]) + "\n")
    for name, kind in (("delivery", "Estimate("), ("video", "Slate(")):
        folder = tmp_path / name
        assert call("new", name, "--from", path, folder=folder).code == 0
        assert f"decides={kind}" in (folder / "design.py").read_text()
    assert "'sixfold new --as estimate --from ...'" in call("new", "--from", path, folder=tmp_path / "c").out


# Mistakes


@pytest.mark.parametrize("name", ["train", "evaluate", "check", "report", "verify-skew", "validate"])
def test_an_empty_folder_is_told_what_to_run_first(name, tmp_path):
    done = call(name, folder=tmp_path / "nothing")
    assert done.code in (2, 3) and "; run 'sixfold " in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["new", "vide"], 3, "there is no system 'vide'; did you mean 'video'?"),
        (["world", "vide"], 3, "there is no world 'vide'; did you mean 'video'?"),
        (["world", "video", "--days", "0"], 2, "days is 0; expected at least 1"),
    ],
)
def test_mistakes_are_one_sentence(words, code, said, tmp_path):
    failed(call(*words, folder=tmp_path / "a"), code, said)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--exclude", "v-none"], 3, "item 'v-none' to exclude is not in the log"),
        (["--context", "devce=tv"], 3, "context 'devce' is read by no feature of the release; did you mean 'device'?"),
    ],
)
def test_what_a_request_may_not_name(mine, words, code, said):
    failed(call("recommend", "--member", "m1", *words, folder=mine), code, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "there is no command 'nope'; "),
        (["trian"], "did you mean 'train'?"),
        (["new"], "name a system, such as 'sixfold new video'"),
        (["recommend"], "Missing option '--member'"),
        (["recommend", "--member", "m1", "--context", "tv"], "write name=value, such as --context device=tv"),
        (["recommend", "--member", "m1", "--k", "0"], "Invalid value for '--k'"),
        (["world", "video", "--difficulty", "grim"], "Invalid value for '--difficulty'"),
    ],
)
def test_usage_ends_with_2(words, said):
    done = call(*words)
    assert (done.code, done.out) == (2, "") and said in done.err and "Usage: " in done.err


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("design = Design(nam='x')", r"design.py:3: "),
        ("design = Desgn()", "design.py:3: name 'Desgn' is not defined; did you mean 'Design'?"),
        ("design = (", "design.py:3: "),
        ("other = 1", "defines no `design`; end it with design = Design(...)"),
    ],
)
def test_a_mistake_in_a_design_names_its_line_and_ends_with_2(line, said, tmp_path):
    (tmp_path / "design.py").write_text(f"from sixfold.language import *\n\n{line}\n")
    failed(call("validate", folder=tmp_path), 2, said)


def test_a_missing_extra_ends_with_4(mine, monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    failed(call("train", "--quick", "--json", folder=mine), 4, "run: pip install 'sixfold[train]'")


def test_doctor(monkeypatch):
    assert {one["name"] for one in call("doctor", "--json").json} >= {
        "python",
        "numpy",
        "apsw",
        "catboost",
        "sqlite",
        "kernels",
    }
    honest = importlib.metadata.version

    def lacking(name: str) -> str:
        if name == "catboost":
            raise importlib.metadata.PackageNotFoundError(name)
        return honest(name)

    monkeypatch.setattr(importlib.metadata, "version", lacking)
    done = call("doctor")
    assert done.code == 4 and "MISS catboost     run: pip install 'sixfold[train]'" in done.out


def test_a_damaged_release_is_refused(mine):
    (release,) = {path.parent for path in (mine / "releases").glob("*/manifest.json")}
    path = release / "items.npy"
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        failed(call("recommend", "--member", "m1", folder=mine), 3, "items.npy is damaged")
    finally:
        path.write_bytes(before)
