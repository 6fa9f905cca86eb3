"""What load says of a release, as the numbers that a design asks for."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.designs import good
from tests.either import FIXTURES
from tests.tiny import Tiny

from sixfold.scaling import kept, measured
from sixfold.scaling.measured import Measured, Number
from sixfold.workspace import Workspace


def test_the_interval_of_a_quantile_covers_it_as_often_as_it_says():
    rng, truth = np.random.default_rng(1), -np.log(0.1)
    found = [measured._quantile(rng.exponential(size=300), 0.9) for _ in range(400)]
    covered = np.mean([number.low <= truth <= number.high for number in found])
    assert 0.92 <= covered <= 0.99


def test_the_interval_of_a_share_covers_it_and_never_leaves_what_shares_can_be():
    rng, truth = np.random.default_rng(2), 0.98
    found = [measured.share(rng.binomial(200, truth) / 200, 200) for _ in range(500)]
    assert 0.92 <= np.mean([number.low <= truth <= number.high for number in found]) <= 0.99
    sure = measured.share(1.0, 1000)
    assert sure.high == 1.0 and 0.995 < sure.low < 1.0


def test_without_an_answer_there_is_no_number():
    assert measured._quantile(np.empty(0), 0.99).n == 0


def test_every_requirement_of_a_service_is_a_target_with_the_command_that_measures_it():
    design = good()
    for name, (target, command) in measured.targets(design).items():
        assert target.value == getattr(design.requirements, name) and command.startswith("sixfold ")


def test_what_was_measured_is_of_the_published_release_alone(tiny: Tiny, tmp_path: Path):
    workspace = Workspace(Path(shutil.copytree(tiny.workspace.folder, tmp_path / "mine")))
    assert kept.read(workspace, measured.FILE, Measured) is None
    found = Measured(
        workspace.current().id, 50.0, 10.0, {"p99_ms": Number(4.0, 500, 3.5, 5.0), "fresh_ms": Number(9, 10)}, []
    )
    kept.write(workspace, measured.FILE, found)
    assert kept.read(workspace, measured.FILE, Measured) == found
    kept.write(workspace, measured.FILE, msgspec.structs.replace(found, release="another"))
    assert kept.read(workspace, measured.FILE, Measured) is None


@pytest.mark.slow
@pytest.mark.parametrize("of", FIXTURES)
def test_a_release_is_measured_on_a_copy(request: pytest.FixtureRequest, of: str, tmp_path: Path):
    folder = request.getfixturevalue(of).workspace.folder
    workspace = Workspace(Path(shutil.copytree(folder, tmp_path / "mine")))
    before = sum(len(batch) for batch in workspace.batches())
    found = measured.measure(workspace, seconds=3, rng=np.random.default_rng(0))
    assert set(found.numbers) == {"p99_ms", "requests_per_s", "fresh_ms"} and found.rate == 200
    assert sum(len(batch) for batch in workspace.batches()) == before, "the user's own log is untouched"
