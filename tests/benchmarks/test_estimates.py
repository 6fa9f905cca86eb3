"""What is timed is the work that is claimed: open orders told again as a service tells them, the log as the peer gets it."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.estimates import known, on_their_way, told
from benchmarks.peers.orders import OUTCOMES, export

from sixfold.following import follow
from sixfold.training import estimates
from sixfold.training.cache import Cache
from sixfold.training.material import prepare
from sixfold.training.run import Stages


@pytest.fixture(scope="module")
def material(timed):
    return prepare(timed.design, timed.workspace.batches(), features=timed.workspace.current().features)


@pytest.fixture(scope="module")
def spans(material):
    return estimates.spans(material, Cache(), Stages())


def test_one_pass_tells_what_each_order_would_be_told(timed, spans):
    release = timed.workspace.current()
    way = on_their_way(release.estimator, spans.test, np.random.default_rng(0), 60)
    assert set(way.done.tolist()) == {0, 1, 2}
    quantiles, promised = told(release.estimator, way)
    for row in range(60):
        one, now = known(release, way, row)
        alone = follow(release.estimator, one, now=now)
        assert alone.fate == "under_way"
        np.testing.assert_allclose(quantiles[row], alone.quantiles, rtol=1e-4, atol=0.05)
    assert (promised >= 300).all()


def test_the_peer_gets_the_log_and_the_same_rows(timed, material, spans, tmp_path):
    export(timed.workspace, material, spans, tmp_path)
    with np.load(tmp_path / "log.npz") as held:
        log = {name: held[name] for name in held.files}
    assert (np.diff(log["orders:ts"]) >= 0).all() and not np.isin(log["train"], log["test"]).any()
    assert len(log["train"]) == len(spans.training) + len(spans.calibrating)
    np.testing.assert_allclose(np.sort(log["orders:ts"][log["test"]]), np.sort(spans.test.frame.ts / 1e6))
    took = np.full(len(log["orders:ts"]), np.nan)
    took[log["delivered:order"]] = log["delivered:value"]
    assert sorted(took[log["test"]].tolist()) == pytest.approx(sorted(spans.test.label.tolist()), rel=1e-6)
    assert all((log[f"{name}:ts"] >= log["orders:ts"][log[f"{name}:order"]]).all() for name in OUTCOMES)
