"""Two at once: the second writer, the second service and the second training are refused; two publications take turns."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.calling import call
from tests.serving.running import serving
from tests.tiny import Tiny

from sixfold.errors import Busy
from sixfold.scaling.served import free_port
from sixfold.workspace import Workspace


@pytest.fixture
def workspace(tiny: Tiny, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))


def test_a_second_service_of_a_workspace_is_refused_and_the_first_undisturbed(workspace):
    with serving(workspace.folder) as service:
        done = subprocess.run(
            [sys.executable, "-m", "sixfold.cli.main", "serve", "--dir", str(workspace.folder), "--port", str(free_port())],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 4 and "is being written by another process" in done.stderr
        assert service.ask("GET", "/health/ready")[0] == 200
        assert service.ask("POST", "/v1/recommend", {"member": "m1"})[0] == 200


def test_a_service_whose_supervisor_was_killed_can_be_started_again(workspace):
    """Its workers and its writer end with it: neither the port nor the log is left taken."""
    port = free_port()
    first = subprocess.Popen(
        [sys.executable, "-m", "sixfold.cli.main", "serve", "--dir", str(workspace.folder), "--port", str(port)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stderr is not None
    while "serving release" not in first.stderr.readline():
        assert first.poll() is None
    first.kill()
    first.communicate()
    with serving(workspace.folder, port=port) as service:
        assert service.ask("POST", "/v1/recommend", {"member": "m1"})[0] == 200


def test_a_second_training_is_refused(workspace):
    with workspace.training():
        with pytest.raises(Busy, match="another process is training in"), workspace.training():
            pass
        done = call("train", "--quick", folder=workspace.folder)
        assert done.code == 4 and "wait until it is done, or stop it" in done.err
    with workspace.training():
        pass


def test_what_a_killed_training_left_is_cleared_away(workspace):
    (workspace.releases / ".draft-4711").mkdir()
    (workspace.cache / "rows-abc.4711.npz").write_bytes(b"half")
    kept = sorted(path.name for path in workspace.cache.glob("*.npz") if path.name != "rows-abc.4711.npz")
    with workspace.training():
        assert not list(workspace.releases.glob(".draft-*"))
        assert sorted(path.name for path in workspace.cache.glob("*.npz")) == kept


def test_a_publication_waits_for_the_one_before(workspace):
    """Publishing reads what was published and writes it again: two at once would forget one of them."""
    code = (
        "import sys; from pathlib import Path; from sixfold.workspace import Workspace; "
        "w = Workspace(Path(sys.argv[1])); [w.promote(sys.argv[2] + str(n)) for n in range(25)]"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(workspace.folder), name]) for name in ("a", "b")]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    published = (workspace.releases / "CURRENT").read_text().split()
    assert {f"{name}{n}" for name in "ab" for n in range(25)} < set(published)
