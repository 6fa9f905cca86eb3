"""A workspace that estimates, small enough to train in a few seconds: a city of 30 stores over 4 days, and a design to match."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sixfold import beginning, journey
from sixfold.design import Design
from sixfold.journey import Trained
from sixfold.training.cache import Cache
from sixfold.workspace import Workspace
from sixfold.worlds.delivery import DeliveryWorld

WORLD = DeliveryWorld(days=4, orders_per_day=200, stores=30, new_stores=3)
LEVELS = ("0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95")


@dataclass(frozen=True)
class TinyTimes:
    """The workspace, its design, and what training it gave."""

    workspace: Workspace
    design: Design
    trained: Trained


def build(folder: Path) -> TinyTimes:
    """Fill, train and publish: the shipped design with few trees and a short window."""
    beginning.from_system("delivery", folder)
    path = folder / "design.py"
    text = path.read_text().replace('window="6h"', 'window="3h"').replace("trees=150", "trees=20")
    path.write_text(text)
    workspace = Workspace(folder)
    beginning.fill(workspace, "delivery", WORLD)
    trained = journey.train(
        workspace.design,
        workspace.batches(),
        into=workspace.releases,
        cache=Cache(workspace.cache),
        world=WORLD.truth(),
    )
    workspace.promote(trained.release.id)
    return TinyTimes(workspace, workspace.design, trained)
