"""A workspace small enough to train in a few seconds: an easy world of 120 members over 8 days, and a design to match."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from sixfold import beginning, journey
from sixfold.design import Design
from sixfold.events.schema import Events
from sixfold.journey import Trained
from sixfold.language import EASE, Downsample, Forest, Popular, Recent, auc, recall
from sixfold.loading import load
from sixfold.training import run
from sixfold.training.cache import Cache
from sixfold.training.material import Material, prepare
from sixfold.training.run import Ready, Stages
from sixfold.workspace import Workspace
from sixfold.worlds.video import VideoWorld

WORLD = VideoWorld(
    members=120, days=8, videos=200, new_videos=4, slate=10, visits=3.0, rate=0.12, difficulty="easy"
)  # fmt: skip
SYSTEM = Path(beginning.__file__).parent / "systems" / "video.py"


def design(**learning: object) -> Design:
    """The shipped design with few trees, cheap retrievers and targets within reach, with these fields of `learning` replaced."""
    shipped = load(SYSTEM)
    small: dict[str, object] = {
        "retrievers": (Popular(half_life="2d"), Recent(), EASE()),
        "ranker": Forest(trees=20, depth=4, learning_rate=0.2),
        "candidates": 60,
        "negatives": Downsample(0.5),
    }
    return msgspec.structs.replace(
        shipped,
        learning=msgspec.structs.replace(shipped.learning, **small | learning),
        metrics=msgspec.structs.replace(shipped.metrics, offline=(auc() >= 0.55, recall(at=50) >= 0.15)),
    )


@dataclass(frozen=True)
class Tiny:
    """The workspace, its design, and what training it gave."""

    workspace: Workspace
    design: Design
    trained: Trained

    @property
    def release_path(self) -> Path:
        """The folder of its release."""
        return self.workspace.releases / self.trained.release.id

    @cached_property
    def batches(self) -> list[Events]:
        """Its log."""
        return list(self.workspace.batches())

    @cached_property
    def material(self) -> Material:
        """Its log made ready."""
        return prepare(self.design, self.batches)

    @cached_property
    def ready(self) -> Ready:
        """Sources and rows, as they were made for its release."""
        return run.ready(self.material, Cache(self.workspace.cache), Stages())


def build(folder: Path) -> Tiny:
    """Fill, train and publish."""
    beginning.from_system("video", folder)
    workspace = Workspace(folder)
    beginning.fill(workspace, "video", WORLD)
    trained = journey.train(
        design(), workspace.batches(), into=workspace.releases, cache=Cache(workspace.cache), world=WORLD.truth()
    )
    workspace.promote(trained.release.id)
    return Tiny(workspace, design(), trained)
