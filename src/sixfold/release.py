"""A release: one immutable folder of arrays and JSON, named by the hash of its content.

    <id>/manifest.json      SHA-256 and size of every file, the id, the data window
         design.json        the design as data
         features.json      the features with their vocabularies
         metrics.json       what was measured of it
         items.npy          the ids of the items, by row
         sources/<name>/*.npy     heads/<name>/{scorer,calibrator}/*.npy          of slates
         legs/<name>/*.npy        joint/*.npy     coverage/*.npy                   of estimates
         golden/            a small log with the rows it must give (see `golden`)

No pickle, no native model file, no code: a damaged file is refused by its checksum or by a bounds check. A folder
becomes a release by one rename; `CURRENT` is a file that holds the id of the published one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from . import golden
from .design import Design
from .errors import DesignError, ReleaseError
from .estimate import Estimator
from .features.table import Fitted
from .files import sync
from .golden import Learned
from .loading import from_json
from .packing import array, json_of, kinds, put, read_estimator, read_model, write_parts
from .pipeline import Model
from .ranking.sampling import Sampling
from .types import Cuts

FORMAT = 3
_NONE: NDArray[np.bytes_] = np.empty(0, "S1")


class File(msgspec.Struct, frozen=True):
    """One file of a release."""

    sha256: str
    bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What a release says of itself. `digest` names the log, `cuts` the spans it was trained, calibrated and judged on."""

    format: int
    id: str
    design: str
    digest: str
    cuts: Cuts
    heads: dict[str, tuple[str, str, Sampling]]
    """By head: the kind of its scorer, of its calibrator, and how its negatives were sampled."""
    legs: dict[str, str]
    """By leg of an estimate, in their order: the kind of its estimator."""
    files: dict[str, File]


@dataclass(frozen=True, slots=True)
class Release:
    """A published model with everything that came with it; items and titles are empty where no slates are decided."""

    manifest: Manifest
    learned: Learned
    items: NDArray[np.bytes_]
    titles: NDArray[np.bytes_]
    metrics: dict[str, Any]
    path: Path | None = None

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def design(self) -> Design:
        return self.learned.design

    @property
    def features(self) -> Fitted:
        return self.learned.features

    @property
    def model(self) -> Model:
        """What makes slates; raises DesignError where the release is of estimates."""
        if isinstance(self.learned, Estimator):
            raise DesignError(f"release {self.id} estimates and has no slates; ask it for an estimate")
        return self.learned

    @property
    def estimator(self) -> Estimator:
        """What makes estimates; raises DesignError where the release is of slates."""
        if not isinstance(self.learned, Estimator):
            raise DesignError(f"release {self.id} makes slates and no estimates; ask it for a slate")
        return self.learned


def write(
    folder: Path,
    model: Learned,
    *,
    items: NDArray[np.bytes_] = _NONE,
    titles: NDArray[np.bytes_] = _NONE,
    sample: golden.Golden,
    digest: str,
    cuts: Cuts,
    metrics: Mapping[str, Any],
) -> Release:
    """Write a release below `folder` and give it; the same content gives the same id and is written once."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".draft-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        write_parts(draft, model, items, titles, sample, metrics)
        files = {name: _measured(draft / name) for name in _files(draft)}
        named = Manifest(FORMAT, "", model.design.name, digest, cuts, *kinds(model), files)
        manifest = msgspec.structs.replace(named, id=identity(named))
        put(draft / "manifest.json", msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2))
        final = folder / manifest.id
        if final.exists():
            shutil.rmtree(draft)
        else:
            for inner in (path for path in draft.rglob("*") if path.is_dir()):
                sync(inner)
            sync(draft)
            draft.rename(final)
            sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return read(final)


def read(path: Path, *, checked: bool = False) -> Release:
    """The release in a folder. Raises ReleaseError naming the file that is damaged, missing or does not fit.

    Of one that is said to be `checked`, read whole a moment ago, neither the files nor the golden log are gone over again.
    """
    manifest = _manifest(path) if checked else verified(path)
    design = from_json((path / "design.json").read_bytes())
    features = json_of(path / "features.json", Fitted)
    model = (read_estimator if design.estimates else read_model)(path, manifest, design, features)
    if not checked:
        golden.check(model, golden.read(path / "golden"))
    metrics = json_of(path / "metrics.json", dict)
    items, titles = array(path / "items.npy"), array(path / "titles.npy")
    return Release(manifest, model, items, titles, metrics, path)


def identity(manifest: Manifest) -> str:
    """The id that a manifest's content gives: all of it but the metrics, which hold how long training took."""
    files = {name: file for name, file in manifest.files.items() if name != "metrics.json"}
    content = msgspec.json.encode(msgspec.structs.replace(manifest, id="", files=files), order="sorted")
    return hashlib.sha256(content).hexdigest()[:12]


def verified(path: Path) -> Manifest:
    """The manifest of a release, after it was held against its own id and every file against it."""
    manifest = _manifest(path)
    for name, file in manifest.files.items():
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ReleaseError(f"{path}: the manifest names {name!r}, outside the release; do not use it")
        if not (path / name).is_file():
            raise ReleaseError(f"{path}: {name} is missing; roll back with 'sixfold releases rollback' or train again")
        if _measured(path / name) != file:
            raise ReleaseError(f"{path}: {name} is damaged (its SHA-256 differs); roll back or train again")
    return manifest


def _manifest(path: Path) -> Manifest:
    if not (path / "manifest.json").exists():
        raise ReleaseError(f"there is no release at {path}; 'sixfold releases' lists those there are")
    manifest: Manifest = json_of(path / "manifest.json", Manifest)
    if manifest.format != FORMAT:
        raise ReleaseError(f"{path} has format {manifest.format}, this Sixfold reads {FORMAT}; train again")
    if identity(manifest) != manifest.id:
        raise ReleaseError(f"{path}: manifest.json is damaged (its id differs); roll back or train again")
    return manifest


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def _measured(path: Path) -> File:
    data = path.read_bytes()
    return File(hashlib.sha256(data).hexdigest(), len(data))
